/* Moves the bytes of an exchange in libcurl's callbacks, which only copy bytes and set flags. Must not know Lua, whose
   errors would longjmp through libcurl. */
#include "http/exchange.h"

#include <curl/curl.h>
#include <string.h>

bool oh_exchange_receive(struct oh_exchange *exchange, long status, const char *bytes, size_t length)
{
    enum oh_buffer_result result;

    exchange->response.status = status; /* set early for callers that read a response while it arrives */
    if (exchange->download != NULL && status == 200)
        return oh_download_write(exchange->download, bytes, length);
    result = oh_buffer_append(&exchange->received, bytes, length);
    exchange->out_of_memory = exchange->out_of_memory || result == OH_BUFFER_MEMORY;
    exchange->body_overflow = exchange->body_overflow || result == OH_BUFFER_FULL;
    return result == OH_BUFFER_OK;
}

/* The length is that of the compressed body where there is one. The memory of a body that never comes is not touched. */
static void expect_body(struct oh_exchange *exchange)
{
    double length = oh_exchange_expected(exchange);

    if (length > 0 && length <= (double)exchange->received.limit)
        oh_buffer_expect(&exchange->received, (size_t)length);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct oh_exchange *exchange = context;
    long status = 0;

    (void)curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    if (exchange->received.length == 0 && exchange->download == NULL)
        expect_body(exchange);
    oh_exchange_count_payload(exchange, size * count);
    /* libcurl ends the transfer if fewer bytes are taken than it passed */
    return oh_exchange_receive(exchange, status, bytes, size * count) ? size * count : 0;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *context)
{
    struct oh_exchange *exchange = context;
    size_t length = size * count;

    exchange->header_bytes += length;
    oh_exchange_count_payload(exchange, length);
    if (exchange->header_bytes > OH_MOST_HEADER_KIB * 1024) {
        exchange->header_overflow = true;
        return 0;
    }
    if (oh_headers_read(&exchange->headers, &exchange->response, bytes, length))
        oh_exchange_note_version(exchange, exchange->headers.is_multiplexed);
    return length;
}

static size_t on_send(char *out, size_t size, size_t count, void *context)
{
    struct oh_exchange *exchange = context;
    const struct oh_buffer *body = &exchange->request->body;
    size_t left = body->length - exchange->body_sent;
    size_t length = left < size * count ? left : size * count;

    if (length > 0)
        memcpy(out, body->data + exchange->body_sent, length);
    exchange->body_sent += length;
    return length;
}

bool oh_exchange_set_transfer_callbacks(struct oh_exchange *exchange)
{
    return curl_easy_setopt(exchange->easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(exchange->easy, CURLOPT_WRITEDATA, (void *)exchange) == CURLE_OK &&
           curl_easy_setopt(exchange->easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           curl_easy_setopt(exchange->easy, CURLOPT_HEADERDATA, (void *)exchange) == CURLE_OK;
}

bool oh_exchange_set_body_length(struct oh_exchange *exchange)
{
    curl_off_t length = (curl_off_t)exchange->request->body.length;

    return curl_easy_setopt(exchange->easy, CURLOPT_POSTFIELDSIZE_LARGE, length) == CURLE_OK;
}

/* Sets no seek callback: without one, libcurl cannot send the body a second time by itself. */
bool oh_exchange_set_body(struct oh_exchange *exchange)
{
    return curl_easy_setopt(exchange->easy, CURLOPT_POST, 1L) == CURLE_OK &&
           curl_easy_setopt(exchange->easy, CURLOPT_READFUNCTION, on_send) == CURLE_OK &&
           curl_easy_setopt(exchange->easy, CURLOPT_READDATA, (void *)exchange) == CURLE_OK;
}
