#!/bin/sh
# Runs the specs on each Lua. The last line is `N passed, N failed`.
#   test.sh plain|asan|valgrind [LUA...]    without LUA: 5.4, 5.1 and LuaJIT; `plain` also runs on other installed Luas
# SPEC='file ...' in the environment selects specs. A crash, a hang, a leak and a failed build each count as a failure.
set -u
cd "$(dirname "$0")/.." || exit
kind=$1
shift
make="${MAKE:-make} -s --no-print-directory"
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && trap 'exit 130' INT TERM

. tools/environment.sh

others=
if [ $# = 0 ]; then
    set -- lua5.4 lua5.1 luajit
    [ "$kind" = plain ] && others=$(tools/lua.sh list | grep -Evx 'lua5.4|lua5.1|luajit')
fi
tools/setup.sh test "$@" || exit
for lua in $others; do
    if tools/setup.sh --check test "$lua"; then set -- "$@" "$lua"; else echo "skipped: $lua"; fi
done

limit() { # a spec that hangs must not hang the machine
    if command -v timeout >/dev/null; then timeout --foreground -k 5 "${LIMIT:-1800}" "$@"; else "$@"; fi
}

# How each kind builds (LUA TARGET) and runs (INTERPRETER ...).
case $kind in
plain)
    build() { $make LUA="$1" "$2"; }
    run() { limit "$@"; } ;;
valgrind)
    tools/setup.sh valgrind || exit
    build() { $make LUA="$1" "$2"; }
    run() {
        limit valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
            --keep-debuginfo=yes "$@" --filter-out 'in a forked child' # a forked child leaks on purpose
    } ;;
asan)
    build() {
        $make LUA="$1" BUILD="build/asan-$(tools/lua.sh build_name "$1")" CC=gcc LDFLAGS='-fPIC spec/c/leaks.c' "$2" \
            CFLAGS='-g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined'
    }
    run() {
        # os.exit does not close the Lua state. LeakSanitizer cannot see into LuaJIT's heap, and reports memory that is
        # only referenced from there.
        case $1 in *jit*) set -- "$@" --filter-out 'in flight with os.exit' ;; esac
        limit env LD_PRELOAD="$(gcc -print-file-name=libasan.so)" UBSAN_OPTIONS=print_stacktrace=1 \
            ASAN_OPTIONS=leak_check_at_exit=0 LSAN_OPTIONS="suppressions=$PWD/spec/c/lsan.supp:print_suppressions=0" "$@"
    } ;;
esac

# Prints the locale for LUA: two of the Luas run in locales with other letters or another decimal point.
locale_for() {
    case $kind$1 in plainlua5.3) echo tr_TR.UTF-8 ;; plainlua5.2) echo de_DE.UTF-8 ;; esac
}

# Prints the specs that run if SPEC names none. Those that drive programs in other processes, and those of fleets, do not
# run under the sanitizers and valgrind: it takes many minutes, and the core does nothing there that it does not do in
# the other specs.
all_specs() {
    if [ "$kind" = plain ]; then
        echo spec
    else
        find spec -name '*_spec.lua' | grep -vE '^spec/(command_line|nvim|fleet|cookbook|release|install|snippets)' |
            xargs grep -LE '"spec\.support\.(command|fleet_processes|ledger_databases|recipes)"' | sort
    fi
}

specs() ( # LUA: runs the specs, in a subshell because of the environment
    build "$1" all || exit
    eval "$(build "$1" env)"
    export LUA="$1" TALLY="$work/tally"
    SPEC_LOCALE=$(locale_for "$1")
    if [ -n "$SPEC_LOCALE" ]; then
        LOCPATH=$(tools/locale.sh "$SPEC_LOCALE") || exit
        export SPEC_LOCALE LOCPATH
    fi
    # shellcheck disable=SC2086
    run "$1" tools/busted.lua --output plainTerminal --helper tools/tally.lua ${SPEC:-$(all_specs)} 2>&1
)

passed=0 failed=0 ran=
for lua; do
    echo "== $kind, $lua: $("$lua" -v 2>&1 | head -n 1) $(locale_for "$lua")"
    : >"$work/tally"
    specs "$lua"
    status=$?
    good=$(grep -cx success "$work/tally")
    bad=$(grep -cxE 'failure|error' "$work/tally")
    # An interpreter that crashed or failed before busted could report counts as one failure.
    if [ "$bad" = 0 ] && { [ $status != 0 ] || [ "$good" = 0 ]; } || tail -n 1 "$work/tally" | grep -q ^begin; then
        echo "$lua ended with status $status$(sed -n '$s/^begin/ in/p' "$work/tally")"
        bad=$((bad + 1))
    fi
    passed=$((passed + good)) failed=$((failed + bad)) ran="$ran $lua"
done
echo "ran on$ran"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
