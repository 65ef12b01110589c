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

tab=$(printf '\t')
targets() { # prints "SOURCE<tab>DIRECTORY" for each file
    find lua -name '*.lua' | sort | sed "s|^lua/\(.*\)/[^/]*|&$tab$luadir/\1|"
    printf '%s\t%s\n' "$MODULE" "$cluadir/openhands" bin/openhands-lua "$PREFIX/bin" \
        doc/openhands-lua.1 "$PREFIX/share/man/man1"
    for page in README.md CHANGELOG.md SECURITY.md LICENSE; do printf '%s\t%s\n' "$page" "$docdir"; done
    for page in doc/*.md doc/images/*; do printf '%s\t%s\n' "$page" "$docdir/$(dirname "$page")"; done
    find examples -type f | sort | sed "s|\(.*\)/[^/]*|&$tab$docdir/\1|"
    # Neovim has LuaJIT built in, which loads what was built for Lua 5.1, too. `:checkhealth` looks for its file only here.
    if [ "$VERSION" = 5.1 ]; then
        for file in plugin/*.lua doc/openhands.txt lua/openhands/health.lua; do
            [ ! -f "$file" ] || printf '%s\t%s\n' "$file" "$plugin/$(dirname "$file")"
        done
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

list=$(targets)
case $1 in
install)
    umask 022
    echo "$list" | cut -f 2 | sort -u | while IFS= read -r directory; do
        mkdir -p "$DESTDIR$directory"
        # shellcheck disable=SC2016 # for the inner shell
        echo "$list" | awk -F "$tab" -v directory="$directory" '$2 == directory { print $1 }' |
            xargs sh -c 'cp "$@" "$0"' "$DESTDIR$directory"
    done
    program bin/openhands-lua >"$DESTDIR$PREFIX/bin/openhands-lua"
    chmod 755 "$DESTDIR$PREFIX/bin/openhands-lua"
    # `:help openhands` needs the index that Neovim makes of a directory of help.
    if [ -f "$DESTDIR$plugin/doc/openhands.txt" ] && command -v nvim >/dev/null; then
        nvim --headless -u NONE -i NONE -n -c "helptags $DESTDIR$plugin/doc" -c qa >/dev/null 2>&1 </dev/null || true
    fi
    echo "installed the command $DESTDIR$PREFIX/bin/openhands-lua and the library in $DESTDIR$luadir"
    case ${DESTDIR:+staged}:$PATH: in # a package puts its files in place later
    staged:* | *":$PREFIX/bin:"*) ;;
    *) echo "put $PREFIX/bin on PATH to run openhands-lua by its name" ;;
    esac ;;
uninstall)
    echo "$list" | sed "s|^\(.*/\)\{0,1\}\([^/]*\)$tab\(.*\)|\3/\2|" | while IFS= read -r file; do
        printf '%s\0' "$DESTDIR$file"
    done | xargs -0 rm -f
    rm -f "$DESTDIR$plugin/doc/tags"
    for own in "$luadir/openhands" "$cluadir/openhands" "$docdir" "$PREFIX/share/nvim/site/pack/lua-openhands"; do
        [ ! -d "$DESTDIR$own" ] || find "$DESTDIR$own" -depth -type d -empty -delete
    done ;;
esac
