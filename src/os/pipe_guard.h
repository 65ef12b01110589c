/* Keeps SIGPIPE from the host: TLS libraries may write to a dead connection without MSG_NOSIGNAL. Must not know Lua or
   libcurl. */
#ifndef OH_PIPE_GUARD_H
#define OH_PIPE_GUARD_H

#include <signal.h>
#include <stdbool.h>

struct oh_pipe_guard {
    bool active;
    bool was_pending;
    sigset_t before;
};

/* Blocks the signal in this thread, if `needed`. */
void oh_pipe_guard_enter(struct oh_pipe_guard *guard, bool needed);
/* Discards a SIGPIPE that came since oh_pipe_guard_enter, and restores the signal mask. */
void oh_pipe_guard_leave(const struct oh_pipe_guard *guard);

#endif
