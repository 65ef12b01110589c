#!/bin/bash
# Checks the type annotations of the library, the examples and the README's snippets with EmmyLua's checker, and closes
# with `N passed, N failed`. Where the checker is missing, cargo builds it below build/ (some minutes, once); without
# cargo the check is skipped, and says so. .emmyrc.json says what is not checked.
set -u
cd "$(dirname "$0")/.." || exit
version=0.25.1
checker=$(command -v emmylua_check || echo build/tools/bin/emmylua_check)

if [ ! -x "$checker" ]; then
    if ! command -v cargo >/dev/null; then
        echo 'SKIPPED: emmylua_check is not installed, and neither is cargo, which would build it'
        echo '0 passed, 0 failed'
        exit
    fi
    echo "building emmylua_check $version"
    if ! cargo install --quiet --locked --root build/tools --version $version emmylua_check; then
        echo 'SKIPPED: cargo could not build emmylua_check'
        echo '0 passed, 0 failed'
        exit
    fi
fi

# The checker passes over what is marked as nothing but types: here these files are checked, too.
work=build/types
rm -rf $work && mkdir -p $work && cp -R lua examples $work || exit
sed -i.bak '/^---@meta/d' $work/lua/openhands/types/init.lua $work/lua/openhands/types/operations.lua
awk -v directory=$work '/^```lua/ { file = sprintf("%s/README_%02d.lua", directory, ++count); next }
    /^```/ { file = "" } file != "" { print > file }' README.md

found=$("$checker" --config .emmyrc.json $work 2>&1 | sed 's/\x1b\[[0-9;]*m//g')
if grep -q '^No issues found' <<<"$found"; then
    echo '1 passed, 0 failed'
    exit
fi
awk '/^(error|warning|info|hint): / { what = $0 } /^ *--> / { print $2 ": " what }' <<<"$found"
grep -cE '^(error|warning|info|hint): ' <<<"$found" | sed 's/.*/0 passed, & failed/'
exit 1
