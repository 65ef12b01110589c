#!/bin/sh
# Builds the rock for each Lua into a temporary tree and loads the library from there: it must work without this
# checkout. The last line is `N passed, N failed`.
#   rock.sh [LUA...]          default: lua5.1 lua5.3 lua5.4
set -u
cd "$(dirname "$0")/.." || exit
[ $# -gt 0 ] || set -- lua5.1 lua5.3 lua5.4
tools/setup.sh rock "$@" || exit
tree=$(mktemp -d) && trap 'rm -rf "$tree"' EXIT
cp -R openhands-scm-1.rockspec src lua bin plugin doc "$tree" # luarocks leaves object files where it compiles

passed=0 failed=0
for lua; do
    version=$("$lua" -e 'io.write((_VERSION:gsub("Lua ", "")))')
    # --deps-mode=none: LuaRocks does not know that Debian has installed cjson
    if (cd "$tree" && luarocks --lua-version="$version" --tree="$tree/$version" make --deps-mode=none >"$tree/log" 2>&1) &&
        (cd / && LUA_PATH="$tree/$version/share/lua/$version/?.lua;$tree/$version/share/lua/$version/?/init.lua;;" \
            LUA_CPATH="$tree/$version/lib/lua/$version/?.so;;" "$lua" -e 'assert(require("openhands").start)') 2>>"$tree/log"; then
        echo "ok    rock for $lua"
        passed=$((passed + 1))
    else
        echo "FAIL  rock for $lua"
        cat "$tree/log"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
