/* Decides how an exchange ended: turns libcurl's result code into an OH_RESULT_*, and tells whether anything was sent.
   Must not know Lua. */
#define _GNU_SOURCE /* strcasestr */
#include "http/exchange.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

/* Returns whether a response is known to be complete. Without a length or chunks it ends when its connection closes, as
   does a response that was cut. Newer versions of libcurl also accept a response that was cut in its headers, after the
   header that announces chunks. */
static bool end_is_known(const struct oh_exchange *exchange)
{
    return exchange->headers.is_complete &&
           (exchange->headers.marks_end_of_body || oh_exchange_expected(exchange) >= 0);
}

/* Returns whether the service may have processed the request. libcurl's request size includes the CONNECT request to a
   proxy. A request with a body cannot have been processed before the first byte of the body was sent. */
static bool was_sent(const struct oh_exchange *exchange, long request_size)
{
    bool begun = exchange->request->body.length == 0 ? exchange->own_request_begun : exchange->body_sent > 0;

    return request_size > 0 && begun;
}

/* Returns whether a handshake failed because its connection broke. libcurl has one code for all failed handshakes. The
   texts below, of libcurl and the TLS libraries, mean a broken connection; any other text means that the handshake was
   rejected. System errors, whose texts depend on the locale, are recognised by errno. */
static bool handshake_broke(const struct oh_exchange *exchange)
{
    static const char *const known[] = {
        " SSL_connect: ", /* OpenSSL has no error of its own: the connection was reset or closed */
        "unexpected eof", "non-properly terminated", "error in the pull function", "error in the push function",
        "peer closed", "closed abruptly", "reading from socket", "writing to socket", "EOF in swrite", "Recv failure: ",
        "Send failure: ", " in connection to ",
    };
    long error = 0;
    size_t i;

    for (i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcasestr(exchange->error, known[i]) != NULL)
            return true;
    if (strstr(exchange->error, ":SSL routines:") != NULL) /* OpenSSL rejected it; errno may be of an earlier address */
        return false;
    return curl_easy_getinfo(exchange->easy, CURLINFO_OS_ERRNO, &error) == CURLE_OK && error != 0;
}

static bool is_good(long status)
{
    return status >= 200 && status <= 299;
}

static enum oh_result result_of(const struct oh_exchange *exchange, CURLcode result)
{
    bool began = exchange->response.status != 0 || exchange->header_bytes > 0;

    if (exchange->out_of_memory)
        return OH_RESULT_MEMORY;
    if (exchange->header_overflow || exchange->is_flooded)
        return OH_RESULT_GARBLED;
    if (exchange->body_overflow) /* an error status is a response, however long its body is */
        return is_good(exchange->response.status) ? OH_RESULT_TOO_LARGE : OH_RESULT_ANSWERED;
    if (exchange->download != NULL && exchange->download->error != 0)
        return OH_RESULT_FILE;
    if (result == CURLE_OK && exchange->response.status == 200 && oh_exchange_is_raw(exchange)) {
        if (exchange->headers.body_is_compressed)
            return OH_RESULT_GARBLED;
        if (!end_is_known(exchange))
            return OH_RESULT_CUT;
    }
    if (exchange->was_repeated)
        return OH_RESULT_CONNECT;
    if (result != CURLE_OK && oh_exchange_proxy_status(exchange) == 407)
        return OH_RESULT_PROXY;
    if (result == CURLE_BAD_CONTENT_ENCODING && exchange->response.status != 0 && !is_good(exchange->response.status))
        return OH_RESULT_ANSWERED; /* only its body is lost */
    switch (result) {
    case CURLE_OK:
        return exchange->response.status >= 100 && exchange->response.status <= 599 ? OH_RESULT_ANSWERED
                                                                                : OH_RESULT_GARBLED;
    case CURLE_OPERATION_TIMEDOUT:
        return OH_RESULT_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR:
        return handshake_broke(exchange) ? OH_RESULT_CONNECT : OH_RESULT_TLS;
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_USE_SSL_FAILED:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return OH_RESULT_TLS;
    case CURLE_COULDNT_CONNECT:
        if (exchange->address_refused)
            return OH_RESULT_FORBIDDEN;
        return began ? OH_RESULT_CUT : OH_RESULT_CONNECT;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_INTERFACE_FAILED:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_PROXY:
        return began ? OH_RESULT_CUT : OH_RESULT_CONNECT;
    default:
        /* Includes CURLE_OUT_OF_MEMORY, which libcurl also returns for a header line above 100 KB. */
        return OH_RESULT_GARBLED;
    }
}

static void note_redirect(struct oh_exchange *exchange)
{
    char *target = NULL, *host = NULL;
    CURLU *url;

    if (exchange->response.status < 300 || exchange->response.status > 399 ||
        curl_easy_getinfo(exchange->easy, CURLINFO_REDIRECT_URL, &target) != CURLE_OK || target == NULL)
        return;
    url = curl_url();
    if (url != NULL && curl_url_set(url, CURLUPART_URL, target, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK)
        oh_headers_copy_value(exchange->response.redirect_host, sizeof exchange->response.redirect_host, host,
                              strlen(host));
    curl_free(host);
    curl_url_cleanup(url);
}

void oh_exchange_conclude(struct oh_exchange *exchange, const struct oh_origin *origin, int result)
{
    struct oh_response *response = &exchange->response;
    char *type = NULL;
    long request_size = 1; /* if libcurl cannot tell, assume that it was sent */

    (void)curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &response->status);
    (void)curl_easy_getinfo(exchange->easy, CURLINFO_REQUEST_SIZE, &request_size);
    if (curl_easy_getinfo(exchange->easy, CURLINFO_CONTENT_TYPE, &type) == CURLE_OK && type != NULL)
        oh_headers_copy_value(response->content_type, sizeof response->content_type, type, strlen(type));
    note_redirect(exchange);
    if (response->status == 421) /* another connection may lead to a server that is responsible */
        oh_exchange_retire_connection(exchange);
    response->sent = was_sent(exchange, request_size);
    response->body = exchange->received.data;
    response->length = exchange->received.length;
    response->result = result_of(exchange, (CURLcode)result);
    response->is_unmarked = response->result == OH_RESULT_CUT && result == CURLE_OK;
    oh_exchange_note_reason(exchange, origin, result);
}

void oh_exchange_give_up(struct oh_exchange *exchange, enum oh_result result)
{
    struct oh_response *response = &exchange->response;
    const char *reason = "cancelled by this program";
    long request_size = exchange->easy == NULL ? 1 : 0; /* with an external transport, assume that it was sent */

    if (exchange->is_started)
        (void)curl_easy_getinfo(exchange->easy, CURLINFO_REQUEST_SIZE, &request_size);
    memset(response, 0, sizeof *response);
    response->sent = was_sent(exchange, request_size);
    if (result == OH_RESULT_MEMORY)
        reason = "out of memory";
    else if (result != OH_RESULT_CANCELLED)
        reason = request_size > 0 ? "it did not finish within its timeout" : "it did not begin within its timeout";
    response->result = result;
    oh_headers_copy_value(response->reason, sizeof response->reason, reason, strlen(reason));
}
