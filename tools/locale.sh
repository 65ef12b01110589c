#!/bin/sh
# Prints the directory in which the C library finds a locale (for LOCPATH). Generates the locale there if it is missing:
# most systems have only one.
#   locale.sh NAME, such as tr_TR.UTF-8
set -eu
cd "$(dirname "$0")/.."
directory=$PWD/build/locale
if [ ! -e "$directory/$1" ]; then
    mkdir -p "$directory"
    fresh=$(mktemp -d "$directory/.fresh.XXXXXX")
    localedef -i "${1%.*}" -f "${1#*.}" "$fresh/locale" >&2
    mv -T "$fresh/locale" "$directory/$1" 2>/dev/null || [ -e "$directory/$1" ] # another process may have been first
    rm -rf "$fresh"
fi
echo "$directory"
