#!/bin/bash
# Runs the static checks: prints a line for each, and closes with `N passed, N failed`.
#   lint.sh --layers        prints only the files that stand in no layer, or see what their layer must not
set -u
cd "$(dirname "$0")/.." || exit
shopt -s nullglob
lua=$(tools/lua.sh first)
[ "${1:-}" = --layers ] || tools/setup.sh lint "$lua" || exit

# The layers of the C core are directories. [DIRECTORY]: the directories whose headers its files may include. Since
# src/http cannot see lua.h, no longjmp of a Lua error can cross libcurl.
declare -A may_include=([core.c]='lua wire http os' [lua]='lua wire http os' [http]='http wire os' [wire]='wire os' [os]='os')

# The layers of the Lua code. [DIRECTORY or file of lua/openhands]: the directories or files, and single modules written
# DIRECTORY.MODULE, that its files may require besides themselves and openhands.core.
base='deferred errors limits spelling call_site client_class settings credentials'
declare -A may_require=(
    [deferred]='' [limits]='' [spelling]='limits' [requirements]='' [client_class]=''
    [call_site]='' [errors]='limits call_site' [settings]='deferred errors limits spelling'
    [credentials]='errors limits settings'
    [task]="$base request.pending"
    [display]='errors deferred conversation.timestamp'
    [loop]="$base task"
    [request]="$base task"
    [conversation]="$base task request api.operation_calls api.operations api.arguments"
    [events]="$base display.event task request conversation wait.schedule api.arguments api.pages"
    [api]="$base display task request conversation events"
    [fleet]="$base display task request conversation api.arguments api.repository start wait"
    [start]="$base task request conversation api.arguments api.repository"
    [wait]="$base display.progress task request conversation start"
    [client]="$base task loop request conversation events api start wait fleet"
    [init]="$base client requirements display.show"
    [command_line]='init api.repository spelling display simulator request.service_clock'
    [nvim]='init display api.repository spelling' [health]='nvim'
    [types]='' [simulator]='')
longest=400

read -ra flags <<<"-std=gnu99 -Isrc -I$(tools/lua.sh incdir "$lua") $(pkg-config --cflags libcurl)"
mapfile -t lua_files < <(find lua plugin spec examples bench tools -name '*.lua' 2>/dev/null; echo bin/openhands-lua)
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

code() { gcc -fpreprocessed -dD -E -P "$1" 2>/dev/null; } # a file without its comments

outside() { find src -name '*.[ch]' | grep -vE "^src/($1)"; } # PATTERN: the files of other directories

sees() { # PATTERN HEADER: files of other directories that include it, however indirectly
    outside "$1" | while read -r file; do
        gcc "${flags[@]}" -M -x c "$file" | grep -q "/$2\b" && echo "$file sees $2"
    done
}

names() { # PATTERN WORDS: files of other directories whose code has them
    outside "$1" | while read -r file; do
        code "$file" | grep -E "$2" | sed "s|^|$file: |"
    done
}

crossings() { # files in no layer, and includes of what a layer must not see
    find src -type f | while read -r file; do
        layer=${file#src/}
        [ -n "${may_include[${layer%%/*}]:-}" ] || echo "$file is in no layer"
    done
    grep -r '^#include "' src | sed 's/:#include "/ /; s/".*//' | while read -r file header; do
        layer=${file#src/}
        layer=${layer%%/*}
        [[ " ${may_include[$layer]:-} " == *" ${header%%/*} "* ]] || echo "$file includes $header"
    done
}

directory_of() { # FILE of lua/openhands: sets `directory`
    directory=${1#lua/openhands/}
    directory=${directory%%/*}
    directory=${directory%.lua}
}

lua_crossings() { # files in no known directory, and requires of what a directory must not know
    find lua -type f | while read -r file; do
        directory_of "$file"
        [ -n "${may_require[$directory]+known}" ] || echo "$file is in no known directory"
    done
    grep -rE '^[^-]*\b(require|deferred\.[a-z]+) *(\(.*)?"openhands[."]' lua |
        sed 's/^\([^:]*\):.*"openhands\.\{0,1\}\([a-z0-9_.]*\)".*/\1 \2/' | while read -r file module; do
        directory_of "$file"
        module=${module:-init} # openhands itself
        [[ " $directory core ${may_require[$directory]:-} " == *" ${module%%.*} "* ]] ||
            [[ " ${may_require[$directory]:-} " == *" $module "* ]] || echo "$file requires openhands.$module"
    done
}

exported() { nm -D --defined-only "$1" | awk '{ print $NF }' | grep -vx luaopen_openhands_core; }

# Functions that depend on the host's locale must not touch the wire. In their place, ascii.h and the simulator's
# ascii.lua change the case of letters; json_encode.c, json_number.c and ascii.lua read and write fractions.
locale_in_lua() {
    grep -rnE '[a-z)"]:(upper|lower)\b|string\.(upper|lower)\b' lua
    grep -rnE '%[awulpAWULP]|(find|match|gsub)\b.*%[scgSCG]' lua | grep -vE '^[^:]*:[0-9]*: *--|%%[scgSCG]'
    grep -rnE '%[0-9]*(\.[0-9]+)?[eEfgG]' lua | grep -vE '%\.0f|%(g|\.3f) s|%%[eEfgG]|ascii\.lua|^[^:]*:[0-9]*: *--'
    grep -rnE 'os\.date\b.*%[aAbBchprxX]|setlocale' lua
}

locale_in_c() {
    for file in src/*.c src/*/*.c; do
        code "$file" | grep -E '\b(to(lower|upper)|is(alpha|alnum|space|upper|lower|print|punct|cntrl|graph|blank)|strn?casecmp|strcoll|strftime|strptime|atof|sscanf|localeconv|strto(d|f|ld)|setlocale)[[:space:]]*\(|%[0-9.*]*[eEfgG]' |
            grep -vE '%\.0f' | sed "s|^|$file: |"
    done | grep -vE '^src/(lua/json_encode|wire/json_number)\.c: '
}

long_files() { # of those that git tracks, except the one that is generated
    git ls-files -z '*.lua' '*.[ch]' '*.js' '*.py' '*.sh' .ci/run ':!lua/openhands/types/operations.lua' | xargs -0 wc -l |
        awk -v n=$longest '$1 > n && $2 != "total"; END { if (NR < 2) print "git lists no files" }'
}

pristine() { # COMPILER LUA: builds without a warning, and exports one symbol
    local build=build/lint-$1-$2
    ${MAKE:-make} -s LUA="$2" CC="$1" WERROR=1 CFLAGS=-O2 BUILD="$build" && nothing exported "$build/openhands/core.so"
}

tidy() { find src -name '*.c' -print0 | xargs -0 -P "$(nproc)" -I@ \
    clang-tidy --quiet @ -- "${flags[@]}" -D_GNU_SOURCE= -include tools/noreturn.h; }

if [ "${1:-}" = --layers ]; then
    nothing crossings && nothing lua_crossings
    exit
fi

check 'luacheck' luacheck --quiet --no-color "${lua_files[@]}"
check 'shellcheck' shellcheck .ci/run tools/*.sh bench/peers/*.sh
# Suppressed: readdir_r is obsolete; the handle with which the module pins itself in memory is leaked on purpose.
check 'cppcheck' cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability \
    --std=c99 --library=posix --inline-suppr --suppress=readdirCalled --suppress=leakReturnValNotUsed:src/core.c -Isrc src
check 'clang-tidy' tidy
for each in $(tools/lua.sh list); do
    [ -n "$(tools/lua.sh incdir "$each")" ] || continue
    for compiler in gcc clang; do
        check "$compiler -Werror, $each" pristine $compiler "$each"
    done
done
check 'each directory of src/ includes what its layer may see' nothing crossings
check 'each directory of lua/ requires what it may know' nothing lua_crossings
check 'only src/lua and src/core.c see lua.h' nothing sees 'lua/|core\.c' lua.h
check 'only src/lua and src/core.c name lua_*' nothing names 'lua/|core\.c' '\bluaL?_[a-z]'
check 'only src/http sees curl/curl.h' nothing sees 'http/' curl/curl.h
check 'only src/http names curl_*' nothing names 'http/' '\b(curl_[a-z]|CURL[A-Z]*_)'
check 'the core neither prints nor ends the process' \
    nothing names '$' '\b(abort|exit|assert|printf|puts|perror)[[:space:]]*\('
check 'nothing of the locale in the Lua code' nothing locale_in_lua
check 'nothing of the locale in the C code' nothing locale_in_c
check 'the reference of the API has every function' tools/doc.sh "$lua"
check 'the rockspec lists every file' "$lua" tools/rockspec.lua openhands-scm-1.rockspec
check "no file of more than $longest lines" nothing long_files

types=$(tools/types.sh --if-installed)
if ! grep ^SKIPPED <<<"$types"; then check 'the type annotations hold' nothing grep -v '^1 passed, 0 failed$' <<<"$types"; fi

echo "$passed passed, $failed failed"
[ $failed = 0 ]
