/* The exchanges of one client: a libcurl multi handle behind one pollable descriptor. multi.c owns the exchanges and
   their queues, multi_start.c hands them to libcurl, multi_step.c waits and lets libcurl work. Knows libcurl, must not
   know Lua. */
#ifndef OH_MULTI_H
#define OH_MULTI_H

#include <stdbool.h>
#include <stdint.h>

#include "http/connections.h"
#include "http/exchange.h"
#include "http/exchange_queue.h"
#include "http/origin.h"
#include "os/readiness.h"

#define OH_LONGEST_STEP 0.1   /* seconds: the host's signal handlers run only between steps */
#define OH_TIMEOUT_SLACK 0.02 /* seconds that libcurl may be late with its own timeout */

struct oh_multi {
    void *handle;             /* CURLM; NULL while nothing has been sent through libcurl */
    struct oh_origin *origin; /* borrowed from the client */
    struct oh_readiness readiness;
    double timer_at;          /* monotonic time of libcurl's timer; below 0: none */
    double prepared_at;       /* monotonic time at which the exchange in `building` was made */
    double overdue_at;        /* no exchange in flight is overdue before this monotonic time; below 0: none will be */
    double alarm_at;          /* monotonic time of the caller's alarm (oh_multi_alarm); below 0: none */
    bool watched;             /* the host polls the descriptor */
    bool external;            /* the caller performs the exchanges, not libcurl */
    bool secure;              /* some exchange has used TLS, whose library may raise SIGPIPE */
    bool is_stepping;         /* a step is running: it must not be closed or stepped */
    uint64_t last_number;
    size_t most_sent, most_received; /* bytes of a request, of a response */
    size_t most_connections;  /* to a host, for reads; 0: the default */
    size_t idle_count[OH_PLAIN_KINDS];
    size_t unfinished_count;  /* exchanges in `outgoing` and `in_flight` */
    size_t most_unfinished;   /* at the same time, since `busy_since` */
    size_t most_before;       /* the same, of the time before */
    double busy_since;        /* monotonic time */
    size_t dedicated_count;   /* exchanges in libcurl that have a connection of their own */
    size_t sharing_count;     /* exchanges in libcurl that share the connections to the service */
    bool speaks_http1;        /* the service has answered the last exchange that shares connections by HTTP/1 */
    struct oh_connections connections;
    /* building: at most one, which the caller fills; outgoing: those that wait for a connection, or that the external
       transport has not taken yet;
       idle: finished plain exchanges, by kind, kept for their warm handles */
    struct oh_queue building, outgoing, in_flight, done, idle[OH_PLAIN_KINDS];
};

/* Makes it empty; opens nothing. */
void oh_multi_init(struct oh_multi *multi, struct oh_origin *origin);
/* Returns an empty exchange in `building`, so that it is owned before it is filled. Frees an exchange that was left
   there. `plain`: its kind; the request that the caller fills in must be of this kind. It may get a warm handle of this
   kind, because a new handle costs more than the call itself. NULL: out of memory. */
struct oh_exchange *oh_multi_prepare(struct oh_multi *multi, enum oh_plain plain);
/* Frees the exchange in `building`, if there is one. */
void oh_multi_discard(struct oh_multi *multi);
/* Sends a prepared exchange and gives it a number. False: out of memory or no descriptor; it stays in `building`. */
bool oh_multi_submit(struct oh_multi *multi, struct oh_exchange *exchange);
/* Cancels an exchange that has not finished, and moves it to `done`. False: no unfinished exchange has this number. */
bool oh_multi_cancel(struct oh_multi *multi, uint64_t number);
/* Returns the first finished exchange, or NULL: the oldest, unless it was postponed. It stays until it is released. */
struct oh_exchange *oh_multi_done(struct oh_multi *multi);
/* Makes a finished exchange the last of those that have finished. */
void oh_multi_postpone(struct oh_multi *multi, struct oh_exchange *exchange);
/* Frees a finished exchange, or keeps its warm handle in `idle`. */
void oh_multi_release(struct oh_multi *multi, struct oh_exchange *exchange);
/* Returns the unfinished exchange with this number, NULL if there is none; not one that the external transport has not
   taken yet. */
struct oh_exchange *oh_multi_find(struct oh_multi *multi, uint64_t number);
/* Returns the finished exchange with this number, NULL if there is none. */
struct oh_exchange *oh_multi_find_done(struct oh_multi *multi, uint64_t number);
/* Moves an exchange from `outgoing` to `in_flight`: the external transport has taken it. */
void oh_multi_fetch(struct oh_multi *multi, struct oh_exchange *exchange);
/* Moves an exchange in flight, whose response is filled, to `done`. */
void oh_multi_finish(struct oh_multi *multi, struct oh_exchange *exchange);
/* Removes an exchange in flight from libcurl, if it was started, and ends it with OH_RESULT_CANCELLED,
   OH_RESULT_TIMEOUT or OH_RESULT_MEMORY. */
void oh_multi_give_up(struct oh_multi *multi, struct oh_exchange *exchange, enum oh_result result);
/* Returns whether it has opened nothing and has nothing to do: then a forked child may use it. */
bool oh_multi_is_untouched(const struct oh_multi *multi);
/* Frees all exchanges, whatever their state, and closes the connections and descriptors. Idempotent. */
void oh_multi_close(struct oh_multi *multi);
/* Forgets everything without freeing or closing it: in a forked child it still belongs to the parent. */
void oh_multi_abandon(struct oh_multi *multi);

/* ---- starting (multi_start.c) */

/* Sets libcurl's limit of connections to a host. */
void oh_multi_limit_connections(struct oh_multi *multi);
/* Returns whether an exchange has to wait in `outgoing` until a connection is free. */
bool oh_multi_must_wait(const struct oh_multi *multi, const struct oh_exchange *exchange);
/* Hands a configured exchange to libcurl; false when out of memory. */
bool oh_multi_start(struct oh_multi *multi, struct oh_exchange *exchange);
/* Notes that libcurl does not have an exchange any more. */
void oh_multi_note_end(struct oh_multi *multi, struct oh_exchange *exchange);
/* Starts those in `outgoing` for which there are connections, the oldest first. Must be called whenever exchanges have
   ended. */
void oh_multi_start_waiting(struct oh_multi *multi);
/* Notes from the response of an exchange whether the service speaks HTTP/2. */
void oh_multi_note_version(struct oh_multi *multi, const struct oh_exchange *exchange);

/* ---- waiting (multi_step.c) */

/* Waits at most `seconds` (never more than OH_LONGEST_STEP) and lets libcurl work. Calls no code of the host. */
void oh_multi_step(struct oh_multi *multi, double seconds);
/* Returns the descriptor to poll for reading, -1 if there is none. */
int oh_multi_descriptor(struct oh_multi *multi);
/* Makes the descriptor readable when the next step is due. Does nothing unless the host watches it, because it
   costs a system call. */
void oh_multi_arm(struct oh_multi *multi);
/* Returns the seconds until the next step is due even if the descriptor stays quiet; below 0: never. */
double oh_multi_timeout(struct oh_multi *multi);
/* Makes the descriptor readable once, in `seconds`; replaces an earlier alarm. Below 0: never. */
void oh_multi_alarm(struct oh_multi *multi, double seconds);
/* Lowers `seconds`, for which the caller will sleep, to the time until the next step is due. Returns the descriptor to
   watch meanwhile, or -1. For a sleep over several clients. */
int oh_multi_limit_sleep(struct oh_multi *multi, double *seconds);

#endif
