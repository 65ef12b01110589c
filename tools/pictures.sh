#!/bin/bash
# Makes the pictures of the README and of the pages in doc/images/, from real runs on the simulator: the board of the
# command line and that of Neovim, as their terminals show them, and the page of a fleet's report. Look at them before
# they are committed.
set -u
cd "$(dirname "$0")/.." || exit
exec </dev/null
. tools/environment.sh
tools/setup.sh pictures "${1:-lua5.4}" luajit || exit
"${MAKE:-make}" -s LUA="${1:-lua5.4}" && "${MAKE:-make}" -s LUA=luajit || exit
eval "$("${MAKE:-make}" -s LUA="${1:-lua5.4}" env)"
lua=${1:-lua5.4} work=$(mktemp -d)
screen=(tmux -L "openhands-pictures-$$" -f /dev/null)
simulator=''
finish() {
    "${screen[@]}" kill-server 2>/dev/null
    [ -z "$simulator" ] || kill "$simulator" 2>/dev/null
    rm -rf "$work"
}
trap finish EXIT
export HOME="$work" XDG_CONFIG_HOME="$work" XDG_STATE_HOME="$work" XDG_DATA_HOME="$work" LC_ALL=C.UTF-8
unset OPENHANDS_CLOUD_API_KEY NO_COLOR

openhands() { "$lua" bin/openhands-lua "$@"; }

# Starts a new simulator, and sets the variables with which programs use it.
simulate() { # PACE
    [ -z "$simulator" ] || kill "$simulator"
    "$lua" bin/openhands-lua simulate --pace "$1" --jsonl >"$work/simulator" 2>/dev/null &
    simulator=$!
    for ((i = 0; i < 100; i++)); do
        OPENHANDS_BASE_URL=$(sed -n 's/.*"base_url":"\([^"]*\)".*/\1/p' "$work/simulator")
        [ -z "$OPENHANDS_BASE_URL" ] || break
        sleep 0.1
    done
    export OPENHANDS_BASE_URL OPENHANDS_API_KEY=simulated
}

# Starts a conversation, and adds its id to `ids`.
start() { # MESSAGE REPOSITORY
    ids+=("$(openhands start "$1" --repo "$2" --json 2>/dev/null |
        sed -n 's/.*"conversation_id": *"\([^"]*\)".*/\1/p')")
}

# Starts six conversations: some have settled, two have begun a moment ago.
some_conversations() {
    simulate 0.5
    ids=()
    start 'Fix the failing test of the importer' acme/inventory
    start 'Upgrade to React 19 [simulate: waiting]' acme/storefront
    start 'Fix CVE-2026-1234 [simulate: error]' acme/billing
    start 'Document all settings' acme/gateway
    openhands wait --interval 1 "${ids[@]}" >/dev/null 2>&1
    start 'Explain why the search is slow, and mend it' acme/search
    start 'Remove the dead code' acme/mailer
}

# Runs a program in a terminal of its own, waits until the screen shows a text, and makes a picture of the screen.
picture() { # FILE COLUMNS LINES TEXT COMMAND...
    local file=$1 columns=$2 lines=$3 text=$4
    shift 4
    "${screen[@]}" new-session -d -x "$columns" -y "$lines" "$@" || exit
    for ((i = 0; i < 300; i++)); do
        "${screen[@]}" capture-pane -p >"$work/screen" 2>/dev/null || break
        grep -qE "$text" "$work/screen" && break
        sleep 0.1
    done
    if ! grep -qE "$text" "$work/screen"; then
        echo "$file: the screen does not show '$text':"
        cat "$work/screen"
        exit 1
    fi
    sleep 0.3 # the rest of the screen
    "${screen[@]}" capture-pane -ep >"$work/screen"
    "${screen[@]}" kill-server
    {
        echo '<!doctype html><meta charset="utf-8"><style>body { margin: 0; background: #262626 }'
        echo 'pre { margin: 14px 16px; font: 14px/19px "DejaVu Sans Mono", monospace; color: #d8dade }</style><pre>'
        aha --no-header --black <"$work/screen"
        echo '</pre>'
    } >"$work/screen.html"
    show "$file" $((columns * 843 / 100 + 36)) $((lines * 19 + 28)) "file://$work/screen.html"
}

show() { # FILE WIDTH HEIGHT ADDRESS: makes a picture of a page
    chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$work/profile" \
        --window-size="$2,$3" --screenshot="$work/picture.png" "$4" >"$work/chromium" 2>&1
    [ -s "$work/picture.png" ] || { cat "$work/chromium"; exit 1; }
    mv "$work/picture.png" "doc/images/$1"
    echo "doc/images/$1: $(stat -c %s "doc/images/$1") bytes"
}

some_conversations
picture neovim.png 80 11 'running' nvim --clean --cmd "set rtp^=$PWD termguicolors" \
    --cmd 'let g:openhands = {"interval": 1}' -c 'runtime plugin/openhands.lua' -c 'colorscheme slate' -c 'OpenHands board' -c 'only'
some_conversations
picture board.png 100 9 'running .*[$]' "$lua" bin/openhands-lua wait --interval 1 --color always "${ids[@]}"
"$lua" tools/report_picture.lua
