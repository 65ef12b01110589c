#!/bin/sh
# Says in which directory the C library finds a locale (for LOCPATH), and makes it there if need be: the system has those
# that somebody has chosen, which is mostly one.
#   locale.sh NAME, such as tr_TR.UTF-8
set -eu
cd "$(dirname "$0")/.."
directory=$PWD/build/locale
if [ ! -e "$directory/$1" ]; then
    mkdir -p "$directory"
    fresh=$(mktemp -d "$directory/.fresh.XXXXXX")
    localedef -i "${1%.*}" -f "${1#*.}" "$fresh/locale" >&2
    mv -T "$fresh/locale" "$directory/$1" 2>/dev/null || [ -e "$directory/$1" ] # somebody else's may have come first
    rm -rf "$fresh"
fi
echo "$directory"
