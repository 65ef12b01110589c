/* Owns the exchanges of one client, and moves them from queue to queue. Must not know Lua.
   Keeps the rules of libcurl: there is one timer, which each new value replaces; a socket is identified by its number,
   never by a handle; the callbacks of the multi handle never fail and never call libcurl; easy handles are removed from
   the multi handle before they are freed, then the multi handle is freed, and the descriptors are closed last. */
#include "http/multi.h"

#include <curl/curl.h>
#include <string.h>

#include "os/pipe_guard.h"

#define FEW_IDLE 16    /* warm handles of each kind that are kept for the next exchanges in any case */
#define BUSY_TIME 5.0  /* seconds; after twice that, a client does not count as busy any more */
#define FEW_BYTES 4096 /* of a body's buffer that further warm handles keep */

/* ---- libcurl's two callbacks ---------------------------------------------------------------------------------- */

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *context, void *unused)
{
    struct oh_multi *multi = context;
    int wanted = 0;

    (void)easy; /* may be a handle of libcurl's own */
    (void)unused;
    if (what != CURL_POLL_REMOVE)
        wanted = ((what & CURL_POLL_IN) ? OH_READABLE : 0) | ((what & CURL_POLL_OUT) ? OH_WRITABLE : 0);
    oh_connections_watch(&multi->connections, (int)socket, wanted);
    return 0; /* anything else would fail every transfer */
}

static int on_timer(CURLM *handle, long milliseconds, void *context)
{
    struct oh_multi *multi = context;

    (void)handle;
    multi->timer_at = milliseconds < 0 ? -1 : oh_monotonic() + (double)milliseconds / 1000;
    return 0;
}

/* ---- life ----------------------------------------------------------------------------------------------------- */

void oh_multi_init(struct oh_multi *multi, struct oh_origin *origin)
{
    memset(multi, 0, sizeof *multi);
    multi->origin = origin;
    multi->connections.readiness = &multi->readiness;
    multi->readiness.descriptor = -1;
    multi->readiness.timer = -1;
    multi->timer_at = -1;
    multi->overdue_at = -1;
    multi->alarm_at = -1;
}

/* Opens the multi handle and the descriptors, unless they are open; the first exchange needs them. */
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
    oh_multi_limit_connections(multi);
    return true;
}

struct oh_exchange *oh_multi_prepare(struct oh_multi *multi, enum oh_plain plain)
{
    struct oh_exchange *exchange = multi->idle[plain].first;

    oh_multi_discard(multi);
    multi->prepared_at = oh_monotonic();
    if (exchange != NULL) {
        oh_queue_unlink(&multi->idle[plain], exchange);
        multi->idle_count[plain]--;
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

/* Notes how many exchanges are unfinished at the same time. */
static void note_busy(struct oh_multi *multi)
{
    if (multi->prepared_at - multi->busy_since > BUSY_TIME) {
        multi->most_before = multi->most_unfinished;
        multi->most_unfinished = 0;
        multi->busy_since = multi->prepared_at;
    }
    if (multi->unfinished_count > multi->most_unfinished)
        multi->most_unfinished = multi->unfinished_count;
}

bool oh_multi_submit(struct oh_multi *multi, struct oh_exchange *exchange)
{
    if (!multi->external) {
        exchange->timeout -= oh_monotonic() - multi->prepared_at; /* encoding the request counts, too */
        if (!open_handle(multi) || !oh_exchange_configure(exchange, multi->origin))
            return false;
        multi->secure = multi->secure || multi->origin->secure ||
                        (exchange->server != NULL && exchange->server->secure);
        if (!oh_multi_must_wait(multi, exchange) && !oh_multi_start(multi, exchange))
            return false;
        exchange->overdue_at = oh_monotonic() + exchange->timeout + OH_TIMEOUT_SLACK;
        if (multi->overdue_at < 0 || exchange->overdue_at < multi->overdue_at)
            multi->overdue_at = exchange->overdue_at;
    }
    exchange->number = ++multi->last_number;
    oh_queue_unlink(&multi->building, exchange);
    oh_queue_push(exchange->is_started ? &multi->in_flight : &multi->outgoing, exchange);
    multi->unfinished_count++;
    note_busy(multi);
    oh_multi_arm(multi);
    return true;
}

/* ---- the end of an exchange ----------------------------------------------------------------------------------- */

void oh_multi_finish(struct oh_multi *multi, struct oh_exchange *exchange)
{
    oh_queue_unlink(&multi->in_flight, exchange);
    oh_queue_push(&multi->done, exchange);
    multi->unfinished_count--;
    oh_multi_note_end(multi, exchange);
}

struct oh_exchange *oh_multi_done(struct oh_multi *multi)
{
    return multi->done.first;
}

/* Frees idle exchanges, but keeps as many as the client may need if it goes on being busy, and at least FEW_IDLE: most
   exchanges may end at the same time, and as many new ones follow. */
static void trim_idle(struct oh_multi *multi, enum oh_plain plain)
{
    size_t busiest = multi->most_unfinished > multi->most_before ? multi->most_unfinished : multi->most_before;
    size_t most = busiest > multi->unfinished_count + FEW_IDLE ? busiest - multi->unfinished_count : FEW_IDLE;
    struct oh_exchange *exchange;

    while ((exchange = multi->idle[plain].first) != NULL && multi->idle_count[plain] > most) {
        oh_queue_unlink(&multi->idle[plain], exchange);
        multi->idle_count[plain]--;
        oh_exchange_free(exchange);
    }
}

void oh_multi_postpone(struct oh_multi *multi, struct oh_exchange *exchange)
{
    oh_queue_unlink(&multi->done, exchange);
    oh_queue_push(&multi->done, exchange);
}

void oh_multi_release(struct oh_multi *multi, struct oh_exchange *exchange)
{
    enum oh_plain plain = exchange->plain;

    oh_queue_unlink(&multi->done, exchange);
    if (oh_exchange_is_reusable(exchange)) {
        oh_exchange_reset(exchange);
        if (multi->idle_count[plain] >= FEW_IDLE)
            oh_buffer_clear(&exchange->received, FEW_BYTES);
        oh_queue_push(&multi->idle[plain], exchange);
        multi->idle_count[plain]++;
    } else {
        oh_exchange_free(exchange);
    }
    trim_idle(multi, plain);
    oh_multi_arm(multi);
}

void oh_multi_fetch(struct oh_multi *multi, struct oh_exchange *exchange)
{
    oh_queue_unlink(&multi->outgoing, exchange);
    oh_queue_push(&multi->in_flight, exchange);
    exchange->body_sent = exchange->request->body.length; /* the service may process it from now on */
    oh_multi_arm(multi);
}

struct oh_exchange *oh_multi_find(struct oh_multi *multi, uint64_t number)
{
    struct oh_exchange *exchange = oh_queue_find(&multi->in_flight, number);

    return exchange != NULL || multi->external ? exchange : oh_queue_find(&multi->outgoing, number);
}

struct oh_exchange *oh_multi_find_done(struct oh_multi *multi, uint64_t number)
{
    return oh_queue_find(&multi->done, number);
}

void oh_multi_give_up(struct oh_multi *multi, struct oh_exchange *exchange, enum oh_result result)
{
    if (exchange->is_started)
        (void)curl_multi_remove_handle(multi->handle, exchange->easy);
    oh_exchange_give_up(exchange, result);
    oh_multi_finish(multi, exchange);
}

bool oh_multi_cancel(struct oh_multi *multi, uint64_t number)
{
    struct oh_exchange *exchange = oh_queue_find(&multi->outgoing, number);
    struct oh_pipe_guard guard;

    if (exchange != NULL) {
        oh_queue_unlink(&multi->outgoing, exchange);
        oh_queue_push(&multi->in_flight, exchange);
    } else {
        exchange = oh_queue_find(&multi->in_flight, number);
    }
    if (exchange == NULL)
        return false;
    oh_pipe_guard_enter(&guard, multi->secure);
    oh_multi_give_up(multi, exchange, OH_RESULT_CANCELLED);
    oh_multi_start_waiting(multi);
    oh_pipe_guard_leave(&guard);
    oh_multi_arm(multi);
    return true;
}

bool oh_multi_is_untouched(const struct oh_multi *multi)
{
    return multi->handle == NULL && multi->readiness.descriptor < 0 && multi->building.first == NULL &&
           multi->unfinished_count == 0 && multi->done.first == NULL;
}

void oh_multi_close(struct oh_multi *multi)
{
    struct oh_exchange *exchange;
    struct oh_pipe_guard guard;
    int i;

    oh_pipe_guard_enter(&guard, multi->secure);
    for (exchange = multi->in_flight.first; exchange != NULL; exchange = exchange->next)
        if (exchange->is_started)
            (void)curl_multi_remove_handle(multi->handle, exchange->easy);
    oh_queue_free(&multi->building);
    oh_queue_free(&multi->outgoing);
    oh_queue_free(&multi->in_flight);
    oh_queue_free(&multi->done);
    for (i = 0; i < OH_PLAIN_KINDS; i++)
        oh_queue_free(&multi->idle[i]);
    if (multi->handle != NULL)
        (void)curl_multi_cleanup(multi->handle); /* calls on_socket and on_close, which need the descriptors */
    oh_pipe_guard_leave(&guard);
    oh_readiness_close(&multi->readiness);
    oh_connections_free(&multi->connections);
    oh_multi_init(multi, multi->origin);
}

void oh_multi_abandon(struct oh_multi *multi)
{
    oh_multi_init(multi, multi->origin);
}
