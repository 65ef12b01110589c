#!/bin/sh
# Installs the library, its command, Neovim plugin and pages; or removes just these files.
#   install.sh install|uninstall
# The Makefile gives, in the environment: LUA, VERSION (5.4), MODULE (the built core.so), DESTDIR, PREFIX, and where a
# system wants other directories: LUADIR, CLUADIR, DOCDIR.
set -eu
cd "$(dirname "$0")/.."
luadir=${LUADIR:-$PREFIX/share/lua/$VERSION}
cluadir=${CLUADIR:-$PREFIX/lib/lua/$VERSION}
docdir=${DOCDIR:-$PREFIX/share/doc/lua-openhands}
plugin=$PREFIX/share/nvim/site/pack/lua-openhands/start/openhands

targets() { # prints "SOURCE TARGET" for each file
    find lua -name '*.lua' | sort | sed "s|^lua/\(.*\)|& $luadir/\1|"
    echo "$MODULE $cluadir/openhands/core.so"
    [ ! -f bin/openhands-lua ] || echo "bin/openhands-lua $PREFIX/bin/openhands-lua"
    [ ! -f doc/openhands-lua.1 ] || echo "doc/openhands-lua.1 $PREFIX/share/man/man1/openhands-lua.1"
    for page in README.md CHANGELOG.md SECURITY.md LICENSE doc/*.md doc/images/*; do echo "$page $docdir/$page"; done
    find examples -type f | sort | sed "s|.*|& $docdir/&|"
    # Neovim has LuaJIT built in, which loads what was built for Lua 5.1, too.
    if [ "$VERSION" = 5.1 ]; then
        for file in plugin/*.lua doc/openhands.txt; do [ ! -f "$file" ] || echo "$file $plugin/$file"; done
    fi
}

# Prints a program of this library with the interpreter that it is installed for, which is told where the library is
# unless it looks there anyway.
program() { # FILE
    echo "#!$(command -v "$LUA" || echo "/usr/bin/env $LUA")"
    env -u LUA_PATH -u LUA_CPATH -u LUA_INIT "$LUA" \
        -e "os.exit(package.path:find([[$luadir/?.lua]], 1, true) and 0 or 1)" 2>/dev/null || {
        echo "package.path = \"$luadir/?.lua;$luadir/?/init.lua;\" .. package.path"
        echo "package.cpath = \"$cluadir/?.so;\" .. package.cpath"
    }
    sed 1d "$1"
}

case $1 in
install)
    targets | while read -r source target; do
        mkdir -p "$DESTDIR$(dirname "$target")"
        case $source in
        bin/*)
            program "$source" >"$DESTDIR$target"
            chmod 755 "$DESTDIR$target" ;;
        *)
            cp "$source" "$DESTDIR$target"
            chmod 644 "$DESTDIR$target" ;;
        esac
    done
    # `:help openhands` needs the index that Neovim makes of a directory of help.
    if [ -f "$DESTDIR$plugin/doc/openhands.txt" ] && command -v nvim >/dev/null; then
        nvim --headless -u NONE -i NONE -n -c "helptags $DESTDIR$plugin/doc" -c qa >/dev/null 2>&1 </dev/null || true
    fi ;;
uninstall)
    targets | while read -r _ target; do rm -f "$DESTDIR$target"; done
    rm -f "$DESTDIR$plugin/doc/tags"
    for own in "$luadir/openhands" "$cluadir/openhands" "$docdir" "$PREFIX/share/nvim/site/pack/lua-openhands"; do
        [ ! -d "$DESTDIR$own" ] || find "$DESTDIR$own" -depth -type d -empty -delete
    done ;;
esac
