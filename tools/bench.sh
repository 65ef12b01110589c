#!/bin/bash
# Measures what calls cost in CPU time: this library beside its peers, all against one nginx on this machine, each run
# paired with a run of the same work in plain C on libcurl. Writes bench/RESULTS.md.
#   bench.sh [LUA...]         default: lua5.4 luajit
# Environment: PAIRS, how many pairs of runs; WORKS, the names of works, and PEERS, a pattern (of bash) of the names of
# peers: only these run, and RESULTS.md is left alone.
set -u
cd "$(dirname "$0")/.." || exit
[ $# -gt 0 ] || set -- lua5.4 luajit
pairs=${PAIRS:-5}
tools/setup.sh bench "$@" || exit
# shellcheck source=tools/bench_server.sh
. tools/bench_server.sh
tools/setup.sh peers "$@" || echo 'openhands: the bench goes on without them' >&2

# ---- the peers ------------------------------------------------------------------------------------------------------

names=() missing=()
declare -A commands versions

# NAME COMMAND...: notes a peer, if it runs
peer() {
    local name=$1 answer
    shift
    if answer=$("$@" version 2>&1); then
        names+=("$name") commands[$name]=$* versions[$name]=${answer%%$'\n'*}
    else
        missing+=("$name: $(tail -n 1 <<<"$answer")")
    fi
}

# LuaRocks has Lua-cURLv3; it goes below build/. LuaRocks looks for libcurl's header in one directory only.
lua_curl() { # LUA VERSION
    local tree=build/bench/rocks header
    [ -e $tree/lib/lua/"$2"/lcurl.so ] && return
    header=$(printf '#include <curl/curl.h>\n' | cc -M -x c - | grep -om1 '[^ ]*/curl/curl\.h')
    luarocks --lua-version "$2" --tree $tree install Lua-cURL CURL_INCDIR="${header%/curl/curl.h}" >>"$dir/rocks.log" 2>&1
}

peer 'C, easy' build/bench/c_easy
peer 'C, multi + epoll' build/bench/c_multi
for lua; do
    environment=$(${MAKE:-make} -s --no-print-directory LUA="$lua" env) || exit
    paths=$(eval "$environment" && echo "LUA_PATH=bench/?.lua;$LUA_PATH LUA_CPATH=$LUA_CPATH")
    # shellcheck disable=SC2086
    peer "openhands, $lua" env $paths "$lua" bench/peers/openhands.lua
    version=$("$lua" -e 'print((_VERSION:gsub("Lua ", "")))')
    lua_curl "$lua" "$version"
    rocks="LUA_PATH=bench/?.lua;build/bench/rocks/share/lua/$version/?.lua;;"
    rocks="$rocks LUA_CPATH=build/bench/rocks/lib/lua/$version/?.so;;"
    # shellcheck disable=SC2086
    peer "Lua-cURLv3 + cjson, $lua" env $rocks "$lua" bench/peers/lua_curl.lua
done
peer 'a process of curl a call' bench/peers/curl_process.sh
python=/usr/bin/python3
peer 'Python requests' env PYTHONPATH=bench PYTHONDONTWRITEBYTECODE=1 $python bench/peers/python_requests.py

# ---- the works ------------------------------------------------------------------------------------------------------

declare -A title count at
work() { # NAME BASE COUNT TITLE
    works+=("$1") at[$1]=$2 count[$1]=$3 title[$1]=$4
}
works=()
work v0 "$plain" 2000 'V0 status, 340 bytes, warm connection'
work v1 "$plain" 2000 'V1 status, 1 KB, warm connection'
work events "$plain" 300 'page of 100 events, 293 KB, decoded'
work start "$plain" 500 'POST start, a fresh connection each'

floor_of() { # WORK: the name of the peer that is its lower bound
    case $1 in many*) echo 'C, multi + epoll' ;; *) echo 'C, easy' ;; esac
}

# WORK NAME: runs a peer; prints the CPU microseconds of a call, the peak of memory in KB and the seconds that it took
run() {
    local answer began=$EPOCHREALTIME
    # shellcheck disable=SC2086
    answer=$($pin ${commands[$2]} "$1" "${at[$1]}" "${count[$1]}" 2>>"$dir/peers.log") || return
    echo "$answer $(bc <<<"$EPOCHREALTIME - $began")"
}

results=build/bench/results.tsv
{
    printf 'machine\t%s\n' "$(uname -srm), $(nproc) cores, $(nginx_version)"
    printf 'date\t%s\n' "$(date -u +%F)"
    for name in "${names[@]}"; do printf 'peer\t%s\t%s\n' "$name" "${versions[$name]}"; done
    for name in "${missing[@]}"; do printf 'missing\t%s\n' "$name"; done
} >$results
for name in "${missing[@]}"; do echo "missing: $name"; done

for work in ${WORKS:-${works[@]}}; do
    printf 'work\t%s\t%s\t%s\n' "$work" "$(floor_of "$work")" "${title[$work]}" >>$results
    echo "$work: ${title[$work]}"
    floor_name=$(floor_of "$work")
    for ((pair = 1; pair <= pairs; pair++)); do
        for name in "${names[@]}"; do
            [ -z "${PEERS-}" ] || [[ $name =~ $PEERS ]] || continue
            floor=$(run "$work" "$floor_name") || { tail -n 5 "$dir/peers.log"; exit 1; }
            measured=$(run "$work" "$name")
            case $? in
            0) printf 'run\t%s\t%s\t%s\t%s\n' "$work" "$name" "${measured// /$'\t'}" "${floor// /$'\t'}" >>$results ;;
            77) [ $pair -gt 1 ] || printf 'unsupported\t%s\t%s\n' "$work" "$name" >>$results ;;
            *) printf 'failed\t%s\t%s\n' "$work" "$name" >>$results; tail -n 3 "$dir/peers.log" ;;
            esac
        done
    done
    "$1" bench/report.lua $results "$work"
done
[ -n "${WORKS-}${PEERS-}" ] || "$1" bench/report.lua $results >bench/RESULTS.md
