#!/bin/bash
# Prepares the release of the version in src/lua/version.h: moves the CHANGELOG's Unreleased section under that version,
# writes a rockspec for it, commits both files and tags the commit. Packs a source rock below build/release if LuaRocks
# is installed. Publishes nothing: at its end it prints the commands that do. A failure leaves the checkout as it was.
set -u
cd "$(dirname "$0")/.." || exit
lua=$(tools/lua.sh first)
repository=https://github.com/openhands-lua/openhands
version=$(sed -n 's/^#define OH_VERSION "\(.*\)"$/\1/p' src/lua/version.h)
tag=v$version
rockspec=openhands-$version-1.rockspec

refuse() {
    echo "release: $*" >&2
    exit 1
}

section() { # HEADING: prints that section of the CHANGELOG, without its sub-headings, empty lines and links
    awk -v heading="## [$1]" 'index($0, "## [") == 1 { inside = index($0, heading) == 1; next }
        inside && !/^(###.*|\[.*\]: .*|)$/' CHANGELOG.md
}

# ---- checks --------------------------------------------------------------------------------------------------------

[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || refuse "the version in src/lua/version.h is '$version', not three numbers"
git rev-parse --git-dir >/dev/null 2>&1 || refuse 'this is not a git checkout'
[ -z "$(git status --porcelain)" ] || refuse "there are changes that are not committed:
$(git status --short)"
[ -z "$(git tag --list "$tag")" ] || refuse "the tag $tag exists: raise the version in src/lua/version.h"
if [ -n "$(section "$version")" ]; then
    [ -z "$(section Unreleased)" ] ||
        refuse "CHANGELOG.md has a section for $version and entries under Unreleased: move them, or raise the version"
elif [ -z "$(section Unreleased)" ]; then
    refuse "CHANGELOG.md has no section for $version, and nothing under Unreleased that could become one"
fi

# ---- the release ---------------------------------------------------------------------------------------------------

head=$(git rev-parse HEAD)
fail() {
    git tag --delete "$tag" >/dev/null 2>&1
    git reset --quiet --hard "$head"
    git clean --quiet --force -- "$rockspec"
    refuse "$*; nothing was released"
}

changelog() { # prints the new CHANGELOG: with an empty Unreleased section, this version's section, and their links
    local previous
    previous=$(git describe --tags --abbrev=0 --match 'v[0-9]*' 2>/dev/null)
    awk -v version="$version" -v date="$(date -u +%F)" -v repository="$repository" -v previous="$previous" '
        function links() {
            printf "[Unreleased]: %s/compare/v%s...HEAD\n", repository, version
            if (previous != "") printf "[%s]: %s/compare/%s...v%s\n", version, repository, previous, version
            else printf "[%s]: %s/releases/tag/v%s\n", version, repository, version
            done = 1
        }
        /^## \[Unreleased\]/ && !has_section { print "## [Unreleased]\n\n## [" version "] - " date; next }
        /^\[Unreleased\]: / { links(); next }
        index($0, "[" version "]: ") == 1 { next }
        { print }
        END { if (!done) { print ""; links() } }' has_section="$(section "$version" | head -n 1)" CHANGELOG.md
}

text=$(changelog) || fail 'CHANGELOG.md cannot be read'
printf '%s\n' "$text" >CHANGELOG.md
sed "s/^version = \"scm-1\"\$/version = \"$version-1\"/; s/^source = { url = \(\"[^\"]*\"\) }\$/source = { url = \1, tag = \"$tag\" }/" \
    openhands-scm-1.rockspec >"$rockspec"
if ! grep -q "^version = \"$version-1\"" "$rockspec" || ! grep -q "tag = \"$tag\"" "$rockspec"; then
    fail 'the version or the source of openhands-scm-1.rockspec is not written as expected'
fi
"$lua" tools/rockspec.lua "$rockspec" || fail "$rockspec does not list every file"
git add CHANGELOG.md "$rockspec" || fail 'the files cannot be staged'
git commit --quiet -m "Release $version" || fail 'the commit failed'
git tag --annotate -m "Version $version" "$tag" || fail 'the tag failed'

# LuaRocks clones the tag from this checkout: the public repository does not have it yet.
if command -v luarocks >/dev/null; then
    mkdir -p build/release
    if ! output=$(cd build/release && GIT_CONFIG_COUNT=1 GIT_CONFIG_VALUE_0="$repository.git" \
        GIT_CONFIG_KEY_0="url.file://$(cd ../.. && pwd).insteadOf" luarocks pack "../../$rockspec" 2>&1); then
        fail "luarocks could not pack the rock: $output"
    fi
    echo "packed build/release/openhands-$version-1.src.rock"
else
    echo 'SKIPPED: luarocks is not installed, so there is no rock'
fi
echo "released $version. To publish it: git push origin HEAD $tag && luarocks upload $rockspec"
