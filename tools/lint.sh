#!/bin/bash
# All that can be said about the code without running it: a line for each check, and at the end `N passed, N failed`.
set -u
cd "$(dirname "$0")/.." || exit
shopt -s nullglob
lua=$(tools/lua.sh first)
tools/setup.sh lint "$lua" || exit

# Which files of the C core may see Lua, and which libcurl; the others see neither. Because of this wall no
# longjmp can cross libcurl.
knows_lua='core|catalogue|call|client|options|arguments|reading|value|prompt|parts|free_request|json|json_decode|json_foreign|encode|carrier|report|compat|cleaning|mistake'
knows_curl='library|origin|exchange|attempt|conclusion|reason|multi|ending|tls_rest'
longest=450

read -ra flags <<<"-std=gnu99 -I$(tools/lua.sh incdir "$lua") $(pkg-config --cflags libcurl)"
mapfile -t lua_files < <(find lua spec examples bench tools bin -name '*.lua' 2>/dev/null)
passed=0 failed=0

check() { # NAME COMMAND...: its output is shown only if it fails
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

nothing() { ! "$@" | grep .; } # succeeds when the command prints nothing

outside() { # ROOMS: the files of src/ that are not of these rooms
    for file in src/*.[ch]; do
        [[ $file =~ /($1)\.[ch]$ ]] || echo "$file"
    done
}

code() { gcc -fpreprocessed -dD -E -P "$1" 2>/dev/null; } # a file without its comments

sees() { # ROOMS HEADER: other files that include it, however indirectly
    outside "$1" | while read -r file; do
        gcc "${flags[@]}" -M -x c "$file" | grep -q "/$2\b" && echo "$file sees $2"
    done
}

names() { # ROOMS PATTERN: other files whose code has it
    outside "$1" | while read -r file; do
        code "$file" | grep -E "$2" | sed "s|^|$file: |"
    done
}

exported() { nm -D --defined-only "$1" | awk '{ print $NF }' | grep -vx luaopen_openhands_core; }

# What follows the host's locale must not touch the wire: letters are changed by ascii.lua and text.c, fractions written
# and read by ascii.lua, encode.c and json_number.c.
locale_in_lua() {
    grep -rnE '[a-z)"]:(upper|lower)\b|string\.(upper|lower)\b' lua
    grep -rnE '%[awulpAWULP]|(find|match|gsub)\b.*%[scgSCG]' lua | grep -vE '^[^:]*:[0-9]*: *--|%%[scgSCG]'
    grep -rnE '%[0-9]*(\.[0-9]+)?[eEfgG]' lua | grep -vE '%\.0f|%(g|\.3f) s|%%[eEfgG]|ascii\.lua|^[^:]*:[0-9]*: *--'
    grep -rnE 'os\.date\b.*%[aAbBchprxX]|setlocale' lua
}

locale_in_c() {
    for file in src/*.c; do
        code "$file" | grep -E '\b(to(lower|upper)|is(alpha|alnum|space|upper|lower|print|punct|cntrl|graph|blank)|strn?casecmp|strcoll|strftime|strptime|atof|sscanf|localeconv|strto(d|f|ld)|setlocale)[[:space:]]*\(|%[0-9.*]*[eEfgG]' |
            grep -vE '%\.0f' | sed "s|^|$file: |"
    done | grep -vE '^src/(encode|json|json_number)\.c: '
}

long_files() { wc -l "${lua_files[@]}" src/*.[ch] | awk -v n=$longest '$1 > n && $2 ~ /^(src|lua)\// && $2 !~ /operation_types/'; }

pristine() { # COMPILER LUA: builds without a warning, and exports the one symbol
    local build=build/lint-$1-$2
    ${MAKE:-make} -s LUA="$2" CC="$1" WERROR=1 CFLAGS=-O2 BUILD="$build" && nothing exported "$build/openhands/core.so"
}

tidy() { printf '%s\n' src/*.c | xargs -P "$(nproc)" -I@ \
    clang-tidy --quiet @ -- "${flags[@]}" -D_GNU_SOURCE= -include tools/noreturn.h; }

check 'luacheck' luacheck --quiet --no-color "${lua_files[@]}"
check 'shellcheck' shellcheck .ci/run tools/*.sh bench/*.sh
# Not wanted: readdir_r, which is obsolete; and the handle with which the module pins itself in memory.
check 'cppcheck' cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability \
    --std=c99 --library=posix --inline-suppr --suppress=readdirCalled --suppress=leakReturnValNotUsed:src/core.c src
check 'clang-tidy' tidy
for each in $(tools/lua.sh list); do
    [ -n "$(tools/lua.sh incdir "$each")" ] || continue
    for compiler in gcc clang; do
        check "$compiler -Werror, $each" pristine $compiler "$each"
    done
done
check 'only the Lua-aware files see lua.h' nothing sees "$knows_lua" lua.h
check 'only the Lua-aware files name lua_*' nothing names "$knows_lua" '\bluaL?_[a-z]'
check 'only the HTTP files see curl/curl.h' nothing sees "$knows_curl" curl/curl.h
check 'only the HTTP files name curl_*' nothing names "$knows_curl" '\b(curl_[a-z]|CURL[A-Z]*_)'
check 'the core neither prints nor ends the process' \
    nothing names '' '\b(abort|exit|assert|printf|puts|perror)[[:space:]]*\('
check 'nothing of the locale in the Lua code' nothing locale_in_lua
check 'nothing of the locale in the C code' nothing locale_in_c
check 'the rockspec lists every file' "$lua" tools/rockspec.lua openhands-scm-1.rockspec
check "no file of more than $longest lines" nothing long_files

echo "$passed passed, $failed failed"
[ $failed = 0 ]
