#!/bin/bash
# Measures what a host notices of this library, in milliseconds and bytes: runs each file of spec/measure on each Lua,
# and closes with `N passed, N failed`. Meant for an idle machine: a file that fails is run again after 5 s, and if it
# fails again, once more after 30 s.
#   measure.sh [LUA...]         default: lua5.4 luajit
set -u
cd "$(dirname "$0")/.." || exit
[ $# -gt 0 ] || set -- lua5.4 luajit
tools/setup.sh measure "$@" || exit
. tools/environment.sh
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT

measure() { # LUA FILE: sets good and bad
    echo "== $1 $2"
    (eval "$environment" && LUA=$1 timeout --foreground -k 5 "${LIMIT:-300}" "$1" "$2") 2>&1 | tee "$work/log"
    local status=${PIPESTATUS[0]}
    good=0 bad=0
    read -r good bad < <(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$work/log" | tail -n 1)
    if [ -z "$good" ] || { [ "$status" != 0 ] && [ "$bad" = 0 ]; }; then
        echo "$1 $2 ended with status $status"
        bad=1
    fi
}

passed=0 failed=0
for lua; do
    environment=$(${MAKE:-make} -s --no-print-directory LUA="$lua" env) || exit
    for file in spec/measure/*.lua; do
        for pause in 5 30 0; do
            measure "$lua" "$file"
            if [ "${bad:-0}" = 0 ] || [ $pause = 0 ]; then break; fi
            echo "once more in $pause s"
            sleep $pause
        done
        passed=$((passed + ${good:-0})) failed=$((failed + ${bad:-0}))
    done
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
