/* One descriptor that is readable when any of many sockets, or a timer, wants attention.
   epoll and timerfd on Linux, kqueue on BSD and macOS, absent elsewhere. Knows neither Lua nor libcurl. */
#ifndef OH_READINESS_H
#define OH_READINESS_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#if defined(__linux__)
#define OH_READINESS_EPOLL 1
#elif defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__) || \
    defined(__DragonFly__)
#define OH_READINESS_KQUEUE 1
#else
#define OH_READINESS_NONE 1
#endif

enum { OH_READABLE = 1, OH_WRITABLE = 2, OH_BROKEN = 4 };

#define OH_READY_MOST 64 /* entries that one wait can give */

struct oh_ready {
    int socket;
    int what; /* of the flags above */
};

struct oh_readiness {
    int descriptor; /* -1 while closed */
    int timer;      /* timerfd, -1 where the descriptor has its own timers */
};

/* False when the system gives no descriptor; what was acquired is then released. */
bool oh_readiness_open(struct oh_readiness *readiness);
void oh_readiness_close(struct oh_readiness *readiness);
/* Watches a socket for `what`; 0 forgets it, also one that is closed already. */
bool oh_readiness_watch(struct oh_readiness *readiness, int socket, int what);
/* Makes the descriptor readable in so many seconds; below 0: never. Only needed while somebody outside watches it. */
bool oh_readiness_arm(struct oh_readiness *readiness, double seconds);
/* Waits at most so many seconds. Returns how many entries of `ready` were filled, -1 if a signal came first. */
int oh_readiness_wait(struct oh_readiness *readiness, double seconds, struct oh_ready ready[OH_READY_MOST]);

/* Sleeps until one of the descriptors is ready, so many seconds are over, or a signal came. */
void oh_readiness_sleep(struct pollfd *watched, size_t count, double seconds);

/* Seconds on a clock that never jumps. */
double oh_monotonic(void);

#endif
