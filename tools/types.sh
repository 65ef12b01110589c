#!/bin/bash
# Checks the type annotations of the library, the examples and the snippets of the pages with EmmyLua's checker.
# The last line is `N passed, N failed`. .emmyrc.json lists the diagnostics that are off.
#   types.sh                     builds the checker below build/ with cargo if it is missing (takes some minutes)
#   types.sh --if-installed      skips the check if the checker is missing, unless TYPES=1 is in the environment
set -u
cd "$(dirname "$0")/.." || exit
version=0.25.1
checker=$(command -v emmylua_check || echo build/tools/bin/emmylua_check)

skip() {
    echo "SKIPPED: the type annotations are not checked: $*"
    echo '0 passed, 0 failed'
    exit
}

if [ ! -x "$checker" ]; then
    [ "${1:-}" != --if-installed ] || [ -n "${TYPES:-}" ] || skip 'emmylua_check is not installed (make types builds it)'
    command -v cargo >/dev/null || skip 'emmylua_check is not installed, nor is cargo to build it'
    echo "building emmylua_check $version"
    cargo install --quiet --locked --root build/tools --version $version emmylua_check ||
        skip 'cargo could not build emmylua_check'
fi

# The checker skips files marked ---@meta; without the mark it checks them, too.
work=build/types
rm -rf $work && mkdir -p $work && cp -R lua examples $work || exit
sed -i.bak '/^---@meta/d' $work/lua/openhands/types/init.lua $work/lua/openhands/types/operations.lua
awk -v directory=$work '/^```lua$/ { name = FILENAME; gsub(/[^A-Za-z0-9]/, "_", name)
        file = sprintf("%s/%s_line_%d.lua", directory, name, FNR); next }
    /^```/ { file = "" } file != "" { print > file }' README.md doc/*.md

# Prints the findings, one a line, from the checker's output. This release of the checker does not see that
# `local x = assert(object:method())` leaves no nil: what it says of such lines is left out.
findings() {
    awk '/^(error|warning|info|hint): / { what = $0 } /^ *--> / { print $2 ": " what }' |
        while IFS=: read -r file line rest; do
            # shellcheck disable=SC2016 # these are the checker's quotation marks
            if grep -Eq 'Cannot assign `(.*)[?]` to `\1`' <<<"$rest" &&
                sed -n "${line}p" "$work/$file" "$file" 2>/dev/null | grep -q '= assert('; then continue; fi
            echo "$file:$line:$rest"
        done
}

# The checker works in parallel and sometimes loses a type, each time in another file: only real findings are repeated.
for _ in 1 2 3; do
    output=$("$checker" --config .emmyrc.json $work 2>&1 | sed 's/\x1b\[[0-9;]*m//g')
    found=$(findings <<<"$output")
    if [ -z "$found" ] && grep -Eq '^(No issues found|.*--> )' <<<"$output"; then
        echo '1 passed, 0 failed'
        exit
    fi
done
echo "${found:-$output}"
grep -c : <<<"$found" | sed 's/.*/0 passed, & failed/'
exit 1
