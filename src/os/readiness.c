/* One descriptor for many sockets and a timer. Must not know Lua or libcurl. */
#define _GNU_SOURCE
#include "os/readiness.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

double oh_monotonic(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void oh_readiness_sleep(struct pollfd *watched, size_t count, double seconds)
{
    int milliseconds = (int)(seconds * 1000 + 0.999); /* rounded up: if it ended early, callers would spin */

    if (poll(watched, (nfds_t)count, milliseconds) < 0 && errno != EINTR) /* more descriptors than the system takes */
        (void)poll(NULL, 0, milliseconds < 10 ? milliseconds : 10);
}

#ifdef OH_READINESS_EPOLL

#include <sys/epoll.h>
#include <sys/timerfd.h>

bool oh_readiness_open(struct oh_readiness *readiness)
{
    struct epoll_event event;

    readiness->timer = -1;
    readiness->descriptor = epoll_create1(EPOLL_CLOEXEC);
    if (readiness->descriptor < 0)
        return false;
    readiness->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    memset(&event, 0, sizeof event);
    event.events = EPOLLIN;
    event.data.fd = readiness->timer;
    if (readiness->timer < 0 || epoll_ctl(readiness->descriptor, EPOLL_CTL_ADD, readiness->timer, &event) != 0) {
        oh_readiness_close(readiness);
        return false;
    }
    return true;
}

void oh_readiness_close(struct oh_readiness *readiness)
{
    if (readiness->timer >= 0)
        close(readiness->timer);
    if (readiness->descriptor >= 0)
        close(readiness->descriptor);
    readiness->timer = -1;
    readiness->descriptor = -1;
}

bool oh_readiness_watch(struct oh_readiness *readiness, int socket, int what, bool is_watched)
{
    struct epoll_event event;

    memset(&event, 0, sizeof event);
    event.data.fd = socket;
    if (what == 0) {
        /* If the socket is closed already, the kernel has removed it by itself. */
        (void)epoll_ctl(readiness->descriptor, EPOLL_CTL_DEL, socket, &event);
        return true;
    }
    if (what & OH_READABLE)
        event.events |= EPOLLIN;
    if (what & OH_WRITABLE)
        event.events |= EPOLLOUT;
    if (is_watched && epoll_ctl(readiness->descriptor, EPOLL_CTL_MOD, socket, &event) == 0)
        return true;
    if (epoll_ctl(readiness->descriptor, EPOLL_CTL_ADD, socket, &event) == 0)
        return true;
    return errno == EEXIST && epoll_ctl(readiness->descriptor, EPOLL_CTL_MOD, socket, &event) == 0;
}

bool oh_readiness_arm(struct oh_readiness *readiness, double seconds)
{
    struct itimerspec when;

    memset(&when, 0, sizeof when);
    if (seconds >= 0) {
        when.it_value.tv_sec = (time_t)seconds;
        when.it_value.tv_nsec = (long)((seconds - (double)when.it_value.tv_sec) * 1e9);
        if (when.it_value.tv_sec == 0 && when.it_value.tv_nsec == 0)
            when.it_value.tv_nsec = 1; /* all zero would disarm it */
    }
    return timerfd_settime(readiness->timer, 0, &when, NULL) == 0;
}

int oh_readiness_wait(struct oh_readiness *readiness, double seconds, struct oh_ready ready[OH_READY_MOST])
{
    struct epoll_event events[OH_READY_MOST];
    int i, found, count = 0;

    found = epoll_wait(readiness->descriptor, events, OH_READY_MOST, (int)(seconds * 1000 + 0.999));
    if (found < 0)
        return errno == EINTR ? -1 : 0;
    for (i = 0; i < found; i++) {
        if (events[i].data.fd == readiness->timer) {
            uint64_t expirations;
            ssize_t ignored = read(readiness->timer, &expirations, sizeof expirations);
            (void)ignored; /* the caller knows what is due */
            continue;
        }
        ready[count].socket = events[i].data.fd;
        ready[count].what = ((events[i].events & EPOLLIN) ? OH_READABLE : 0) |
                            ((events[i].events & EPOLLOUT) ? OH_WRITABLE : 0) |
                            ((events[i].events & (EPOLLERR | EPOLLHUP)) ? OH_BROKEN : 0);
        count++;
    }
    return count;
}

#elif defined(OH_READINESS_KQUEUE)

#include <fcntl.h>
#include <sys/event.h>
#include <sys/types.h>

bool oh_readiness_open(struct oh_readiness *readiness)
{
    readiness->timer = -1;
    readiness->descriptor = kqueue();
    if (readiness->descriptor < 0)
        return false;
    (void)fcntl(readiness->descriptor, F_SETFD, FD_CLOEXEC);
    return true;
}

void oh_readiness_close(struct oh_readiness *readiness)
{
    if (readiness->descriptor >= 0)
        close(readiness->descriptor);
    readiness->descriptor = -1;
}

static bool change(struct oh_readiness *readiness, uintptr_t ident, short filter, unsigned short flags, long data)
{
    struct kevent event;

    EV_SET(&event, ident, filter, flags, 0, data, 0);
    return kevent(readiness->descriptor, &event, 1, NULL, 0, NULL) == 0;
}

bool oh_readiness_watch(struct oh_readiness *readiness, int socket, int what, bool is_watched)
{
    uintptr_t ident = (uintptr_t)socket;
    bool readable = true, writable = true;

    (void)is_watched; /* here it makes no difference */
    if (what & OH_READABLE)
        readable = change(readiness, ident, EVFILT_READ, EV_ADD, 0);
    else
        (void)change(readiness, ident, EVFILT_READ, EV_DELETE, 0);
    if (what & OH_WRITABLE)
        writable = change(readiness, ident, EVFILT_WRITE, EV_ADD, 0);
    else
        (void)change(readiness, ident, EVFILT_WRITE, EV_DELETE, 0);
    return readable && writable;
}

bool oh_readiness_arm(struct oh_readiness *readiness, double seconds)
{
    if (seconds < 0) {
        (void)change(readiness, 1, EVFILT_TIMER, EV_DELETE, 0);
        return true;
    }
    return change(readiness, 1, EVFILT_TIMER, EV_ADD | EV_ONESHOT, (long)(seconds * 1000 + 0.999));
}

int oh_readiness_wait(struct oh_readiness *readiness, double seconds, struct oh_ready ready[OH_READY_MOST])
{
    struct kevent events[OH_READY_MOST];
    struct timespec limit;
    int i, found, count = 0;

    limit.tv_sec = (time_t)seconds;
    limit.tv_nsec = (long)((seconds - (double)limit.tv_sec) * 1e9);
    found = kevent(readiness->descriptor, NULL, 0, events, OH_READY_MOST, &limit);
    if (found < 0)
        return errno == EINTR ? -1 : 0;
    for (i = 0; i < found; i++) {
        if (events[i].filter == EVFILT_TIMER)
            continue;
        ready[count].socket = (int)events[i].ident;
        ready[count].what = (events[i].filter == EVFILT_READ ? OH_READABLE : OH_WRITABLE) |
                            ((events[i].flags & EV_ERROR) ? OH_BROKEN : 0);
        count++;
    }
    return count;
}

#else /* OH_READINESS_NONE: libcurl polls the multi handle itself */

bool oh_readiness_open(struct oh_readiness *readiness)
{
    readiness->timer = -1;
    readiness->descriptor = -1;
    return true;
}

void oh_readiness_close(struct oh_readiness *readiness)
{
    (void)readiness;
}

bool oh_readiness_watch(struct oh_readiness *readiness, int socket, int what, bool is_watched)
{
    (void)readiness;
    (void)socket;
    (void)what;
    (void)is_watched;
    return true;
}

bool oh_readiness_arm(struct oh_readiness *readiness, double seconds)
{
    (void)readiness;
    (void)seconds;
    return true;
}

int oh_readiness_wait(struct oh_readiness *readiness, double seconds, struct oh_ready ready[OH_READY_MOST])
{
    (void)readiness;
    (void)seconds;
    (void)ready;
    return 0;
}

#endif
