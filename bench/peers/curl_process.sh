#!/bin/bash
# A process of curl for each call, as a shell script would do it: makes a twentieth of the calls.
work=$1 base=$2 count=$(((${3-0} + 19) / 20))
case $work in
version) curl --version | head -n 1 | cut -d ' ' -f 1-2; exit ;;
many*) exit 77 ;;
esac

once() { # NUMBER
    local id
    id=$(printf '7f3b9a1c2d4e4f60a1b2%012x' $(($1 % 50)))
    set -- curl -sf -H 'Authorization: Bearer bench' -H 'Accept: application/json'
    case $work in
    v1) "$@" "$base/api/v1/app-conversations?ids=$id" ;;
    events) "$@" "$base/api/v1/conversation/$id/events/search?limit=100" ;;
    start) "$@" -H 'Content-Type: application/json' "$base/api/v1/app-conversations" -d "{\"conversation_id\":\"$id\",\
\"selected_repository\":\"acme/widgets\",\"initial_message\":{\"role\":\"user\",\"content\":[{\"type\":\"text\",\
\"text\":\"Fix the typo in README.md.\"}]}}" ;;
    *) "$@" "$base/api/conversations/$id" ;;
    esac
}

for ((i = 0; i < count; i++)); do
    once $i >/dev/null || exit 1
done
# The second line of `times` is about the processes that the shell has run: user and system, as 0m1.234s. In a pipe it
# would be about those of a subshell.
spent=$(mktemp)
times >"$spent"
awk -v count="$count" '
    function seconds(text) { split(text, part, /[ms]/); return part[1] * 60 + part[2] }
    NR == 2 { printf "%.2f 0\n", (seconds($1) + seconds($2)) / count * 1e6 }' "$spent"
rm "$spent"
