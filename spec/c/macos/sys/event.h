/* The declarations of kqueue that src/os/readiness.c needs, to check on Linux that its part for macOS and BSD compiles.
   They are those of the manual page kqueue(2); the library is never linked with them. */
#ifndef SYS_EVENT_H
#define SYS_EVENT_H

#include <stdint.h>
#include <time.h>

struct kevent {
    uintptr_t ident;
    int16_t filter;
    uint16_t flags;
    uint32_t fflags;
    intptr_t data;
    void *udata;
};

enum { EVFILT_READ = -1, EVFILT_WRITE = -2, EVFILT_TIMER = -7 };
enum { EV_ADD = 0x1, EV_DELETE = 0x2, EV_ONESHOT = 0x10, EV_ERROR = 0x4000 };

#define EV_SET(event, i, f, fl, ff, d, u)                                                                              \
    ((event)->ident = (i), (event)->filter = (f), (event)->flags = (fl), (event)->fflags = (ff), (event)->data = (d), \
     (event)->udata = (u))

int kqueue(void);
int kevent(int queue, const struct kevent *changes, int change_count, struct kevent *events, int event_count,
           const struct timespec *timeout);

#endif
