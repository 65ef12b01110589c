/* Drives the exchanges of one client: waits for sockets and timers, lets libcurl work, collects finished exchanges,
   and tells when the next step is due. Must not know Lua. */
#include "http/multi.h"

#include <curl/curl.h>
#include <poll.h>

#include "os/pipe_guard.h"

#define LONGEST_BLIND_SLEEP 0.01 /* seconds to sleep at most if no descriptor shows that something has happened */

/* ---- when the next step is due --------------------------------------------------------------------------------- */

static double earlier(double a, double b)
{
    if (a < 0 || b < 0)
        return a < 0 ? b : a;
    return a < b ? a : b;
}

/* Returns the seconds until something is due even if no socket becomes ready; below 0: never. */
static double seconds_until_due(const struct oh_multi *multi)
{
    double due = earlier(earlier(multi->timer_at, multi->overdue_at), multi->alarm_at), left;

    if (multi->done.first != NULL || (multi->external && multi->outgoing.first != NULL))
        return 0;
    if (due < 0)
        return -1;
    left = due - oh_monotonic();
    return left > 0 ? left : 0;
}

/* Ends the watch of the resting connections while no exchange needs them: one that its peer closes would make the
   descriptor readable. */
static void end_rest(struct oh_multi *multi)
{
    if (multi->unfinished_count == 0 && multi->connections.resting > 0)
        oh_connections_end_rest(&multi->connections);
}

void oh_multi_arm(struct oh_multi *multi)
{
    if (multi->watched)
        end_rest(multi);
    if (multi->watched && multi->readiness.descriptor >= 0)
        (void)oh_readiness_arm(&multi->readiness, seconds_until_due(multi));
}

int oh_multi_descriptor(struct oh_multi *multi)
{
    if (multi->readiness.descriptor < 0 && !oh_readiness_open(&multi->readiness))
        return -1;
    multi->watched = true;
    oh_multi_arm(multi);
    return multi->readiness.descriptor;
}

void oh_multi_alarm(struct oh_multi *multi, double seconds)
{
    multi->alarm_at = seconds < 0 ? -1 : oh_monotonic() + seconds;
    oh_multi_arm(multi);
}

double oh_multi_timeout(struct oh_multi *multi)
{
    return seconds_until_due(multi);
}

int oh_multi_limit_sleep(struct oh_multi *multi, double *seconds)
{
    bool is_blind = multi->external || multi->readiness.descriptor < 0;
    double due = earlier(seconds_until_due(multi), is_blind && multi->unfinished_count > 0 ? LONGEST_BLIND_SLEEP : -1);

    end_rest(multi);
    if (due >= 0 && due < *seconds)
        *seconds = due;
    return multi->readiness.descriptor;
}

/* ---- finished exchanges ---------------------------------------------------------------------------------------- */

/* Ends the overdue exchanges of a queue. Returns when the next one may be overdue. */
static double end_overdue_of(struct oh_multi *multi, struct oh_queue *queue, double now)
{
    struct oh_exchange *exchange = queue->first, *next;
    double nearest = -1;

    for (; exchange != NULL; exchange = next) {
        next = exchange->next;
        if (exchange->overdue_at > now) {
            nearest = earlier(nearest, exchange->overdue_at);
            continue;
        }
        oh_queue_unlink(queue, exchange);
        oh_queue_push(&multi->in_flight, exchange);
        oh_multi_give_up(multi, exchange, OH_RESULT_TIMEOUT);
    }
    return nearest;
}

/* Ends overdue exchanges: libcurl does not apply timeouts to those that wait for a connection. Checks the exchanges
   only when one may be overdue, and then notes when the next one may be. */
static void end_overdue(struct oh_multi *multi)
{
    double now;

    if (multi->overdue_at < 0 || (now = oh_monotonic()) < multi->overdue_at)
        return;
    multi->overdue_at =
        earlier(end_overdue_of(multi, &multi->outgoing, now), end_overdue_of(multi, &multi->in_flight, now));
    oh_multi_start_waiting(multi);
}

static const struct oh_origin *origin_of(const struct oh_multi *multi, const struct oh_exchange *exchange)
{
    return exchange->server != NULL ? exchange->server : multi->origin;
}

/* Hands an exchange to libcurl once more if that is safe and another attempt may succeed. */
static bool try_again(struct oh_multi *multi, struct oh_exchange *exchange, CURLcode result)
{
    double left = exchange->overdue_at - OH_TIMEOUT_SLACK - oh_monotonic();

    return oh_exchange_try_again(exchange, origin_of(multi, exchange), (int)result, left) &&
           curl_multi_remove_handle(multi->handle, exchange->easy) == CURLM_OK &&
           curl_multi_add_handle(multi->handle, exchange->easy) == CURLM_OK;
}

static void conclude(struct oh_multi *multi, struct oh_exchange *exchange, CURLcode result)
{
    oh_exchange_conclude(exchange, origin_of(multi, exchange), (int)result);
    oh_multi_note_version(multi, exchange);
    if (exchange->trust_was_switched && exchange->response.result == OH_RESULT_ANSWERED)
        multi->origin->prefers_bundle = exchange->trusts_bundle;
}

static void collect(struct oh_multi *multi)
{
    struct oh_exchange *exchange;
    char *context;
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(multi->handle, &left)) != NULL) {
        CURL *easy = message->easy_handle;
        CURLcode result = message->data.result; /* copied: removing the handle frees the message */

        if (message->msg != CURLMSG_DONE)
            continue;
        if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, &context) != CURLE_OK || context == NULL)
            continue;
        exchange = (struct oh_exchange *)(void *)context;
        if (try_again(multi, exchange, result))
            continue;
        conclude(multi, exchange, result);
        (void)curl_multi_remove_handle(multi->handle, easy);
        oh_multi_finish(multi, exchange);
    }
    oh_multi_start_waiting(multi);
}

/* ---- one step -------------------------------------------------------------------------------------------------- */

#ifndef OH_READINESS_NONE
/* Ends a connection that floods us, and every exchange that uses it. */
static void end_flood(struct oh_multi *multi, struct oh_connection *connection)
{
    struct oh_exchange *exchange;

    for (exchange = multi->in_flight.first; exchange != NULL; exchange = exchange->next)
        exchange->is_flooded = exchange->is_flooded || exchange->socket == connection->socket;
    oh_connection_cut(connection);
}

/* Counts the bytes of a connection. Called before libcurl reads: afterwards the connection may be gone. */
static void count_bytes(struct oh_multi *multi, int socket)
{
    struct oh_connection *connection = oh_connections_find(&multi->connections, socket);

    if (connection == NULL)
        return;
    oh_connection_update_counts(connection);
    if (oh_connection_is_flooding(connection))
        end_flood(multi, connection);
}

/* Lets libcurl work if its timer has gone off. */
static void serve_timer(struct oh_multi *multi)
{
    int running;

    if (multi->timer_at < 0 || multi->timer_at > oh_monotonic())
        return;
    multi->timer_at = -1; /* libcurl sets the next one */
    (void)curl_multi_socket_action(multi->handle, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(multi);
}

static void serve(struct oh_multi *multi, const struct oh_ready *ready, int found)
{
    int i, running;

    for (i = 0; i < found; i++) {
        int what = ((ready[i].what & OH_READABLE) ? CURL_CSELECT_IN : 0) |
                   ((ready[i].what & OH_WRITABLE) ? CURL_CSELECT_OUT : 0) |
                   ((ready[i].what & OH_BROKEN) ? CURL_CSELECT_ERR : 0);
        if (oh_connections_refuse(&multi->connections, ready[i].socket))
            continue;
        if (ready[i].what & OH_READABLE)
            count_bytes(multi, ready[i].socket);
        (void)curl_multi_socket_action(multi->handle, ready[i].socket, what, &running);
    }
    serve_timer(multi);
    collect(multi);
    end_overdue(multi);
}
#endif

/* Waits once, at most `seconds`, and serves the sockets that are ready; false if a signal interrupted it. */
static bool wait_once(struct oh_multi *multi, double seconds)
{
#ifdef OH_READINESS_NONE
    int running;

    if (multi->handle == NULL)
        return poll(NULL, 0, (int)(seconds * 1000)) >= 0;
    (void)curl_multi_poll(multi->handle, NULL, 0, (int)(seconds * 1000), NULL);
    (void)curl_multi_perform(multi->handle, &running);
    collect(multi);
    end_overdue(multi);
    return true;
#else
    struct oh_ready ready[OH_READY_MOST];
    double left;
    int count;

    if (multi->handle != NULL)
        serve_timer(multi); /* first: a new exchange is sent here, and then this waits once for its response */
    if (multi->unfinished_count == 0 && multi->done.first != NULL)
        return true; /* there is nothing to wait for */
    left = seconds_until_due(multi);
    if (left >= 0 && left < seconds)
        seconds = left;
    count = oh_readiness_wait(&multi->readiness, seconds, ready);
    if (count < 0)
        return false;
    if (multi->handle != NULL)
        serve(multi, ready, count);
    return true;
#endif
}

/* Ends an alarm that is due: otherwise the descriptor would stay readable. */
static void end_alarm(struct oh_multi *multi)
{
    if (multi->alarm_at >= 0 && multi->alarm_at <= oh_monotonic())
        multi->alarm_at = -1;
}

void oh_multi_step(struct oh_multi *multi, double seconds)
{
    struct oh_pipe_guard guard;
    double deadline, left;

    left = seconds > OH_LONGEST_STEP ? OH_LONGEST_STEP : seconds;
    if (multi->done.first != NULL)
        left = 0; /* it can be taken at once */
    if (multi->external || (multi->readiness.descriptor < 0 && !oh_readiness_open(&multi->readiness))) {
        (void)poll(NULL, 0, (int)(left * 1000)); /* nothing to serve: only the time passes */
        end_alarm(multi);
        oh_multi_arm(multi);
        return;
    }
    deadline = oh_monotonic() + left;
    multi->is_stepping = true;
    oh_pipe_guard_enter(&guard, multi->secure);
    do {
        if (!wait_once(multi, left))
            break;
        end_alarm(multi);
        left = deadline - oh_monotonic();
    } while (left > 0 && multi->done.first == NULL);
    oh_pipe_guard_leave(&guard);
    multi->is_stepping = false;
    oh_multi_arm(multi);
}
