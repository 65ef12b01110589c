#!/bin/bash
# Compares the cost of a status call, in CPU time and in instructions, with a plain C loop on the same libcurl against
# the same server. The two alternate; the median of the ratios is printed.
#   bench.sh [LUA...]         default: lua5.4 luajit
# PAIRS and CALLS in the environment: how many pairs of runs, and calls in each.
set -u
cd "$(dirname "$0")/.." || exit
[ $# -gt 0 ] || set -- lua5.4 luajit
pairs=${PAIRS:-11} calls=${CALLS:-3000}
tools/setup.sh bench "$@" || exit

work=$(mktemp -d)
finish() {
    [ -f "$work/pid" ] && kill "$(cat "$work/pid")"
    rm -rf "$work"
}
trap finish EXIT

read -ra curl <<<"$(pkg-config --cflags --libs libcurl)"
mkdir -p build/bench && cc -O2 bench/loop.c -o build/bench/loop "${curl[@]}" || exit

serve() { # PORT: starts nginx, which answers each dialect with one file
    cat >"$work/nginx.conf" <<EOF
pid $work/pid;
error_log $work/error.log;
events {}
http {
    access_log off;
    keepalive_requests 100000000;
    client_body_temp_path $work/body; proxy_temp_path $work/proxy; fastcgi_temp_path $work/fastcgi;
    uwsgi_temp_path $work/uwsgi; scgi_temp_path $work/scgi;
    server {
        listen 127.0.0.1:$1;
        default_type application/json;
        location /api/conversations/ { return 200 '$(cat bench/answer_v0.json)'; }
        location /api/v1/ { return 200 '$(cat bench/answer_v1.json)'; }
    }
}
EOF
    /usr/sbin/nginx -p "$work" -c "$work/nginx.conf" 2>>"$work/error.log"
}

for _ in 1 2 3 4 5 6 7 8 9; do # until a port is free
    port=$((20000 + RANDOM % 20000))
    serve $port && break
done
[ -f "$work/pid" ] || { cat "$work/error.log"; exit 1; }
url=http://127.0.0.1:$port

median() { sort -n | awk '{ v[NR] = $1 } END { printf "%.2f\n", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f\n", a / b }'; }

# COMMAND...: prints the instructions of one call, from runs of many and few calls: start-up cancels out
instructions() {
    local few many
    few=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" 100 2>&1 | sed -n 's/.*Collected : //p')
    many=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" 1100 2>&1 | sed -n 's/.*Collected : //p')
    echo $(((many - few) / 1000))
}

compare() { # API PATH: prints a table of one dialect's status call
    local target=$url$2 floor count lua i ours theirs
    floor=$(instructions build/bench/loop "$target")
    printf '%-8s %10s %14s %8s %8s   %s bytes answered\n' "$1" 'us / call' 'instructions' 'time' 'instr.' \
        "$(wc -c <"bench/answer_$1.json")"
    printf '%-8s %10s %14s %8s %8s\n' C \
        "$(for _ in 1 2 3 4 5; do build/bench/loop "$target" "$calls"; done | median)" "$floor" 1 1
    for lua in $luas; do
        eval "$(${MAKE:-make} -s LUA="$lua" env)" || exit
        : >"$work/times" && : >"$work/ratios"
        for ((i = 0; i < pairs; i++)); do
            ours=$("$lua" bench/status.lua "$1" "$url" "$calls") && theirs=$(build/bench/loop "$target" "$calls") || exit
            echo "$ours" >>"$work/times"
            ratio "$ours" "$theirs" >>"$work/ratios"
        done
        count=$(instructions "$lua" bench/status.lua "$1" "$url")
        printf '%-8s %10s %14s %8s %8s\n' "$lua" "$(median <"$work/times")" "$count" "$(median <"$work/ratios")" \
            "$(ratio "$count" "$floor")"
    done
}

luas=$*
id=7f3b9a1c2d4e4f60a1b2c3d4e5f60718
compare v0 /api/conversations/$id
compare v1 "/api/v1/app-conversations?ids=$id"
