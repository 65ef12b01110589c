#!/bin/sh
# Runs many Lua states in many threads (spec/c/threads.c) under ThreadSanitizer. The last line is `N passed, N failed`,
# counted in states. Each report with one of our files in a stack also counts as a failure.
#   tsan.sh [LUA...]          default: lua5.4
# STATES in the environment: number of states in each of the 8 threads; default: 1000
set -u
cd "$(dirname "$0")/.." || exit
[ $# -gt 0 ] || set -- lua5.4
tools/setup.sh demo "$@" || exit
. tools/environment.sh

# Some kernels randomise addresses over a wider range than the sanitizer supports.
fixed=
if setarch "$(uname -m)" -R true 2>/dev/null; then fixed="setarch $(uname -m) -R"; fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
passed=0 failed=0
for lua; do
    name=$(tools/lua.sh build_name "$lua")
    echo "== tsan, $lua"
    rm -f "$work"/*
    # shellcheck disable=SC2046,SC2086
    gcc -std=gnu99 -Wall -Wextra -g -O1 -fno-omit-frame-pointer -fsanitize=thread -I"$(tools/lua.sh incdir "$lua")" \
        $(pkg-config --cflags libcurl) -Isrc src/*.c src/*/*.c spec/c/threads.c -o "$work/threads" \
        $(pkg-config --libs "$name" || echo "-l$name") $(pkg-config --libs libcurl) -lm -ldl -lpthread &&
        TSAN_OPTIONS="log_path=$work/report exitcode=0 suppressions=$PWD/spec/c/tsan.supp" \
            $fixed "$work/threads" "${STATES:-1000}" >"$work/output"
    cat "$work/output"
    read -r p _ f _ <"$work/output"
    # A report begins with WARNING and ends with SUMMARY.
    cat "$work"/report.* >"$work/reports" 2>/dev/null
    reports=$(awk '/WARNING: ThreadSanitizer/ { ours = 0 } / (src|spec\/c)\/([a-z]+\/)?[a-z_]*\.[ch]:/ { ours = 1 }
        /SUMMARY: ThreadSanitizer/ { count += ours } END { print count + 0 }' "$work/reports")
    [ -s "$work/reports" ] && head -n 200 "$work/reports"
    [ "$reports" = 0 ] || echo "$reports reports"
    passed=$((passed + ${p:-0})) failed=$((failed + ${f:-1} + reports)) # no count: it did not build or crashed
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
