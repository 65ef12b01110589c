#!/bin/bash
# Checks on Linux what other systems need. The last line is `N passed, N failed`.
#   portable.sh [LUA]
# - The core compiles without what only Linux has, with the declarations of kqueue: as on macOS, as far as its headers
#   are known here.
# - It uses no symbol of libcurl that is newer than the oldest release that it is claimed for, unless it asks for the
#   version first. (libcurl's list of symbols is in Debian's package libcurl4-doc.)
# - On a system with neither epoll nor kqueue, calls and waits work; only the descriptor for other loops is missing.
set -u
cd "$(dirname "$0")/.." || exit
. tools/environment.sh
lua=${1:-$(tools/lua.sh first)}
tools/setup.sh test "$lua" || exit
oldest=7.76
build=build/portable-$(tools/lua.sh build_name "$lua")
flags=(-std=gnu99 -Isrc "-I$(tools/lua.sh incdir "$lua")")
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
passed=0 failed=0

check() { # NAME COMMAND...
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then
        passed=$((passed + 1))
        echo "ok    $name"
    else
        failed=$((failed + 1))
        printf 'FAIL  %s\n%s\n' "$name" "$output"
    fi
}

like_macos() { # COMPILER
    local file status=0
    for file in src/*.c src/*/*.c; do
        "$1" "${flags[@]}" -Wall -Wextra -Werror -fsyntax-only -U__linux__ -D__APPLE__ -Ispec/c/macos "$file" || status=1
    done
    return $status
}

newer_symbols() { # prints the symbols that are used in a build for the oldest release, but are newer
    local minor=${oldest#7.} file
    mkdir -p "$work/curl" && : >"$work/curl/curl.h"
    for file in src/http/*.c; do
        gcc -E -P "${flags[@]}" -I"$work" -DLIBCURL_VERSION_NUM="$(printf '0x07%02x00' "$minor")" "$file"
    done | grep -oE '\bCURL[A-Z0-9_]+\b' | sort -u >"$work/used"
    man -P cat libcurl-symbols 2>/dev/null | awk -v minor="$minor" '/^ *CURL[A-Z0-9_]+$/ { name = $1 }
        /^ *Introduced in/ { split($3, part, "."); print name > "/dev/stderr"
            if (part[1] > 7 || part[1] == 7 && part[2] + 0 > minor) print name }' 2>"$work/known" | sort >"$work/newer"
    join "$work/used" "$work/newer"
}

calls_without_a_descriptor() {
    ${MAKE:-make} -s LUA="$lua" BUILD="$build" CFLAGS='-O1 -DOH_READINESS_NONE' WERROR=1 || return
    eval "$(${MAKE:-make} -s LUA="$lua" BUILD="$build" CFLAGS='-O1 -DOH_READINESS_NONE' WERROR=1 env)"
    timeout 300 "$lua" tools/busted.lua --output plainTerminal spec/core/call_spec.lua spec/start/start_spec.lua \
        spec/wait/one_spec.lua spec/task/group_spec.lua spec/regress/338-short_sleeps_spec.lua
}

for compiler in gcc clang; do
    if command -v $compiler >/dev/null; then check "$compiler, without what only Linux has" like_macos $compiler; fi
done
symbols=$(newer_symbols)
if [ -s "$work/known" ]; then
    check "no symbol newer than libcurl $oldest" test -z "$symbols"
    [ -z "$symbols" ] || echo "$symbols"
else
    echo "SKIPPED: libcurl's list of symbols is not installed (libcurl4-doc)"
fi
check 'calls and waits, without a descriptor for other loops' calls_without_a_descriptor
echo "$passed passed, $failed failed"
[ $failed = 0 ]
