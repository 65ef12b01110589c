#!/bin/sh
# Describes the Lua interpreters of this machine.
#   lua.sh list            the name of each that is installed, the preferred one first
#   lua.sh first           the first that has C headers; else the first; else lua5.4
#   lua.sh build_name LUA  lua5.1 ... lua5.5 or luajit: what a module must be built for
#   lua.sh problem LUA     why no module can be built for it; nothing if one can
#   lua.sh incdir LUA      the directory of its lua.h; nothing if there is none

build_name() {
    case $1 in
    nvim | */nvim) echo nvim ;; # running it would start the editor
    *) # without our variables, or `make LUA=make` would run itself here for ever (GNU make from 4.4 on passes them)
        (unset LUA MAKEFLAGS
            exec "$1" -e 'io.write(jit and "luajit" or "lua" .. _VERSION:match("5.%d"))') </dev/null 2>/dev/null ||
            basename "$1" ;;
    esac
}

problem() {
    case $(build_name "$1") in
    lua5.[1-5] | luajit) ;;
    nvim) echo "Neovim has LuaJIT built in: say LUA=luajit" ;;
    *) echo "'$1' is not a known Lua: say LUA=lua5.1, lua5.2, lua5.3, lua5.4, lua5.5 or luajit, or the path of one" ;;
    esac
}

list() {
    seen=
    for lua in lua5.4 luajit lua5.3 lua5.5 lua5.1 lua5.2 lua; do
        command -v $lua >/dev/null || continue
        name=$(build_name $lua)
        case " $seen " in *" $name "*) continue ;; esac # `lua` is usually one of the others
        seen="$seen $name"
        echo $lua
    done
}

# is_for BUILD_NAME DIRECTORY: succeeds if the lua.h there is of that version (5.5 names it VERSION_MINOR_N)
is_for() {
    case $1 in
    luajit) [ -f "$2/luajit.h" ] ;;
    *) [ ! -f "$2/luajit.h" ] && grep -Eqs "\"Lua ${1#lua}\"|VERSION_MINOR(_N)?[[:space:]]+\"?${1#lua5.}" "$2/lua.h" ;;
    esac
}

incdir() {
    name=$(build_name "$1")
    version=${name#lua}
    prefix=$(dirname "$(dirname "$(command -v "$1" || echo /usr/bin/lua)")")
    {
        for module in "$name" "lua-$version" "lua5${version#5.}" lua; do # Debian, Fedora, Arch, Homebrew
            pkg-config --cflags-only-I "$module" | sed 's/^-I//; s/ .*//'
        done 2>/dev/null
        printf '%s\n' "$prefix/include/$name" "$prefix/include/luajit-2.1" "$prefix/include" "/usr/include/$name"
    } | while read -r dir; do
        if is_for "$name" "$dir"; then echo "$dir"; fi
    done | sed -n 1p
}

case $1 in
list) list ;;
first)
    for lua in $(list) ''; do
        if [ -n "$lua" ] && [ -n "$(incdir "$lua")" ]; then break; fi
    done
    [ -n "$lua" ] || lua=$(list | head -n 1)
    echo "${lua:-lua5.4}" ;;
build_name) build_name "$2" ;;
problem) problem "$2" ;;
incdir) incdir "$2" ;;
esac
