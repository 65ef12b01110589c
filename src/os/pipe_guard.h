/* Keeps SIGPIPE from the host: TLS back ends may write to a dead connection without MSG_NOSIGNAL. Pure C. */
#ifndef OH_PIPE_GUARD_H
#define OH_PIPE_GUARD_H

#include <signal.h>
#include <stdbool.h>

struct oh_pipe_guard {
    bool active;
    bool was_pending;
    sigset_t before;
};

/* Blocks the signal in this thread; does nothing unless `needed`. */
void oh_pipe_guard_enter(struct oh_pipe_guard *guard, bool needed);
/* Swallows one that came meanwhile, and lets the signal through again. */
void oh_pipe_guard_leave(const struct oh_pipe_guard *guard);

#endif
