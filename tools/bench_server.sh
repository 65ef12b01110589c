# shellcheck shell=bash disable=SC2034 # variables are for the script that sources this
# Sourced, with the name of a Lua as $1: builds the peers in C, and starts nginx with bench/nginx.conf on free ports.
# Sets `plain`, `tls`, `slow` and `slow_tls` (addresses), `dir` (for temporary files) and BENCH_CA. The server ends with
# the script. The server has one core, and the script with what it runs another: if the scheduler chose their cores, the
# cost of a call would vary by half.
dir=$(mktemp -d)
chmod 755 "$dir" # a worker of nginx may run as another user
stop_server() {
    [ -f "$dir/pid" ] && kill "$(cat "$dir/pid")"
    rm -rf "$dir"
}
trap stop_server EXIT
. tools/environment.sh
ulimit -n "$(ulimit -Hn)"

read -ra curl <<<"$(pkg-config --cflags --libs libcurl)"
mkdir -p build/bench
for program in c_easy c_multi; do
    cc -std=gnu99 -O2 "bench/peers/$program.c" -o "build/bench/$program" "${curl[@]}" || exit
done
"$1" bench/events.lua >"$dir/events.json" || exit
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=bench \
    -addext subjectAltName=IP:127.0.0.1 -keyout "$dir/key.pem" -out "$dir/certificate.pem" 2>/dev/null || exit
export BENCH_CA=$dir/certificate.pem

start_server() { # PORT: the first of four ports
    local v0
    v0=$(cat bench/answers/v0.json)
    sed -e "s|@WORK@|$dir|g; s|@BENCH@|$PWD/bench|; s|@V0@|$v0|" \
        -e "s|@PLAIN@|$1|; s|@TLS@|$(($1 + 1))|; s|@SLOW@|$(($1 + 2))|; s|@SLOW_TLS@|$(($1 + 3))|" \
        -e "s|@CORE@|$core|; s|worker_cpu_affinity ;||" \
        -e "s|@MODULES@|$(modules)|" bench/nginx.conf >"$dir/nginx.conf"
    /usr/sbin/nginx -p "$dir" -c "$dir/nginx.conf" 2>>"$dir/error.log"
}

modules() { # prints the directives that load the Lua module, which is a file of its own on Debian
    local module
    for module in ndk_http_module ngx_http_lua_module; do
        [ ! -f /usr/lib/nginx/modules/$module.so ] || echo "load_module /usr/lib/nginx/modules/$module.so;"
    done | tr '\n' ' '
}

core=''
if command -v taskset >/dev/null && [ "$(nproc)" -ge 2 ]; then core=01; fi

nginx_version() { /usr/sbin/nginx -v 2>&1 | sed 's|.*version: ||'; }

for _ in 1 2 3 4 5 6 7 8 9; do # until the ports are free
    port=$((20000 + RANDOM % 20000))
    start_server $port && break
done
[ -f "$dir/pid" ] || { cat "$dir/error.log"; exit 1; }
plain=http://127.0.0.1:$port tls=https://127.0.0.1:$((port + 1))
slow=http://127.0.0.1:$((port + 2)) slow_tls=https://127.0.0.1:$((port + 3))
[ -z "$core" ] || taskset -cp 1 $$ >/dev/null
