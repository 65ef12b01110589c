/* One descriptor that is readable when any of many sockets, or a timer, is ready: epoll and timerfd on Linux, kqueue on
   BSD and macOS. Other systems have no such descriptor: there only oh_readiness_sleep and oh_monotonic work. Must not
   know Lua or libcurl. */
#ifndef OH_READINESS_H
#define OH_READINESS_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#if defined(OH_READINESS_KQUEUE) || defined(OH_READINESS_NONE) /* chosen by the builder, to test it on Linux */
#elif defined(__linux__)
#define OH_READINESS_EPOLL 1
#elif defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__) || \
    defined(__DragonFly__)
#define OH_READINESS_KQUEUE 1
#else
#define OH_READINESS_NONE 1
#endif

enum { OH_READABLE = 1, OH_WRITABLE = 2, OH_BROKEN = 4 };

#define OH_READY_MOST 64 /* entries that one wait can return */

struct oh_ready {
    int socket;
    int what; /* the flags above */
};

struct oh_readiness {
    int descriptor; /* -1 while closed */
    int timer;      /* timerfd; -1 while closed, and on systems whose descriptor has timers */
};

/* Opens the descriptors. Returns false, with nothing left open, when the system refuses one. Other systems: returns
   true and leaves `descriptor` at -1. */
bool oh_readiness_open(struct oh_readiness *readiness);
/* Closes the descriptors, if they are open. */
void oh_readiness_close(struct oh_readiness *readiness);
/* Watches a socket for the flags in `what`; 0 stops watching it, even if it is closed already. `is_watched`: whether it
   is probably watched already, for other flags; a wrong guess costs a system call. False: the system refuses it. */
bool oh_readiness_watch(struct oh_readiness *readiness, int socket, int what, bool is_watched);
/* Makes the descriptor readable after `seconds`; below 0: never. Only needed while the host polls the descriptor.
   False: the system refuses it. */
bool oh_readiness_arm(struct oh_readiness *readiness, double seconds);
/* Waits at most `seconds`. Returns how many entries of `ready` it filled, -1 if a signal came first. */
int oh_readiness_wait(struct oh_readiness *readiness, double seconds, struct oh_ready ready[OH_READY_MOST]);

/* Sleeps until one of the descriptors is ready, the seconds are over, or a signal comes. If these are more descriptors
   than the system takes, it watches none and sleeps at most 10 ms. */
void oh_readiness_sleep(struct pollfd *watched, size_t count, double seconds);

/* Returns the time, in seconds, of a clock that never jumps. */
double oh_monotonic(void);

#endif
