/* How exchanges leave libcurl's hands: finished, given up, or overdue. Must not know Lua. */
#include <curl/curl.h>

#include "http/multi.h"

void oh_multi_give_up(struct oh_multi *multi, struct oh_exchange *exchange, enum oh_result result)
{
    if (exchange->easy != NULL)
        (void)curl_multi_remove_handle(multi->handle, exchange->easy);
    oh_exchange_give_up(exchange, result);
    oh_multi_finish(multi, exchange);
}

/* libcurl keeps no time for exchanges that wait for a connection. Looks through all in flight only when one may be
   overdue, and then notes when the next may be. */
void oh_multi_end_overdue(struct oh_multi *multi)
{
    struct oh_exchange *exchange = multi->flying.first, *next;
    double now, nearest = -1;

    if (multi->overdue_at < 0 || (now = oh_monotonic()) < multi->overdue_at)
        return;
    for (; exchange != NULL; exchange = next) {
        next = exchange->next;
        if (exchange->overdue_at <= now)
            oh_multi_give_up(multi, exchange, OH_RESULT_TIMEOUT);
        else
            nearest = oh_earlier(nearest, exchange->overdue_at);
    }
    multi->overdue_at = nearest;
}

static const struct oh_origin *origin_of(const struct oh_multi *multi, const struct oh_exchange *exchange)
{
    return exchange->server != NULL ? exchange->server : multi->origin;
}

/* Puts an exchange into libcurl's hands once more if nothing of it has been sent and another attempt may do better. */
static bool try_again(struct oh_multi *multi, struct oh_exchange *exchange, CURLcode result)
{
    double left = exchange->overdue_at - OH_LATITUDE - oh_monotonic();

    return oh_exchange_try_again(exchange, origin_of(multi, exchange), (int)result, left) &&
           curl_multi_remove_handle(multi->handle, exchange->easy) == CURLM_OK &&
           curl_multi_add_handle(multi->handle, exchange->easy) == CURLM_OK;
}

static void conclude(struct oh_multi *multi, struct oh_exchange *exchange, CURLcode result)
{
    oh_exchange_conclude(exchange, origin_of(multi, exchange), (int)result);
    if (exchange->was_distrusted && exchange->response.result == OH_RESULT_ANSWERED)
        multi->origin->prefers_bundle = exchange->trusts_bundle;
}

void oh_multi_collect(struct oh_multi *multi)
{
    struct oh_exchange *exchange;
    char *context;
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(multi->handle, &left)) != NULL) {
        CURL *easy = message->easy_handle;
        CURLcode result = message->data.result; /* the message dies with the removal */

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
}
