#!/bin/sh
# Installs the programs and modules that a purpose requires and this machine lacks (Debian, Ubuntu), or names them.
# Tries each to find out. Prints nothing if nothing is missing.
#   setup.sh [--check] build|demo|test|measure|valgrind|rock|deb|doc|lint|prism|bench|peers|pictures [LUA...]     --check never installs
# Environment: CC, LUA_INCDIR, CURL_CFLAGS, as in the Makefile.
# shellcheck disable=SC2317 # the functions below are called through `need`
set -u
cd "$(dirname "$0")/.." || exit
if [ "$1" = --check ]; then check=yes; shift; else check=; fi
purpose=$1
shift

# Debian packages modules for Lua 5.1 to 5.4 and LuaJIT; for a newer Lua only LuaRocks has them.
need_module() { # NAME PACKAGE ROCK LUA
    case $(tools/lua.sh build_name "$4") in
    lua5.[1-4] | luajit) need "$1 for $4" "$2" module "$4" "$1" ;;
    *) module "$4" "$1" >/dev/null 2>&1 || rocks="$rocks, $3 for $4" ;;
    esac
}

# need WHAT PACKAGES COMMAND...: notes, if the command fails, that WHAT is missing and that Debian's PACKAGES provide it
need() {
    what=$1 wanted=$2
    shift 2
    "$@" >/dev/null 2>&1 && return
    lacking="$lacking, $what"
    packages="$packages $wanted"
}

header() { # FLAGS FILE: succeeds if the C compiler finds the header file
    # shellcheck disable=SC2086
    printf '#include <%s>\n' "$2" | ${CC:-cc} $1 -E -
}

program() { command -v "$1"; }

lua_header() {
    directory=${LUA_INCDIR:-$(tools/lua.sh incdir "$1")}
    [ -n "$directory" ] && header "-I$directory" lua.h
}

module() { "$1" -e "require '$2'"; } # LUA NAME

# Prints the name of the LuaJIT package. Debian 12 has two, which conflict: chooses the installed one, else luajit2,
# which is the maintained one. Debian 13 has only that one, under the name luajit.
luajit_name() {
    if dpkg -s libluajit-5.1-2 >/dev/null 2>&1 || ! apt-cache show luajit2 2>/dev/null | grep -q '^Package:'; then
        echo luajit
    else
        echo luajit2
    fi
}

package_names() { # prints $packages with Debian's names for lua5.4 lua5.4-headers luajit luajit-headers and the like
    # shellcheck disable=SC2086
    names=$(printf '%s\n' $packages | sed 's/^lua5.1-headers/liblua5.1-0-dev/; s/^\(lua5.*\)-headers/lib\1-dev/' | sort -u)
    case $names in
    *luajit*) echo "$names" | sed "s/^luajit-headers/lib$(luajit_name)-5.1-dev/; s/^luajit$/$(luajit_name)/" ;;
    *) echo "$names" ;;
    esac | tr '\n' ' ' | sed 's/ $//'
}

# Succeeds unless copas is missing. Debian's copas 4 is there but does not load, because Debian lacks a module that it
# requires: no package would help.
copas() {
    "$1" -e 'local good, why = pcall(require, "copas") os.exit(not good and why:find "module .copas. not found" and 1 or 0)'
}

# Notes the missing event loops for one Lua. Debian has cqueues for all but Lua 5.5, and copas only for 5.1, 5.2
# and LuaJIT.
need_hosts() { # NAME LUA
    case $1 in lua5.5) return ;; esac
    need "cqueues for $2" lua-cqueues module "$2" cqueues
    case $1 in
    lua5.1 | lua5.2 | luajit) need "copas for $2" 'lua-copas lua-socket' copas "$2" ;;
    esac
    case $1 in
    luajit)
        need Neovim neovim program nvim
        need "nginx's Lua module" 'nginx libnginx-mod-http-lua' test -e /usr/lib/nginx/modules/ngx_http_lua_module.so ;;
    esac
}

# Notes the missing modules for the ledgers of fleets. A newer Lua than Debian's has no ledger in the specs.
need_databases() { # NAME LUA
    case $1 in lua5.5) return ;; esac
    need "LuaDBI's SQLite for $2" lua-dbi-sqlite3 module "$2" dbd.sqlite3
    need "LuaDBI's PostgreSQL for $2" lua-dbi-postgresql module "$2" dbd.postgresql
    need PostgreSQL postgresql test -n "$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null)"
    need strace strace program strace
}

# Notes the missing clients with which `make bench` compares. Debian has lua-curl only for Lua 5.1 and LuaJIT.
need_peers() { # LUA...
    need curl curl program curl
    need node nodejs program node
    for library in requests httpx h2 aiohttp; do
        need "Python's $library" python3-$library /usr/bin/python3 -c "import $library"
    done
    need lua-http lua-http test -e /usr/share/lua/5.1/http/client.lua
    need luarocks luarocks program luarocks
    for lua; do
        need "luasocket for $lua" lua-socket module "$lua" socket.http
        need_module cjson lua-cjson lua-cjson "$lua"
        case $(tools/lua.sh build_name "$lua") in
        luajit | lua5.1) need "Debian's lua-curl for $lua" lua-curl module "$lua" curl ;;
        esac
    done
}

survey() { # LUA...: sets `lacking`, `packages` and `rocks`
    lacking='' packages='' rocks=''
    if [ "$purpose" = peers ]; then
        need_peers "$@"
        lacking=${lacking#, }
        return
    fi
    need 'a C compiler' 'gcc libc6-dev' header '' stdio.h
    need 'pkg-config' pkg-config program pkg-config
    need 'curl/curl.h' libcurl4-openssl-dev header "${CURL_CFLAGS-$(pkg-config --cflags libcurl 2>/dev/null)}" curl/curl.h
    for lua; do
        name=$(tools/lua.sh build_name "$lua")
        [ "$purpose" = build ] || need "$lua" "$name" "$lua" -v
        need "lua.h for $lua" "$name-headers" lua_header "$lua"
        [ "$purpose" = build ] && continue
        need_module cjson lua-cjson lua-cjson "$lua"
        need_module luv lua-luv luv "$lua"
        [ "$purpose" = test ] || [ "$purpose" = demo ] || [ "$purpose" = deb ] && need_module argparse lua-argparse argparse "$lua"
        [ "$purpose" = test ] || [ "$purpose" = measure ] && need_hosts "$name" "$lua"
        [ "$purpose" = test ] && need_module busted lua-busted busted "$lua"
        [ "$purpose" = test ] || [ "$purpose" = measure ] && need_databases "$name" "$lua"
    done
    case $purpose in
    demo) [ -z "${OPENHANDS_API_KEY-}" ] || need 'TLS certificates' ca-certificates test -e /etc/ssl/certs ;;
    test)
        need busted lua-busted program busted
        need nginx nginx program /usr/sbin/nginx
        need git git program git
        need patch patch program patch
        need script bsdutils program script
        need openssl openssl program openssl
        need node nodejs program node
        need zsh zsh program zsh
        need fish fish program fish
        need 'locale definitions' locales test -e /usr/share/i18n/locales/de_DE ;;
    measure)
        need nginx nginx program /usr/sbin/nginx
        need openssl openssl program openssl
        need 'TLS certificates' ca-certificates test -e /etc/ssl/certs/ca-certificates.crt ;;
    rock)
        need luarocks luarocks program luarocks
        need Neovim neovim program nvim ;;
    pictures)
        need tmux tmux program tmux
        need aha aha program aha
        need "a font" fonts-dejavu-core test -e /usr/share/fonts/truetype/dejavu
        need Chromium chromium program chromium
        need Neovim neovim program nvim ;;
    doc) need LDoc 'lua-ldoc lua-discount' program ldoc ;;
    deb) need dpkg-shlibdeps dpkg-dev program dpkg-shlibdeps ;;
    valgrind) need valgrind valgrind program valgrind ;;
    lint)
        need luacheck lua-check program luacheck
        need cppcheck cppcheck program cppcheck
        need clang clang program clang
        need clang-tidy clang-tidy program clang-tidy
        need shellcheck shellcheck program shellcheck
        need LDoc 'lua-ldoc lua-discount' program ldoc ;;
    prism)
        need node nodejs program node
        need npm npm program npm ;;
    bench)
        need nginx nginx program /usr/sbin/nginx
        need "nginx's Lua module" libnginx-mod-http-lua test -e /usr/lib/nginx/modules/ngx_http_lua_module.so
        need openssl openssl program openssl
        need valgrind valgrind program valgrind ;;
    esac
    lacking=${lacking#, }
    rocks=${rocks#, }
}

lacks_nothing() { [ -z "$lacking$rocks" ]; }

apt() { # waits for the lock: a machine that has just started may be installing updates
    set -- env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@"
    [ "$(id -u)" = 0 ] || set -- sudo "$@"
    "$@" </dev/null >/dev/null
}

survey "$@"
lacks_nothing && exit 0

if [ -z "$check" ] && [ -n "$lacking" ] && program apt-get >/dev/null && { [ "$(id -u)" = 0 ] || program sudo >/dev/null; }; then
    for _ in 1 2 3 4 5; do # apt does not wait for the lock of the package lists
        apt update && break
        sleep 5
    done
    packages=$(package_names)
    echo "openhands: installing $packages" >&2
    # shellcheck disable=SC2086
    if [ "$purpose" = peers ]; then # one that this Debian lacks must not keep the others away
        for package in $packages; do apt install --yes --no-install-recommends --no-remove "$package"; done
    else
        apt install --yes --no-install-recommends --no-remove $packages
    fi
    survey "$@"
    lacks_nothing && exit 0
fi
[ -z "$lacking" ] || echo "openhands needs $lacking (Debian, Ubuntu: apt-get install $(package_names))" >&2
[ -z "$rocks" ] || echo "openhands needs the modules $rocks, for which Debian has no package (LuaRocks: luarocks" \
    "--lua-version VERSION install NAME)" >&2
exit 1
