#!/bin/sh
# Builds the rock for each Lua into a temporary tree, packs it, installs the packed rock into another tree and loads the
# library from there: it must work without this checkout, that of LuaJIT as Neovim's plugin, too. The last line is
# `N passed, N failed`.
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

# Runs the plugin from a tree in Neovim, which has LuaJIT. As rocks.nvim does it, the rock is a package, and the modules
# are below a directory of 'runtimepath', where Neovim looks for health checks.
has_plugin() { # DIRECTORY
    mkdir -p "$1/site/pack/luarocks/opt" "$1/rtp" && ln -s "$1/share/lua/5.1" "$1/rtp/lua" &&
        ln -s "$1"/lib/luarocks/rocks-5.1/openhands/* "$1/site/pack/luarocks/opt/openhands" || return
    cat >"$1/init.lua" <<END
package.path = package.path .. ";$1/share/lua/5.1/?.lua;$1/share/lua/5.1/?/init.lua"
package.cpath = package.cpath .. ";$1/lib/lua/5.1/?.so"
vim.opt.packpath:append "$1/site"
vim.opt.runtimepath:append "$1/rtp"
vim.cmd "packadd openhands"
local function check()
  assert(vim.fn.exists ":OpenHands" == 2, "there is no command :OpenHands")
  vim.cmd "helptags ALL"
  vim.cmd "help openhands"
  vim.cmd "checkhealth openhands"
  local text = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), "\n")
  assert(text:find "openhands [%d.]+, built for luajit", text)
end
vim.api.nvim_create_autocmd("VimEnter", { callback = function()
  local good, problem = pcall(check)
  if not good then io.stderr:write(tostring(problem), "\n") end
  vim.cmd(good and "qa!" or "cquit 1")
end })
END
    (cd / && unset LUA_PATH LUA_CPATH && XDG_DATA_HOME="$1" XDG_STATE_HOME="$1" OPENHANDS_BASE_URL=http://127.0.0.1:9 \
        timeout 60 nvim --headless -u "$1/init.lua" -i NONE -n)
}

build() { # LUA: makes the rock in one tree, and installs what was packed there into another
    cd "$tree" && rm -f ./*.rock && rm -rf "$1" "$1-packed" || return
    rocks --tree="$tree/$1" make LUA_INCDIR="$(cd "$here" && tools/lua.sh incdir "$1")" && loads "$1" "$tree/$1" &&
        luarocks --lua-version="$version" --tree="$tree/$1" pack openhands &&
        rocks --tree="$tree/$1-packed" install ./openhands-*.rock && loads "$1" "$tree/$1-packed" &&
        { [ "$1" != luajit ] || has_plugin "$tree/$1-packed"; }
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
