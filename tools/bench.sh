#!/bin/bash
# Measures what calls cost in CPU time: this library beside its peers, all against one nginx on this machine, each run
# paired with a run of the same work in plain C on libcurl. Writes bench/RESULTS.md and bench/results.svg, unless WORKS
# or PEERS says that only some run.
#   bench.sh [LUA...]         default: lua5.4 luajit
# Environment: PAIRS, how many pairs of runs; WORKS, the names of works, and PEERS, a pattern (of bash) of the
# names of peers: only these run.
set -u
cd "$(dirname "$0")/.." || exit
[ $# -gt 0 ] || set -- lua5.4 luajit
pairs=${PAIRS:-5}
tools/setup.sh bench "$@" || exit
tools/setup.sh peers "$@" || echo 'openhands: the bench goes on without them' >&2
# shellcheck source=tools/bench_server.sh
. tools/bench_server.sh

# ---- the peers ----------------------------------------------------------------------------------------------------

names=() missing=()
declare -A commands variables versions

peer() { # NAME COMMAND [ASSIGNMENTS]: notes a peer, if it runs
    local answer
    if answer=$(eval "${3-} $2 version" 2>&1); then
        names+=("$1") commands[$1]=$2 variables[$1]=${3-} versions[$1]=${answer%%$'\n'*}
    else
        missing+=("$1: $(head -n 1 <<<"$answer")")
        echo "missing: ${missing[-1]}"
    fi
}

# LuaRocks has Lua-cURLv3; it goes below build/. LuaRocks looks for libcurl's header in one directory only.
lua_curl() { # LUA VERSION
    local tree=build/bench/rocks header
    [ -e "$tree/lib/lua/$2/lcurl.so" ] && return
    header=$(printf '#include <curl/curl.h>\n' | cc -M -x c - | grep -om1 '[^ ]*/curl/curl\.h')
    luarocks --lua-version "$2" --tree $tree install Lua-cURL CURL_INCDIR="${header%/curl/curl.h}" \
        >>"$dir/rocks.log" 2>&1
}

paths() { # TREE VERSION: assignments for the modules below a directory
    echo "LUA_PATH='bench/?.lua;$1/share/lua/$2/?.lua;$1/share/lua/$2/?/init.lua;;'"
}

peer 'C, easy' build/bench/c_easy
peer 'C, multi + epoll' build/bench/c_multi
peer 'C, multi + epoll, a hundred connections' build/bench/c_multi BENCH_CONNECTIONS=100
for lua; do
    version=$("$lua" -e 'print((_VERSION:gsub("Lua ", "")))')
    own=$(${MAKE:-make} -s --no-print-directory LUA="$lua" env) || exit
    own=$(sed "s/^export //; s|LUA_PATH='|&bench/?.lua;|" <<<"$own")
    peer "openhands, $lua" "$lua bench/peers/openhands.lua" "${own//$'\n'/ }"
    lua_curl "$lua" "$version"
    rocks="$(paths build/bench/rocks "$version") LUA_CPATH='build/bench/rocks/lib/lua/$version/?.so;;'"
    peer "Lua-cURLv3 + cjson, $lua" "$lua bench/peers/lua_curl.lua" "$rocks"
    [ "$version" != 5.1 ] ||
        peer "Debian's lua-curl + cjson, $lua" "$lua bench/peers/lua_curl_debian.lua" "LUA_PATH='bench/?.lua;;'"
    # Debian has lua-http for Lua 5.1 to 5.3 only. It is written in Lua, and runs on 5.4, too.
    http="bench/?.lua;;$(printf '/usr/share/lua/%s/?.lua;/usr/share/lua/%s/?/init.lua;' 5.3 5.3 5.1 5.1)"
    peer "lua-http + cjson, $lua" "$lua bench/peers/lua_http.lua" "LUA_PATH='$http'"
    peer "luasocket + cjson, $lua" "$lua bench/peers/luasocket.lua" "LUA_PATH='bench/?.lua;;'"
done
python='PYTHONPATH=bench PYTHONDONTWRITEBYTECODE=1'
for library in requests httpx aiohttp; do
    peer "Python $library" "/usr/bin/python3 bench/peers/python_$library.py" "$python"
done
peer 'Node fetch' "node bench/peers/node_fetch.mjs" "NODE_EXTRA_CA_CERTS=$BENCH_CA"
peer 'a process of curl a call' bench/peers/curl_process.sh

# ---- the works ----------------------------------------------------------------------------------------------------

works=()
declare -A title count at floor
work() { # NAME FLOOR BASE COUNT TITLE
    works+=("$1") floor[$1]=$2 at[$1]=$3 count[$1]=$4 title[$1]=$5
}
work v0 'C, easy' "$plain" 2000 'V0 status, 340 bytes, warm connection'
work v1 'C, easy' "$plain" 2000 'V1 status, 1 KB, warm connection'
work events 'C, easy' "$plain" 200 'Page of 100 events, 293 KB, decoded'
work start 'C, easy' "$plain" 500 'POST start, a fresh connection each'
work first 'C, easy' "$plain" 1 'Process start and first call'
work many_tls 'C, multi + epoll' "$slow_tls" 3000 '1,000 in flight, TLS, HTTP/2 where the client has it'
work many 'C, multi + epoll' "$slow" 3000 '1,000 in flight, plain HTTP'

# WORK NAME: runs a peer; prints the CPU microseconds of a call, the peak of memory in KB and the calls in a second
run() {
    local answer began=$EPOCHREALTIME calls=${count[$1]}
    case $1:$2 in
    first:*) first "${variables[$2]} ${commands[$2]}"; return ;;
    esac
    answer=$(eval "${variables[$2]} timeout 300 ${commands[$2]} $1 ${at[$1]} $calls" 2>>"$dir/peers.log") || return
    awk -v answer="$answer" -v seconds="$(bc <<<"$EPOCHREALTIME - $began")" -v calls="$calls" -v work="$1" '
        BEGIN { print answer, (calls + (work ~ /^many/ ? 1000 : 10)) / seconds }'
}

starts=10
first() { # COMMAND: the same as `run`, for the work whose programs make one call each
    local i TIMEFORMAT='%3U %3S' spent
    spent=$( { time for ((i = 0; i < starts; i++)); do
        eval "$1 first $plain 1" >"$dir/first" 2>>"$dir/peers.log" || exit
    done; } 2>&1) || return 77
    awk -v spent="$spent" -v starts=$starts '
        { split(spent, part, " "); print (part[1] + part[2]) / starts * 1e6, $2, 0 }' "$dir/first"
}

results=build/bench/results.tsv
{
    printf 'date\t%s\n' "$(date -u +%F)"
    printf 'commit\t%s\n' "$(git describe --always --dirty 2>/dev/null || echo 'an unknown commit')"
    printf 'load\t%s\n' "$(cut -d ' ' -f 1 /proc/loadavg)"
    printf 'machine\t%s, %d cores, %s, libcurl %s\n' "$(uname -srm)" "$(nproc --all)" "$(nginx_version)" \
        "$(pkg-config --modversion libcurl)"
    for name in "${names[@]}"; do printf 'peer\t%s\t%s\n' "$name" "${versions[$name]}"; done
    for name in "${missing[@]}"; do printf 'missing\t%s\n' "$name"; done
} >$results

declare -A unable
for work in ${WORKS:-${works[@]} watch}; do
    [ "$work" != watch ] || continue
    printf 'work\t%s\t%s\t%s\n' "$work" "${floor[$work]}" "${title[$work]}" >>$results
    printf '\n%s: %s\n' "$work" "${title[$work]}"
    for ((pair = 1; pair <= pairs; pair++)); do
        for name in "${names[@]}"; do
            [[ -z ${unable[$work:$name]-} && $name =~ ${PEERS:-.} ]] || continue
            lower=$(run "$work" "${floor[$work]}") || { tail -n 5 "$dir/peers.log"; exit 1; }
            measured=$(run "$work" "$name")
            case $? in
            0)
                measured="$measured $lower"
                printf 'run\t%s\t%s\t%s\n' "$work" "$name" "${measured// /$'\t'}" >>$results ;;
            77) unable[$work:$name]=yes ;;
            *) unable[$work:$name]=yes
                printf 'failed\t%s\t%s\n' "$work" "$name" >>$results
                echo "failed: $name" && tail -n 3 "$dir/peers.log" ;;
            esac
        done
    done
    "$1" bench/report.lua $results "$work"
done

# ---- watching, instructions, the page -----------------------------------------------------------------------------

sizes='1 10 100 1000 10000' polls=5
if [[ " ${WORKS:-watch} " == *' watch '* ]]; then
    printf '\nwatch: one poll of each of N conversations, by one poller\n'
    for lua; do
        for size in $sizes; do
            for ((pair = 1; pair <= (pairs + 1) / 2; pair++)); do
                measured=$(eval "${variables[openhands, $lua]} ${commands[openhands, $lua]} watch $plain $polls $size" \
                    2>>"$dir/peers.log") || { tail -n 5 "$dir/peers.log"; exit 1; }
                printf 'watch\t%s\t%s\t%s\n' "$lua" "$size" "${measured// /$'\t'}" >>$results
            done
            printf '  %-8s %6d  %s (µs, KB, requests)\n' "$lua" "$size" "$measured"
        done
    done
fi
[ -z "${WORKS-}${PEERS-}" ] || exit 0
tools/bench_check.sh "$@"
"$1" bench/report.lua $results build/bench/instructions.tsv bench/results.svg >bench/RESULTS.md
