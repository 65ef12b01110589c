#!/bin/sh
# Writes the reference of the API below build/doc with LDoc, from the core's C files, the annotations of the Lua files
# and the core's table of operations. Checks that the pages have every function and every field. The last line is
# `N passed, N failed`.
#   doc.sh [LUA]
set -u
cd "$(dirname "$0")/.." || exit
. tools/environment.sh
lua=${1:-$(tools/lua.sh first)}
tools/setup.sh doc "$lua" && ${MAKE:-make} -s --no-print-directory LUA="$lua" || exit
eval "$(${MAKE:-make} -s --no-print-directory LUA="$lua" env)"
rm -rf build/doc
mkdir -p build/doc/source
"$lua" tools/ldoc_sources.lua build/doc/source || exit
passed=0 failed=0
if ! output=$(cd build/doc && ldoc --quiet --fatalwarnings -c ../../tools/ldoc.ld source 2>&1); then
    echo "$output"
    failed=1
fi
for source in build/doc/source/*; do
    name=$(basename "$source" | sed 's/\.[^.]*$//')
    page=$(ls build/doc/*/"$name.html" 2>/dev/null)
    # shellcheck disable=SC2013 # names have no blanks
    for each in $(sed -n 's/^\(-- \)\{0,1\}@function \([^ ]*\).*/\2/p' "$source"); do
        if [ -n "$page" ] && grep -Eq "<a name = \"([A-Za-z.]+:)?$each\">" "$page"; then
            passed=$((passed + 1))
        else
            failed=$((failed + 1))
            echo "FAIL  $name has no $each"
        fi
    done
done
echo "the reference is build/doc/index.html"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
