#!/bin/bash
# Sends every operation to Prism, a mock server that validates requests against the published OpenAPI documents and
# answers as they promise. Closes with `N passed, N failed`. Where Prism or the documents are not available, it prints
# that it skipped, which is not a failure.
#   prism.sh [LUA]
set -u
cd "$(dirname "$0")/.." || exit
version=5.14.2
home=$PWD/build/prism
documents=../shared/api

skip() {
    echo "skipped: $*" >&2
    echo '0 passed, 0 failed'
    exit 0
}

[ -f $documents/openhands-cloud.json ] || skip "there are no OpenAPI documents in $documents"
lua=${1:-$(tools/lua.sh first)}
tools/setup.sh prism "$lua" || skip 'what Prism needs (node, npm) is not there'
if ! grep -qs "\"version\": \"$version\"" "$home/node_modules/@stoplight/prism-cli/package.json"; then
    mkdir -p "$home"
    timeout 300 npm install --prefix "$home" --no-save --no-audit --no-fund --ignore-scripts --loglevel=error \
        "@stoplight/prism-cli@$version" >"$home/install.log" 2>&1 ||
        skip "npm cannot install Prism: $(grep -m 1 . "$home/install.log")"
fi
eval "$(${MAKE:-make} -s LUA="$lua" env)" || exit
. tools/environment.sh
unset NODE_ENV

prism=
stop() {
    if [ -n "$prism" ]; then kill "$prism" && wait "$prism"; fi 2>/dev/null
    prism=
}
trap stop EXIT
trap 'exit 130' INT TERM

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

start() { # DOCUMENT LOG: sets `port` and `prism`; tries another port if one is taken
    local give_up_at
    for _ in 1 2 3; do
        port=$((20000 + RANDOM % 20000))
        node "$home/node_modules/.bin/prism" mock --multiprocess=false --host 127.0.0.1 --port $port "$1" >"$2" 2>&1 &
        prism=$!
        for ((give_up_at = SECONDS + 60; SECONDS < give_up_at; )); do
            kill -0 $prism 2>/dev/null || break
            grep -q 'Prism is listening' "$2" && answers $port && return
            sleep 0.2
        done
        stop
    done
    cat "$2"
    return 1
}

passed=0 failed=0
while read -r api document; do
    "$lua" spec/contract/calls.lua rows "$api" >"$home/$api.rows" &&
        node spec/contract/document.js "$documents/$document" "$home/$api.rows" >"$home/$api.json" &&
        start "$home/$api.json" "$home/$api.log" || exit
    echo "== $api, $lua"
    "$lua" spec/contract/calls.lua send "$api" "$home/$api.json" "http://127.0.0.1:$port" "$home/$api.log" 2>&1 |
        tee "$home/$api.calls"
    stop
    counts=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$home/$api.calls" | tail -n 1)
    passed=$((passed + ${counts% *} + 0)) failed=$((failed + ${counts#* } + 0))
    [ -n "$counts" ] || failed=$((failed + 1)) # it did not reach its end
done <<'END'
v1 openhands-cloud.json
v0 V0_openapi.json
agent agent-sdk.json
END
echo "$passed passed, $failed failed"
[ $failed = 0 ]
