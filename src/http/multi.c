/* All exchanges of one client. Must not know Lua.
   libcurl's rules kept here: one timer that a new call replaces; sockets keyed by number, never by handle; callbacks
   never fail and never call back into libcurl; remove -> easy cleanup -> multi cleanup -> close descriptors. */
#include "http/multi.h"

#include <curl/curl.h>
#include <poll.h>
#include <string.h>

#include "os/pipe_guard.h"

#define MOST_IDLE 16              /* warm handles kept for the next reads */
#define MOST_CONNECTIONS 10       /* of reads, to the one host: HTTP/2 streams share them */
#define BLIND_NAP 0.01            /* seconds to sleep at most where no descriptor says that something has happened */

/* ---- libcurl's two callbacks ---------------------------------------------------------------------------------- */

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *context, void *unused)
{
    struct oh_multi *multi = context;
    int wanted = 0;

    (void)easy; /* may be a handle of libcurl's own */
    (void)unused;
    if (what != CURL_POLL_REMOVE)
        wanted = ((what & CURL_POLL_IN) ? OH_READABLE : 0) | ((what & CURL_POLL_OUT) ? OH_WRITABLE : 0);
    (void)oh_readiness_watch(&multi->readiness, (int)socket, wanted);
    return 0; /* anything else would fail every transfer */
}

static int on_timer(CURLM *handle, long milliseconds, void *context)
{
    struct oh_multi *multi = context;

    (void)handle;
    multi->timer = milliseconds < 0 ? -1 : oh_monotonic() + (double)milliseconds / 1000;
    return 0;
}

/* ---- life ----------------------------------------------------------------------------------------------------- */

void oh_multi_init(struct oh_multi *multi, struct oh_origin *origin)
{
    memset(multi, 0, sizeof *multi);
    multi->origin = origin;
    multi->readiness.descriptor = -1;
    multi->readiness.timer = -1;
    multi->timer = -1;
    multi->overdue_at = -1;
    multi->alarm = -1;
}

/* Nothing is opened before the first exchange needs it. */
static bool open_handle(struct oh_multi *multi)
{
    CURLM *handle;

    if (multi->handle != NULL)
        return true;
    if (multi->readiness.descriptor < 0 && !oh_readiness_open(&multi->readiness))
        return false;
    handle = curl_multi_init();
    if (handle == NULL)
        return false;
    if (curl_multi_setopt(handle, CURLMOPT_SOCKETFUNCTION, on_socket) != CURLM_OK ||
        curl_multi_setopt(handle, CURLMOPT_SOCKETDATA, (void *)multi) != CURLM_OK ||
        curl_multi_setopt(handle, CURLMOPT_TIMERFUNCTION, on_timer) != CURLM_OK ||
        curl_multi_setopt(handle, CURLMOPT_TIMERDATA, (void *)multi) != CURLM_OK) {
        curl_multi_cleanup(handle);
        return false;
    }
#if LIBCURL_VERSION_NUM >= 0x081400
    (void)curl_multi_setopt(handle, CURLMOPT_QUICK_EXIT, 1L);
#endif
    multi->handle = handle;
    return true;
}

struct oh_exchange *oh_multi_prepare(struct oh_multi *multi, bool plain)
{
    struct oh_exchange *exchange = plain ? multi->idle.first : NULL;

    oh_multi_discard(multi);
    multi->prepared_at = oh_monotonic();
    if (exchange != NULL) {
        oh_queue_remove(&multi->idle, exchange);
        multi->idle_count--;
    } else {
        exchange = oh_exchange_new(multi->most_received);
    }
    if (exchange != NULL) {
        exchange->received.limit = multi->most_received;
        exchange->connections = &multi->connections;
        exchange->plain = plain;
        oh_queue_push(&multi->building, exchange);
    }
    return exchange;
}

void oh_multi_discard(struct oh_multi *multi)
{
    oh_queue_free(&multi->building);
}

double oh_earlier(double a, double b)
{
    if (a < 0 || b < 0)
        return a < 0 ? b : a;
    return a < b ? a : b;
}

/* Seconds until something is to be done without a socket's asking; below 0: never. */
static double patience(const struct oh_multi *multi)
{
    double due = oh_earlier(oh_earlier(multi->timer, multi->overdue_at), multi->alarm), left;

    if (multi->done.first != NULL || multi->outgoing.first != NULL)
        return 0;
    if (due < 0)
        return -1;
    left = due - oh_monotonic();
    return left > 0 ? left : 0;
}

/* Lets an outside watcher wake up when something is due; costs a system call, so only if there is one. */
static void arm(struct oh_multi *multi)
{
    if (multi->watched && multi->readiness.descriptor >= 0)
        (void)oh_readiness_arm(&multi->readiness, patience(multi));
}

/* What is sent once has a connection of its own, and a file may keep one for an hour. */
static bool uses_own_connection(const struct oh_exchange *exchange)
{
    return exchange->once || exchange->download != NULL;
}

/* Those reads must not queue for. */
static void size_connections(struct oh_multi *multi)
{
    if (multi->handle != NULL)
        (void)curl_multi_setopt(multi->handle, CURLMOPT_MAX_HOST_CONNECTIONS,
                                (long)(MOST_CONNECTIONS + multi->apart_count));
}

bool oh_multi_submit(struct oh_multi *multi, struct oh_exchange *exchange)
{
    struct oh_pipe_guard guard;
    CURLMcode added;

    if (!multi->external) {
        exchange->timeout -= oh_monotonic() - multi->prepared_at; /* filling it has taken time too, with a big body */
        if (!open_handle(multi) || !oh_exchange_configure(exchange, multi->origin))
            return false;
        multi->secure = multi->secure || multi->origin->secure || (exchange->server != NULL && exchange->server->secure);
        multi->apart_count += uses_own_connection(exchange) ? 1 : 0;
        size_connections(multi);
        oh_pipe_guard_enter(&guard, multi->secure);
        added = curl_multi_add_handle(multi->handle, exchange->easy);
        oh_pipe_guard_leave(&guard);
        if (added != CURLM_OK) {
            multi->apart_count -= uses_own_connection(exchange) ? 1 : 0;
            return false;
        }
        exchange->overdue_at = oh_monotonic() + exchange->timeout + OH_LATITUDE;
        multi->overdue_at = oh_earlier(multi->overdue_at, exchange->overdue_at);
    }
    exchange->number = ++multi->last_number;
    oh_queue_remove(&multi->building, exchange);
    oh_queue_push(multi->external ? &multi->outgoing : &multi->flying, exchange);
    multi->flying_count++;
    arm(multi);
    return true;
}

/* ---- moving on ------------------------------------------------------------------------------------------------ */

void oh_multi_finish(struct oh_multi *multi, struct oh_exchange *exchange)
{
    oh_queue_remove(&multi->flying, exchange);
    oh_queue_push(&multi->done, exchange);
    multi->flying_count--;
    if (uses_own_connection(exchange) && exchange->easy != NULL) {
        multi->apart_count--;
        size_connections(multi);
    }
}

#ifndef OH_READINESS_NONE
/* Ends a connection that costs time without end, and with it whatever uses it. */
static void end_babble(struct oh_multi *multi, struct oh_connection *connection)
{
    struct oh_exchange *exchange;

    for (exchange = multi->flying.first; exchange != NULL; exchange = exchange->next)
        exchange->babble_overflow = exchange->babble_overflow || exchange->socket == connection->socket;
    oh_connection_cut(connection);
}

/* Counts before libcurl reads: afterwards the connection may be gone. */
static void count(struct oh_multi *multi, int socket)
{
    struct oh_connection *connection = oh_connections_find(&multi->connections, socket);

    if (connection == NULL)
        return;
    oh_connection_count(connection);
    if (oh_connection_is_flooding(connection))
        end_babble(multi, connection);
}

static void serve(struct oh_multi *multi, const struct oh_ready *ready, int found)
{
    int i, running;

    for (i = 0; i < found; i++) {
        int what = ((ready[i].what & OH_READABLE) ? CURL_CSELECT_IN : 0) |
                   ((ready[i].what & OH_WRITABLE) ? CURL_CSELECT_OUT : 0) |
                   ((ready[i].what & OH_BROKEN) ? CURL_CSELECT_ERR : 0);
        if (ready[i].what & OH_READABLE)
            count(multi, ready[i].socket);
        (void)curl_multi_socket_action(multi->handle, ready[i].socket, what, &running);
    }
    if (multi->timer >= 0 && multi->timer <= oh_monotonic()) {
        multi->timer = -1; /* libcurl sets the next one */
        (void)curl_multi_socket_action(multi->handle, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    oh_multi_collect(multi);
    oh_multi_end_overdue(multi);
}
#endif

/* One wait of at most so many seconds; false if a signal interrupted it. */
static bool turn(struct oh_multi *multi, double seconds)
{
#ifdef OH_READINESS_NONE
    int running;

    if (multi->handle == NULL)
        return poll(NULL, 0, (int)(seconds * 1000)) >= 0;
    (void)curl_multi_poll(multi->handle, NULL, 0, (int)(seconds * 1000), NULL);
    (void)curl_multi_perform(multi->handle, &running);
    oh_multi_collect(multi);
    oh_multi_end_overdue(multi);
    return true;
#else
    struct oh_ready ready[OH_READY_MOST];
    double left = patience(multi);
    int count;

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

/* One that has rung rings no more: the descriptor would stay readable. */
static void end_alarm(struct oh_multi *multi)
{
    if (multi->alarm >= 0 && multi->alarm <= oh_monotonic())
        multi->alarm = -1;
}

void oh_multi_step(struct oh_multi *multi, double seconds)
{
    struct oh_pipe_guard guard;
    double deadline, left;

    left = seconds > OH_LONGEST_STEP ? OH_LONGEST_STEP : seconds;
    if (multi->external || (multi->readiness.descriptor < 0 && !oh_readiness_open(&multi->readiness))) {
        (void)poll(NULL, 0, (int)(left * 1000)); /* nothing to serve: whoever asked to wait waits */
        end_alarm(multi);
        return;
    }
    deadline = oh_monotonic() + left;
    multi->inside = true;
    oh_pipe_guard_enter(&guard, multi->secure);
    do {
        if (!turn(multi, left))
            break;
        end_alarm(multi);
        left = deadline - oh_monotonic();
    } while (left > 0 && multi->done.first == NULL);
    oh_pipe_guard_leave(&guard);
    multi->inside = false;
    arm(multi);
}

struct oh_exchange *oh_multi_done(struct oh_multi *multi)
{
    return multi->done.first;
}

void oh_multi_release(struct oh_multi *multi, struct oh_exchange *exchange)
{
    oh_queue_remove(&multi->done, exchange);
    if (multi->idle_count < MOST_IDLE && oh_exchange_is_reusable(exchange)) {
        oh_exchange_reset(exchange);
        oh_queue_push(&multi->idle, exchange);
        multi->idle_count++;
    } else {
        oh_exchange_free(exchange);
    }
    arm(multi);
}

void oh_multi_fetch(struct oh_multi *multi, struct oh_exchange *exchange)
{
    oh_queue_remove(&multi->outgoing, exchange);
    oh_queue_push(&multi->flying, exchange);
    exchange->body_sent = exchange->request->body.length; /* out of our hands: it may have been acted on */
}

struct oh_exchange *oh_multi_find(struct oh_multi *multi, uint64_t number)
{
    return oh_queue_find(&multi->flying, number);
}

bool oh_multi_cancel(struct oh_multi *multi, uint64_t number)
{
    struct oh_exchange *exchange = oh_queue_find(&multi->outgoing, number);
    struct oh_pipe_guard guard;

    if (exchange != NULL) {
        oh_queue_remove(&multi->outgoing, exchange);
        oh_queue_push(&multi->flying, exchange);
    } else {
        exchange = oh_queue_find(&multi->flying, number);
    }
    if (exchange == NULL)
        return false;
    oh_pipe_guard_enter(&guard, multi->secure);
    oh_multi_give_up(multi, exchange, OH_RESULT_CANCELLED);
    oh_pipe_guard_leave(&guard);
    arm(multi);
    return true;
}

int oh_multi_descriptor(struct oh_multi *multi)
{
    if (multi->readiness.descriptor < 0 && !oh_readiness_open(&multi->readiness))
        return -1;
    multi->watched = true;
    arm(multi);
    return multi->readiness.descriptor;
}

void oh_multi_alarm(struct oh_multi *multi, double seconds)
{
    multi->alarm = seconds < 0 ? -1 : oh_monotonic() + seconds;
    arm(multi);
}

double oh_multi_timeout(struct oh_multi *multi)
{
    return patience(multi);
}

int oh_multi_limit_sleep(const struct oh_multi *multi, double *seconds)
{
    bool blind = multi->external || multi->readiness.descriptor < 0;
    double due = oh_earlier(patience(multi), blind && multi->flying_count > 0 ? BLIND_NAP : -1);

    if (due >= 0 && due < *seconds)
        *seconds = due;
    return multi->readiness.descriptor;
}

bool oh_multi_is_untouched(const struct oh_multi *multi)
{
    return multi->handle == NULL && multi->readiness.descriptor < 0 && multi->building.first == NULL &&
           multi->flying_count == 0 && multi->done.first == NULL;
}

void oh_multi_close(struct oh_multi *multi)
{
    struct oh_exchange *exchange;
    struct oh_pipe_guard guard;

    oh_pipe_guard_enter(&guard, multi->secure);
    for (exchange = multi->flying.first; exchange != NULL; exchange = exchange->next)
        if (exchange->easy != NULL && multi->handle != NULL)
            (void)curl_multi_remove_handle(multi->handle, exchange->easy);
    oh_queue_free(&multi->building);
    oh_queue_free(&multi->outgoing);
    oh_queue_free(&multi->flying);
    oh_queue_free(&multi->done);
    oh_queue_free(&multi->idle);
    if (multi->handle != NULL)
        (void)curl_multi_cleanup(multi->handle); /* calls on_socket: the descriptors are still open */
    oh_pipe_guard_leave(&guard);
    oh_readiness_close(&multi->readiness);
    oh_connections_free(&multi->connections);
    oh_multi_init(multi, multi->origin);
}

void oh_multi_abandon(struct oh_multi *multi)
{
    oh_multi_init(multi, multi->origin);
}
