/* All exchanges of one client: libcurl's multi handle folded into one pollable descriptor.
   HTTP layer: knows libcurl, never Lua. Owns every exchange, handle and descriptor. */
#ifndef OH_MULTI_H
#define OH_MULTI_H

#include <stdbool.h>
#include <stdint.h>

#include "http/connections.h"
#include "http/exchange.h"
#include "http/origin.h"
#include "http/queue.h"
#include "os/readiness.h"

#define OH_LONGEST_STEP 0.1 /* seconds: a signal handler of the host must get its turn */

#define OH_LATITUDE 0.02    /* seconds that libcurl may be late with a timeout of its own */

struct oh_multi {
    void *handle;                 /* CURLM; NULL while nothing has been sent through libcurl */
    struct oh_origin *origin;     /* borrowed from the client */
    struct oh_readiness readiness;
    double timer;                 /* monotonic moment libcurl asked for, below 0: none */
    double prepared_at;           /* when the exchange in building was begun */
    double overdue_at;            /* no exchange in flight is overdue before this monotonic moment; below 0: none is */
    double alarm;                 /* monotonic moment at which the caller wants to be woken, below 0: none */
    bool watched;                 /* somebody outside polls the descriptor */
    bool external;                /* exchanges are carried by the caller, not by libcurl */
    bool secure;                  /* some exchange has used TLS: its back end may raise SIGPIPE */
    bool inside;                  /* within step: nothing may close or step */
    uint64_t last_number;
    size_t most_sent, most_received; /* bytes of a request, of an answer */
    size_t idle_count, flying_count, apart_count;
    struct oh_connections connections;
    struct oh_queue building, outgoing, flying, done, idle;
};

void oh_multi_init(struct oh_multi *multi, struct oh_origin *origin);
/* An empty exchange in `building`, owned before it is filled; frees one that was left there half-made. `plain`: a GET
   for JSON with the origin's own credentials and nothing else; it may get a warm handle, since making one costs more
   than the call. */
struct oh_exchange *oh_multi_prepare(struct oh_multi *multi, bool plain);
/* Frees what was prepared and not submitted. */
void oh_multi_discard(struct oh_multi *multi);
/* Sends a prepared exchange on its way and numbers it. False: out of memory or no descriptor; it stays in building. */
bool oh_multi_submit(struct oh_multi *multi, struct oh_exchange *exchange);
/* Moves everything on, waiting at most so many seconds (never above OH_LONGEST_STEP). Calls no foreign code. */
void oh_multi_step(struct oh_multi *multi, double seconds);
/* The oldest finished exchange, or NULL; it stays until released. */
struct oh_exchange *oh_multi_done(struct oh_multi *multi);
void oh_multi_release(struct oh_multi *multi, struct oh_exchange *exchange);
/* Ends an exchange that has not finished; it comes out of done as cancelled. False: no such number. */
bool oh_multi_cancel(struct oh_multi *multi, uint64_t number);
/* External carriers: the one at the head of `outgoing` goes to flying; one by its number; its end. */
void oh_multi_fetch(struct oh_multi *multi, struct oh_exchange *exchange);
struct oh_exchange *oh_multi_find(struct oh_multi *multi, uint64_t number);
void oh_multi_finish(struct oh_multi *multi, struct oh_exchange *exchange);
/* Takes what libcurl has finished; some of it begins once more. */
void oh_multi_collect(struct oh_multi *multi);
/* Takes an exchange out of libcurl's hands before its end. */
void oh_multi_give_up(struct oh_multi *multi, struct oh_exchange *exchange, enum oh_result result);
/* Gives up those whose time is over. */
void oh_multi_end_overdue(struct oh_multi *multi);
/* The earlier of two moments, of which those below 0 never come. */
double oh_earlier(double a, double b);
/* The descriptor to poll for reading, -1 where there is none. */
int oh_multi_descriptor(struct oh_multi *multi);
/* Seconds until step wants to be called even if the descriptor stays quiet; below 0: never. */
double oh_multi_timeout(struct oh_multi *multi);
/* Lets whoever watches the descriptor wake up in so many seconds, once, in place of an earlier wish; below 0: never. */
void oh_multi_alarm(struct oh_multi *multi, double seconds);
/* For whoever sleeps for several: lowers `seconds` to when step is due. Returns the descriptor to watch too, or -1. */
int oh_multi_limit_sleep(const struct oh_multi *multi, double *seconds);
/* Whether it has opened nothing and has nothing to do: then a forked child may have it. */
bool oh_multi_is_untouched(const struct oh_multi *multi);
/* Ends everything. Idempotent. */
void oh_multi_close(struct oh_multi *multi);
/* In a forked child: forgets everything without touching it, since it still belongs to the parent. */
void oh_multi_abandon(struct oh_multi *multi);

#endif
