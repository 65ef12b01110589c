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

measure() { # PATTERN NAME COMMAND...: prints a line for each work that matches
    local pattern=$1 name=$2 work base few many in_flight
    shift 2
    while read -r work base few many in_flight; do
        [[ $work =~ $pattern ]] || continue
        if [ "$name" = C ]; then
            case $work in many*) set -- build/bench/c_multi ;; *) set -- build/bench/c_easy ;; esac
        fi
        printf '%s\t%s\t%s\n' "$work" "$name" "$(instructions "$work" "$base" "$few" "$many" "$in_flight" "$@")"
    done <<<"v0 $plain 150 450 1
        v1 $plain 150 450 1
        events $plain 5 20 1
        start $plain 50 150 1
        first $plain 0 1 1
        many_tls $tls 150 450 50"
}

measure_ours() { # PATTERN LUA
    (
        eval "$(${MAKE:-make} -s --no-print-directory LUA="$2" env)" || exit
        LUA_PATH="bench/?.lua;$LUA_PATH" measure "$1" "$2" "$2" bench/peers/openhands.lua
    ) | tee -a $counted
}

counted=build/bench/instructions.tsv
printf 'version\tlibcurl\t%s\n' "$(pkg-config --modversion libcurl)" >$counted
measure . C | tee -a $counted
for lua; do
    printf 'version\t%s\t%s\n' "$lua" "$("$lua" -v 2>&1 | awk '{ print $1, $2 }')" >>$counted
    measure_ours . "$lua"
done
# What LuaJIT compiles depends a little on how answers arrive: a work with too many instructions is counted again, four
# times at most, and its lowest count holds.
for _ in 1 2 3 4; do
    report=$("$1" bench/check.lua $counted bench/baseline.json ${update:+"$update"}) && break
    while read -r work lua; do
        measure_ours "^$work\$" "$lua"
    done < <(awk '/TOO MANY/ { print $1, $2 }' <<<"$report")
done
[ -n "$update" ] || report=$("$1" bench/check.lua $counted bench/baseline.json)
status=$?
echo "$report"
exit $status
