#!/bin/sh
# Answers every call with mutated responses (spec/fuzz), and closes with `N passed, N failed`.
#   fuzz.sh [LUA]           default: lua5.4
# FUZZ_SECONDS in the environment: how long, 60 by default; SEED: the first case. `make fuzz SECONDS=0 SEED=n` repeats
# one case.
set -u
cd "$(dirname "$0")/.." || exit
lua=${1:-lua5.4}
tools/setup.sh test "$lua" || exit
. tools/environment.sh
environment=$(${MAKE:-make} -s --no-print-directory LUA="$lua" env) || exit
eval "$environment"
seconds=${FUZZ_SECONDS:-60}
# A call that never returns is ended from outside.
timeout --foreground -k 5 $((seconds + 120)) "$lua" spec/fuzz/run.lua "$seconds" ${SEED:+"$SEED"}
status=$?
if [ $status -gt 1 ]; then
    echo "ended with status $status: a case did not return"
    echo "0 passed, 1 failed"
fi
exit $status
