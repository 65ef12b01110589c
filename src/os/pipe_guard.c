/* Keeps SIGPIPE from the host. Must not know Lua or libcurl. */
#define _GNU_SOURCE
#include "os/pipe_guard.h"

#include <stddef.h>
#include <time.h>

void oh_pipe_guard_enter(struct oh_pipe_guard *guard, bool needed)
{
    sigset_t pipe, pending;

    guard->active = needed;
    if (!guard->active)
        return;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    sigpending(&pending);
    guard->was_pending = sigismember(&pending, SIGPIPE) == 1;
    guard->active = pthread_sigmask(SIG_BLOCK, &pipe, &guard->before) == 0;
}

static void discard(const sigset_t *signals)
{
#ifdef __APPLE__
    int taken;

    (void)sigwait(signals, &taken);
#else
    const struct timespec no_time = {0, 0};

    (void)sigtimedwait(signals, NULL, &no_time);
#endif
}

void oh_pipe_guard_leave(const struct oh_pipe_guard *guard)
{
    sigset_t pipe, pending;

    if (!guard->active)
        return;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    sigpending(&pending);
    if (!guard->was_pending && sigismember(&pending, SIGPIPE) == 1)
        discard(&pipe); /* raised since oh_pipe_guard_enter */
    (void)pthread_sigmask(SIG_SETMASK, &guard->before, NULL);
}
