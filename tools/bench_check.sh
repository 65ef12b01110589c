#!/bin/bash
# Counts the instructions of six works under valgrind, and compares them with bench/baseline.json: unlike times, they
# are the same on a busy machine. Closes with `N passed, N failed`. Takes about a minute and a half.
#   bench_check.sh [--update] [LUA...]         default: lua5.4 luajit; --update writes the baseline anew
set -u
cd "$(dirname "$0")/.." || exit
update=''
if [ "${1-}" = --update ]; then update=$1 && shift; fi
[ $# -gt 0 ] || set -- lua5.4 luajit
tools/setup.sh bench "$@" || exit
# shellcheck source=tools/bench_server.sh
. tools/bench_server.sh

collected() { # COMMAND...: prints the instructions of a run
    timeout 120 valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" 2>"$dir/valgrind" >/dev/null ||
        { cat "$dir/valgrind" >&2; return 1; }
    sed -n 's/.*Collected : //p' "$dir/valgrind"
}

# WORK BASE FEW MANY IN_FLIGHT COMMAND...: prints the instructions of a call, from runs of few and of many calls: what
# is done once cancels out. For FEW 0, those of a run of one call.
instructions() {
    local work=$1 base=$2 few=$3 many=$4 in_flight=$5 low=0 high
    shift 5
    high=$(collected "$@" "$work" "$base" "$many" "$in_flight") || return
    [ "$few" = 0 ] || low=$(collected "$@" "$work" "$base" "$few" "$in_flight") || return
    echo $(((high - low) / (many - few)))
}

measure() { # NAME COMMAND...: prints a line for each work
    local name=$1 floor=build/bench/c_multi
    shift
    while read -r work base few many in_flight; do
        [ "$name" != C ] || set -- build/bench/c_easy
        [ "$name" != C ] || [ "$work" != many_tls ] || set -- $floor
        printf '%s\t%s\t%s\n' "$work" "$name" "$(instructions "$work" "$base" "$few" "$many" "$in_flight" "$@")"
    done <<<"v0 $plain 150 450 1
        v1 $plain 150 450 1
        events $plain 5 20 1
        start $plain 50 150 1
        first $plain 0 1 1
        many_tls $tls 150 450 50"
}

counted=build/bench/instructions.tsv
printf 'version\tlibcurl\t%s\n' "$(pkg-config --modversion libcurl)" >$counted
measure C | tee -a $counted
for lua; do
    printf 'version\t%s\t%s\n' "$lua" "$("$lua" -v 2>&1 | awk '{ print $1, $2 }')" >>$counted
    eval "$(${MAKE:-make} -s --no-print-directory LUA="$lua" env)" || exit
    LUA_PATH="bench/?.lua;$LUA_PATH" measure "$lua" "$lua" bench/peers/openhands.lua | tee -a $counted
done
"$1" bench/check.lua $counted bench/baseline.json ${update:+"$update"}
