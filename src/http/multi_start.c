/* Starts exchanges: hands them to libcurl, at once or when a connection is free. Each time that a transfer ends, libcurl
   looks at all that wait for a connection, which takes seconds if there are thousands. So over HTTP/1 it gets only as
   many as there are connections, and the others wait in `outgoing`. Over HTTP/2 exchanges share connections, and none
   waits. Must not know Lua. */
#include "http/multi.h"

#include <curl/curl.h>

#include "os/pipe_guard.h"

/* Connections to one host for reads, by default; HTTP/2 streams share them. A service that is reached by http is on this
   machine, where a connection costs little, and has no use for HTTP/2's sharing. */
#define MOST_CONNECTIONS 10
#define MOST_LOCAL_CONNECTIONS 100

/* Returns whether an exchange is counted as one with a connection of its own: one that is sent at most once gets its
   own, and a download may occupy a connection for an hour. */
static bool uses_own_connection(const struct oh_exchange *exchange)
{
    return exchange->is_sent_once || exchange->download != NULL;
}

/* Returns whether an exchange shares the connections to the service with others. */
static bool shares_connections(const struct oh_exchange *exchange)
{
    return !uses_own_connection(exchange) && exchange->server == NULL;
}

/* Returns whether exchanges may share one connection at the same time: until a response shows that they cannot, this
   is assumed of https. */
static bool may_multiplex(const struct oh_multi *multi)
{
    return multi->origin->secure && !multi->speaks_http1;
}

static size_t most_connections(const struct oh_multi *multi)
{
    if (multi->most_connections > 0)
        return multi->most_connections;
    return multi->origin->secure ? MOST_CONNECTIONS : MOST_LOCAL_CONNECTIONS;
}

static bool has_room(const struct oh_multi *multi)
{
    return may_multiplex(multi) || multi->sharing_count < most_connections(multi);
}

bool oh_multi_must_wait(const struct oh_multi *multi, const struct oh_exchange *exchange)
{
    return shares_connections(exchange) && (multi->outgoing.first != NULL || !has_room(multi));
}

/* Raises the limit by one for each exchange with a connection of its own: reads must not queue behind these. */
void oh_multi_limit_connections(struct oh_multi *multi)
{
    (void)curl_multi_setopt(multi->handle, CURLMOPT_MAX_HOST_CONNECTIONS,
                            (long)(most_connections(multi) + multi->dedicated_count));
}

/* Counts an exchange that starts (1) or has ended (-1). */
static void count(struct oh_multi *multi, const struct oh_exchange *exchange, int change)
{
    if (shares_connections(exchange))
        multi->sharing_count += (size_t)change;
    if (!uses_own_connection(exchange))
        return;
    multi->dedicated_count += (size_t)change;
    oh_multi_limit_connections(multi);
}

bool oh_multi_start(struct oh_multi *multi, struct oh_exchange *exchange)
{
    struct oh_pipe_guard guard;

    count(multi, exchange, 1);
    oh_pipe_guard_enter(&guard, multi->secure);
    exchange->is_started = curl_multi_add_handle(multi->handle, exchange->easy) == CURLM_OK;
    oh_pipe_guard_leave(&guard);
    if (!exchange->is_started)
        count(multi, exchange, -1);
    return exchange->is_started;
}

void oh_multi_note_end(struct oh_multi *multi, struct oh_exchange *exchange)
{
    if (exchange->is_started)
        count(multi, exchange, -1);
    exchange->is_started = false;
}

void oh_multi_start_waiting(struct oh_multi *multi)
{
    struct oh_exchange *exchange;

    while (!multi->external && (exchange = multi->outgoing.first) != NULL && has_room(multi)) {
        double left = exchange->overdue_at - OH_TIMEOUT_SLACK - oh_monotonic();
        oh_queue_unlink(&multi->outgoing, exchange);
        oh_queue_push(&multi->in_flight, exchange);
        if (left <= 0)
            oh_multi_give_up(multi, exchange, OH_RESULT_TIMEOUT);
        else if (!oh_exchange_set_timeout(exchange, left) || !oh_multi_start(multi, exchange))
            oh_multi_give_up(multi, exchange, OH_RESULT_MEMORY);
    }
}

/* Takes back the exchanges for which libcurl has no connection: they have not opened one, and not begun. One that was
   refused its connection has ended for libcurl, and is tried again on a fresh one. */
static void take_back(struct oh_multi *multi)
{
    struct oh_exchange *exchange, *next;

    for (exchange = multi->in_flight.first; exchange != NULL && !has_room(multi); exchange = next) {
        next = exchange->next;
        if (!shares_connections(exchange) || exchange->own_request_begun || exchange->opened >= 0 ||
            exchange->attempts > 0 || exchange->is_stale || exchange->header_bytes > 0 ||
            curl_multi_remove_handle(multi->handle, exchange->easy) != CURLM_OK)
            continue;
        oh_multi_note_end(multi, exchange);
        oh_queue_unlink(&multi->in_flight, exchange);
        oh_queue_push(&multi->outgoing, exchange);
    }
}

void oh_multi_note_version(struct oh_multi *multi, const struct oh_exchange *exchange)
{
    if (!shares_connections(exchange) || exchange->header_bytes == 0)
        return;
    if (!exchange->headers.is_multiplexed && may_multiplex(multi)) {
        multi->speaks_http1 = true;
        take_back(multi);
    }
    multi->speaks_http1 = !exchange->headers.is_multiplexed;
}
