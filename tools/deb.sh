#!/bin/bash
# Builds the Debian package lua-openhands for each Lua that has headers here, below build/deb. Then installs it into a
# root of its own, runs a conversation on the simulator with each Lua from there, and removes it again. The last line is
# `N passed, N failed`.
#   deb.sh [LUA...]          default: those of lua5.1 to lua5.4 that are installed
set -u
cd "$(dirname "$0")/.." || exit
. tools/environment.sh
if [ $# = 0 ]; then
    for lua in lua5.1 lua5.2 lua5.3 lua5.4; do
        if [ -n "$(command -v $lua)" ] && [ -n "$(tools/lua.sh incdir $lua)" ]; then set -- "$@" $lua; fi
    done
    [ $# -gt 0 ] || set -- "$(tools/lua.sh first)"
fi
tools/setup.sh deb "$@" || exit
make="${MAKE:-make} -s --no-print-directory"
version=$(sed -n 's/.*OH_VERSION "\(.*\)".*/\1/p' src/lua/version.h)
architecture=$(dpkg --print-architecture)
triplet=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
package=build/deb/lua-openhands_${version}-1_$architecture.deb
root=build/deb/root
rm -rf build/deb
mkdir -p build/deb/debian "$root/DEBIAN"

for lua; do # the last one is the interpreter of the command
    number=${lua#lua}
    $make LUA="$lua" BUILD="build/deb/$lua" CFLAGS='-O2 -g0' &&
        $make LUA="$lua" BUILD="build/deb/$lua" CFLAGS='-O2 -g0' DESTDIR="$PWD/$root" PREFIX=/usr \
            CLUADIR="/usr/lib/$triplet/lua/$number" install || exit
done
last=${!#}

# The libraries that the modules were linked with, by the names of this Debian.
printf 'Source: lua-openhands\nPackage: lua-openhands\nArchitecture: any\n' >build/deb/debian/control
mapfile -t modules < <(find "$root" -name core.so -printf '%P\n')
find "$root" -name core.so -exec strip --strip-unneeded {} +
libraries=$(cd build/deb && dpkg-shlibdeps -O "${modules[@]/#/root/}" 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
[ -n "$libraries" ] || exit

completion() { # SHELL FILE
    mkdir -p "$(dirname "$root/usr/share/$2")"
    LUA_PATH="$root/usr/share/lua/${last#lua}/?.lua;$root/usr/share/lua/${last#lua}/?/init.lua;;" \
        LUA_CPATH="$root/usr/lib/$triplet/lua/${last#lua}/?.so;;" \
        "$last" bin/openhands-lua completion "$1" >"$root/usr/share/$2"
}
completion bash bash-completion/completions/openhands-lua &&
    completion zsh zsh/vendor-completions/_openhands-lua &&
    completion fish fish/vendor_completions.d/openhands-lua.fish || exit

documents=$root/usr/share/doc/lua-openhands
gzip -9nf "$documents/CHANGELOG.md" && mv "$documents/CHANGELOG.md.gz" "$documents/changelog.gz"
mv "$documents/LICENSE" "$documents/copyright"
[ ! -d "$root/usr/share/man" ] || find "$root/usr/share/man" -type f -exec gzip -9nf {} +
printf 'lua-openhands (%s-1) unstable; urgency=medium\n\n  * See changelog.gz.\n\n -- %s  %s\n' "$version" \
    'The openhands-lua project <noreply@openhands-lua.invalid>' "$(date -uR)" | gzip -9n >"$documents/changelog.Debian.gz"
cat >"$root/DEBIAN/control" <<END
Package: lua-openhands
Version: $version-1
Architecture: $architecture
Maintainer: The openhands-lua project <noreply@openhands-lua.invalid>
Installed-Size: $(du -sk "$root/usr" | cut -f 1)
Depends: $libraries, lua-cjson, $last
Recommends: ca-certificates, lua-argparse, lua-luv
Suggests: lua-dbi-sqlite3, lua-dbi-postgresql, neovim, libnginx-mod-http-lua
Section: interpreters
Priority: optional
Homepage: https://github.com/openhands-lua/openhands
Description: client for OpenHands Cloud, a service of coding agents
 Starts conversations with coding agents and tells how they stand, from
 scripts, Neovim, OpenResty and other event loops. A paid job is never started
 twice and never lost, and nothing blocks its host.
 .
 Contains the library for these:
 ${*//lua/Lua }.
 Also a command, and a plugin for Neovim.
END
(cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
find "$root" -type d -exec chmod 755 {} +
chmod 644 "$root/DEBIAN/md5sums" "$root/DEBIAN/control"
dpkg-deb --root-owner-group --build "$root" "$package" >/dev/null || exit
echo "built $package"

# ---- in a root of its own ---------------------------------------------------------------------------------------
passed=0 failed=0
check() { # NAME COMMAND...
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then
        passed=$((passed + 1))
        echo "ok    $name"
    else
        failed=$((failed + 1))
        printf 'FAIL  %s\n%s\n' "$name" "$output"
    fi
}

work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
mkdir -p "$work/root/var/lib/dpkg/info" "$work/root/var/lib/dpkg/updates"
: >"$work/root/var/lib/dpkg/status"
run_dpkg() { dpkg --root="$work/root" --force-depends --force-not-root --force-bad-path --log=/dev/null "$@"; }

runs() { # LUA COMMAND...: runs a program with what is installed in the root, outside this checkout
    local number=${1#lua}
    number=${number/jit/5.1}
    (cd / && LUA_PATH="$work/root/usr/share/lua/$number/?.lua;$work/root/usr/share/lua/$number/?/init.lua;;" \
        LUA_CPATH="$work/root/usr/lib/$triplet/lua/$number/?.so;;" timeout 60 "$@")
}

check 'dpkg installs the package' run_dpkg -i "$package"
for lua; do
    check "$lua runs the first example from there" runs "$lua" \
        "$work/root/usr/share/doc/lua-openhands/examples/first_conversation.lua"
    if [ "$lua" = lua5.1 ] && command -v luajit >/dev/null; then # which loads what was built for Lua 5.1
        check 'luajit runs it, too' runs luajit "$work/root/usr/share/doc/lua-openhands/examples/first_conversation.lua"
    fi
done
[ ! -f "$root/usr/bin/openhands-lua" ] ||
    check 'the command runs from there' runs "$last" "$work/root/usr/bin/openhands-lua" --version
for file in bash-completion/completions/openhands-lua zsh/vendor-completions/_openhands-lua \
    fish/vendor_completions.d/openhands-lua.fish; do
    check "the completion ${file%%/*} is there" grep -q simulate "$work/root/usr/share/$file"
done
check 'dpkg removes it' run_dpkg -P lua-openhands
left() { ! find "$work/root/usr" ! -type d 2>/dev/null | grep .; }
check 'nothing is left' left
if command -v lintian >/dev/null; then
    check 'lintian' lintian --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs "$package"
fi
echo "$passed passed, $failed failed"
[ $failed = 0 ]
