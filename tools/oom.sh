#!/bin/sh
# Fails every allocation in turn (spec/c/oom.c), with the address and leak sanitizers watching, and closes with
# `N passed, N failed`.
#   oom.sh [LUA...]           default: lua5.4 lua5.1 luajit
# SCENARIO=file.lua in the environment instead of spec/c/oom_scenario.lua
set -u
cd "$(dirname "$0")/.." || exit
[ $# -gt 0 ] || set -- lua5.4 lua5.1 luajit
tools/setup.sh test "$@" || exit
. tools/environment.sh
sanitize='-g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined'
wrap=-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup

# One simulator for all runs, in which every job ends at once.
work=$(mktemp -d)
LUA_PATH="lua/?.lua;lua/?/init.lua;;" "$1" lua/openhands/simulator/server.lua --stay --pace 0 >"$work/address" </dev/null &
simulator=$!
trap 'kill $simulator; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
until [ -s "$work/address" ]; do
    kill -0 $simulator || exit
    sleep 0.1
done
OPENHANDS_BASE_URL=$(cat "$work/address")
export OPENHANDS_BASE_URL

passed=0 failed=0
for lua; do
    name=$(tools/lua.sh build_name "$lua") build=build/oom-$name
    echo "== oom, $lua"
    # shellcheck disable=SC2046,SC2086
    {
        ${MAKE:-make} -s LUA="$lua" BUILD="$build" CC=gcc CFLAGS="$sanitize" LDFLAGS="$wrap" all &&
            gcc -std=gnu99 -Wall -Wextra $sanitize -rdynamic -I"$(tools/lua.sh incdir "$lua")" spec/c/oom.c \
                -o "$build/oom" $(pkg-config --libs "$name" || echo "-l$name") &&
            eval "$(${MAKE:-make} -s LUA="$lua" BUILD="$build" CC=gcc CFLAGS="$sanitize" LDFLAGS="$wrap" env)" &&
            LSAN_OPTIONS=suppressions=spec/c/lsan.supp:print_suppressions=0 UBSAN_OPTIONS=print_stacktrace=1 \
                "$build/oom" "${SCENARIO:-spec/c/oom_scenario.lua}"
    } 2>&1 | tee "$work/log"
    counts=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$work/log" | tail -n 1)
    passed=$((passed + ${counts% *} + 0)) failed=$((failed + ${counts#* } + 0))
    [ -n "$counts" ] || failed=$((failed + 1)) # it did not reach its end
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
