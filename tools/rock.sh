#!/bin/sh
# Builds the rock for each Lua into a temporary tree, packs it, installs the packed rock into another tree and loads the
# library from there: it must work without this checkout. The last line is `N passed, N failed`.
#   rock.sh [LUA...]          default: lua5.1 lua5.2 lua5.3 lua5.4 luajit
set -u
cd "$(dirname "$0")/.." || exit
[ $# -gt 0 ] || set -- lua5.1 lua5.2 lua5.3 lua5.4 luajit
tools/setup.sh rock "$@" || exit
tree=$(mktemp -d) && trap 'rm -rf "$tree"' EXIT
cp -R openhands-scm-1.rockspec src lua bin plugin doc "$tree" # luarocks leaves object files where it compiles

# LuaRocks does not know that Debian has installed cjson.
rocks() { luarocks --lua-version="$version" "$@" --deps-mode=none; }

loads() { # LUA DIRECTORY: with what `luarocks path` would print for the tree
    (cd / && export LUA_PATH="$2/share/lua/$version/?.lua;$2/share/lua/$version/?/init.lua;;" \
        LUA_CPATH="$2/lib/lua/$version/?.so;;" &&
        "$1" -e 'assert(require("openhands").start)' && "$2/bin/openhands-lua" --version)
}

build() { # LUA: makes the rock in one tree, and installs what was packed there into another
    cd "$tree" && rm -f ./*.rock && rm -rf "$1" "$1-packed" || return
    rocks --tree="$tree/$1" make LUA_INCDIR="$(cd "$here" && tools/lua.sh incdir "$1")" && loads "$1" "$tree/$1" &&
        luarocks --lua-version="$version" --tree="$tree/$1" pack openhands &&
        rocks --tree="$tree/$1-packed" install ./openhands-*.rock && loads "$1" "$tree/$1-packed"
}

here=$PWD passed=0 failed=0
for lua; do
    version=$("$lua" -e 'io.write((_VERSION:gsub("Lua ", "")))')
    if (build "$lua") >"$tree/log" 2>&1; then
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
