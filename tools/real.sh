#!/bin/bash
# Runs the library against the published servers from PyPI: an app server (V1) with its sandboxes, the same one with a
# session key, an agent server by itself, and a V0 server. A fake language model on loopback answers their agents. Needs
# Python 3.12 and some gigabytes below build/, where the installed servers stay. Closes with `N passed, N failed`. Where
# the servers are not available, it prints that it skipped, which is not a failure.
#   real.sh [LUA]          ROWS='app agent' selects servers; KEEP=yes leaves logs and stores behind
# shellcheck disable=SC2317 # the functions below are called by their names
set -u
cd "$(dirname "$0")/.." || exit
exec </dev/null
home=$PWD/build/real
lua=${1:-$(tools/lua.sh first)}
key=the-key-of-the-rows

skip() {
    echo "skipped: $*" >&2
    echo '0 passed, 0 failed'
    exit 0
}

# Python 3.12 of the system, of pyenv or of uv
python=
for each in python3.12 python3 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.12.*/bin/python \
    "$HOME"/.local/share/uv/python/cpython-3.12*/bin/python3; do
    if "$each" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 12))' 2>/dev/null; then
        python=$each
        break
    fi
done
[ -n "$python" ] || skip 'there is no Python 3.12 (with venv)'

# NAME PACKAGE==VERSION...: creates a virtual environment with these, once. uv resolves the versions in half a minute, pip
# in up to an hour.
environment() {
    local name=$1 wanted=${*:2} install uv=$home/uv/bin/uv
    [ "$(cat "$home/$name/wanted" 2>/dev/null)" = "$wanted" ] && return
    echo "installing $wanted" >&2
    rm -rf "${home:?}/$name"
    mkdir -p "$home"
    install=("$home/$name/bin/python" -m pip install --quiet --disable-pip-version-check)
    if [ -x "$uv" ] || { "$python" -m venv "$home/uv" && "$home/uv/bin/python" -m pip install --quiet uv; } \
        >"$home/uv.log" 2>&1; then
        install=("$uv" pip install --quiet --python "$home/$name/bin/python")
    fi
    if "$python" -m venv "$home/$name" && timeout 3600 "${install[@]}" "${@:2}" >"$home/$name.log" 2>&1; then
        echo "$wanted" >"$home/$name/wanted"
    else
        echo "skipped: $name: cannot install $wanted: $(tail -n 1 "$home/$name.log" 2>/dev/null)" >&2
        return 1
    fi
}

eval "$(${MAKE:-make} -s LUA="$lua" env)" || exit
. tools/environment.sh

# A short path, because names of sockets below it are limited; outside this checkout, which is a repository itself.
work=$(mktemp -d) || exit
servers=()
stop() { # ends all servers, each with its sandboxes: a process group
    local each socket
    for each in "${servers[@]:-}"; do
        [ -n "$each" ] && kill -CONT -- "-$each" && kill -- "-$each"
    done 2>/dev/null
    for each in "${servers[@]:-}"; do
        for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 -- "-$each" 2>/dev/null && sleep 0.5; done
        kill -9 -- "-$each" 2>/dev/null
    done
    servers=()
    for socket in "$work"/tmux/*/*; do # the shells of the agents outlive the servers
        [ -S "$socket" ] && tmux -S "$socket" kill-server 2>/dev/null
    done
}
finish() {
    stop
    if [ -n "${KEEP:-}" ]; then echo "logs: $work" >&2; else rm -rf "$work"; fi
}
trap finish EXIT
trap 'exit 130' INT TERM
set -m # each job in a process group of its own

free_port() { "$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

begin() { # LOG COMMAND...
    rm -f "$work/$1.log" # of an earlier server, whose port is no longer valid
    "${@:2}" >"$work/$1.log" 2>&1 &
    servers+=($!)
    disown # the shell prints nothing when it ends
}

line_of() { # LOG: waits for its first line, a port, and prints it
    local give_up_at
    for ((give_up_at = SECONDS + 20; SECONDS < give_up_at; )); do
        if [ -s "$work/$1.log" ]; then head -n 1 "$work/$1.log" && return; fi
        sleep 0.1
    done
    return 1
}

alive() { # PORT NAME: waits until the server answers
    local give_up_at
    for ((give_up_at = SECONDS + 300; SECONDS < give_up_at; )); do
        "$python" - "$1" <<'END' 2>/dev/null && return
import sys, urllib.request
urllib.request.urlopen("http://127.0.0.1:%s/alive" % sys.argv[1], timeout=5)
END
        kill -0 "${servers[-1]}" 2>/dev/null || break
        sleep 0.5
    done
    echo "the server does not start:" >&2
    tail -n 20 "$work/$2.log" >&2
    return 1
}

serve() { # ENVIRONMENT KIND NAME [VARIABLE=VALUE...]: sets `address`
    local directory=$work/$3
    mkdir -p "$directory"/{home,tmp,store,bin,workspace} "$work/tmux"
    # The browsing tool looks for a browser when it is created, and runs it only when it browses.
    printf '#!/bin/sh\nexit 1\n' >"$directory/bin/chromium" && chmod +x "$directory/bin/chromium"
    local port hooks=()
    port=$(free_port)
    address=http://127.0.0.1:$port
    # Where sandboxes post their events; sandboxes that are plain processes do not get this address otherwise.
    [ "$2" = app ] && hooks=("OH_WEBHOOKS_0_BASE_URL=http://localhost:$port/api/v1/webhooks")
    begin "$3" env -C "$directory" HOME="$directory/home" TMPDIR="$directory/tmp" PATH="$directory/bin:$PATH" \
        OH_PERSISTENCE_DIR="$directory/store" FILE_STORE_PATH="$directory/store" \
        TMUX_TMPDIR="$work/tmux" ${hooks[@]+"${hooks[@]}"} \
        OH_AGENT_SERVER_ENV="{\"TMUX_TMPDIR\": \"$work/tmux\"}" LITELLM_LOCAL_MODEL_COST_MAP=True \
        "${@:4}" "$home/$1/bin/python" "$PWD/spec/real/serve.py" "$2" "$port"
    alive "$port" "$3"
}

passed=0 failed=0
try() { # NAME ARGUMENTS...: runs spec/real/NAME.lua
    echo "== $1, $lua"
    timeout 1800 "$lua" "spec/real/$1.lua" "${@:2}" 2>&1 | tee "$work/$1.rows"
    local counts
    counts=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$work/$1.rows" | tail -n 1)
    passed=$((passed + ${counts% *} + 0)) failed=$((failed + ${counts#* } + 0))
    [ -n "$counts" ] || failed=$((failed + 1)) # it did not reach its end
}

begin_model() {
    begin model "$python" spec/real/model.py && model=http://127.0.0.1:$(line_of model)/v1
}

rows_app() {
    environment app openhands-ai==1.11.0 || return
    if begin_model && serve app app app RUNTIME=process; then try app "$address" "$model"; else failed=$((failed + 1)); fi
}

rows_locked() {
    environment app openhands-ai==1.11.0 || return
    if serve app app locked RUNTIME=process SESSION_API_KEY="$key"; then
        try locked "$address" "$key"
    else
        failed=$((failed + 1))
    fi
}

rows_agent() {
    environment agent openhands-agent-server==1.58.2 || return
    if begin_model && serve agent agent agent OH_SESSION_API_KEYS_0="$key" &&
        git init --quiet "$work/agent/workspace" && begin app_stub "$python" spec/real/app_stub.py "$address" "$key" &&
        port=$(line_of app_stub); then
        try agent "http://127.0.0.1:$port" "$model" "$work/agent/workspace"
    else
        failed=$((failed + 1))
    fi
}

rows_v0() { # with the versions of its lock file where newer ones break it
    environment v0 openhands-ai==0.62.0 fastapi==0.116.2 fastmcp==2.12.4 libtmux==0.46.2 mcp==1.16.0 \
        pydantic==2.11.10 || return
    if begin_model && serve v0 v0 v0 RUNTIME=local SKIP_DEPENDENCY_CHECK=1 SERVE_FRONTEND=false USER="$(id -un)" \
        ENABLE_BROWSER=false AGENT_ENABLE_JUPYTER=false AGENT_ENABLE_BROWSING=false AGENT_ENABLE_MCP=false \
        LLM_NATIVE_TOOL_CALLING=true WORKSPACE_BASE="$work/v0/workspace"; then
        try v0 "$address" "$model"
    else
        failed=$((failed + 1))
    fi
}

{ # bash reads this block whole before it runs: the file may change during the minutes that it takes
    for rows in ${ROWS:-app locked agent v0}; do
        "rows_$rows"
        stop
    done
    echo "$passed passed, $failed failed"
    [ $failed = 0 ]
    exit
}
