/* Makes, recycles and frees exchanges. Must not know Lua. */
#include "http/exchange.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "wire/secret.h"
#include "wire/url.h"

#define KEPT_BYTES (64 * 1024) /* of each buffer that an idle exchange may keep */

struct oh_exchange *oh_exchange_new(size_t most_received)
{
    struct oh_exchange *exchange = calloc(1, sizeof *exchange);

    if (exchange != NULL) {
        oh_buffer_init(&exchange->received, most_received);
        oh_buffer_init(&exchange->target, 3 * OH_ORIGIN_LONGEST + 2 * OH_URL_LONGEST_PART + 2);
        exchange->accept = OH_ACCEPT_JSON;
        exchange->own_request_begun = true; /* unless libcurl can tell: oh_exchange_set_attempt_callbacks */
    }
    return exchange;
}

struct oh_request *oh_exchange_own_request(struct oh_exchange *exchange, size_t most_body)
{
    if (exchange->request == NULL)
        exchange->request = oh_request_new(most_body);
    return exchange->request;
}

void oh_exchange_share_request(struct oh_exchange *exchange, struct oh_request *request)
{
    oh_request_release(exchange->request);
    exchange->request = oh_request_hold(request);
}

bool oh_exchange_is_raw(const struct oh_exchange *exchange)
{
    return exchange->download != NULL || strcmp(exchange->accept, OH_ACCEPT_JSON) != 0;
}

double oh_exchange_arrived(const struct oh_exchange *exchange)
{
    return exchange->download != NULL ? exchange->download->written : (double)exchange->received.length;
}

double oh_exchange_expected(const struct oh_exchange *exchange)
{
    curl_off_t length = -1;

    if (exchange->easy != NULL && exchange->header_bytes > 0) /* else libcurl has the previous length */
        (void)curl_easy_getinfo(exchange->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    return (double)length;
}

bool oh_exchange_is_reusable(const struct oh_exchange *exchange)
{
    return exchange->easy != NULL && exchange->plain != OH_NOT_PLAIN && exchange->response.result == OH_RESULT_ANSWERED;
}

void oh_exchange_reset(struct oh_exchange *exchange)
{
    exchange->previous = exchange->next = NULL;
    exchange->number = 0;
    exchange->operation = NULL;
    exchange->method = NULL;
    exchange->request = oh_request_recycle(exchange->request, KEPT_BYTES);
    oh_origin_free_headers(exchange->request_headers); /* the handle gets others before it is used again */
    exchange->request_headers = NULL;
    exchange->body_sent = 0;
    oh_buffer_clear(&exchange->received, KEPT_BYTES);
    oh_buffer_clear(&exchange->target, KEPT_BYTES);
    memset(&exchange->response, 0, sizeof exchange->response);
    memset(&exchange->headers, 0, sizeof exchange->headers);
    memset(&exchange->stream, 0, sizeof exchange->stream);
    exchange->searched = exchange->taken_memory = exchange->header_bytes = 0;
    exchange->header_overflow = exchange->body_overflow = exchange->is_flooded = false;
    if (exchange->attempts > 0) /* libcurl reports when it begins to send a request, and will do so for the next one */
        exchange->own_request_begun = false;
    exchange->socket = exchange->opened = -1;
    exchange->attempts = 0;
    exchange->reused_connection = exchange->reused_http1 = exchange->was_repeated = false;
    exchange->is_stale = exchange->trust_was_switched = false;
    exchange->error[0] = '\0';
}

void oh_exchange_free(struct oh_exchange *exchange)
{
    curl_easy_cleanup(exchange->easy);
    oh_origin_free_headers(exchange->request_headers);
    oh_secret_free(exchange->api_key);
    oh_secret_free(exchange->organization);
    oh_secret_free(exchange->session_api_key);
    oh_origin_free(exchange->server);
    oh_download_free(exchange->download);
    oh_request_release(exchange->request);
    oh_buffer_free(&exchange->received);
    oh_buffer_free(&exchange->target);
    free(exchange);
}
