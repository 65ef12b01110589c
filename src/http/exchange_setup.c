/* Sets libcurl's options for one exchange: what is sent, where to, with which credentials, and what libcurl must not
   do. Must not know Lua. */
#include "http/exchange.h"

#include <curl/curl.h>
#include <string.h>

#define LONGEST_STALL 60L  /* seconds for which a download may receive nothing */
#define BRIEF_BUFFER 2048L /* bytes that libcurl reads at once of a short answer */
#define LONG_BUFFER 16384L /* of any other; libcurl's default */

#define SET(option, value)                                                \
    do {                                                                  \
        if (curl_easy_setopt(exchange->easy, option, value) != CURLE_OK)  \
            return false;                                                 \
    } while (0)
/* For options that the libcurl loaded at run time may not know. */
#define SET_IF_KNOWN(option, value) (void)curl_easy_setopt(exchange->easy, option, value)

static bool set_protocols(struct oh_exchange *exchange)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    if (curl_easy_setopt(exchange->easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK)
        return true;
#endif
#if LIBCURL_VERSION_NUM < 0x075500
    SET(CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
    return true;
#else
    return false;
#endif
}

bool oh_exchange_set_trust(struct oh_exchange *exchange, const struct oh_origin *origin, bool in_bundle)
{
    const char *file = origin->ca_file, *directory = NULL;

    exchange->trusts_bundle = in_bundle;
    if (file == NULL && origin->ca_directory == NULL)
        return true; /* libcurl's built-in default */
    if (file == NULL && in_bundle)
        file = origin->ca_bundle;
    else if (file == NULL)
        directory = origin->ca_directory;
    return curl_easy_setopt(exchange->easy, CURLOPT_CAINFO, file) == CURLE_OK &&
           curl_easy_setopt(exchange->easy, CURLOPT_CAPATH, directory) == CURLE_OK;
}

static bool set_trust(struct oh_exchange *exchange, const struct oh_origin *origin)
{
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    return oh_exchange_set_trust(exchange, origin, origin->prefers_bundle);
}

static bool set_proxy(struct oh_exchange *exchange, const struct oh_origin *origin)
{
    if (!origin->secure) { /* plain http (loopback): a proxy would see the key */
        SET(CURLOPT_PROXY, "");
        SET(CURLOPT_NOPROXY, "*"); /* saves libcurl the search for exceptions in the environment */
    } else if (origin->proxy != NULL)
        SET(CURLOPT_PROXY, origin->proxy);
    SET(CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L); /* a proxy's refusal must not be read as the service's response */
    return true;
}

/* Sets the options that all requests of one origin share. */
static bool set_constants(struct oh_exchange *exchange, const struct oh_origin *origin)
{
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PRIVATE, (void *)exchange);
    SET(CURLOPT_ERRORBUFFER, exchange->error);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_ACCEPT_ENCODING, "");
#if LIBCURL_VERSION_NUM >= 0x075700
    /* A timed-out call must not wait for the thread of a name lookup. The thread may outlive it, so the module is never
       unloaded. */
    SET_IF_KNOWN(CURLOPT_QUICK_EXIT, 1L);
#endif
    return oh_exchange_set_transfer_callbacks(exchange) && oh_exchange_set_attempt_callbacks(exchange) &&
           set_protocols(exchange) && set_trust(exchange, origin) && set_proxy(exchange, origin);
}

static bool set_delivery(struct oh_exchange *exchange, const struct oh_origin *origin)
{
    if (exchange->is_sent_once) {
        /* If a reused connection is dead or an HTTP/2 stream is refused, libcurl would send the request again. */
        SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
        SET(CURLOPT_FRESH_CONNECT, 1L);
        SET(CURLOPT_FORBID_REUSE, 1L);
    } else if (curl_easy_setopt(exchange->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS) == CURLE_OK) {
        /* It makes sense to wait for a connection only if it may be HTTP/2, which requires TLS: over HTTP/1, a read
           would wait for the response to another read. */
        SET(CURLOPT_PIPEWAIT, origin->secure ? 1L : 0L);
    } else { /* this libcurl was built without HTTP/2 */
        SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    }
    if (exchange->request->has_body && !oh_exchange_set_body(exchange))
        return false;
    if (strcmp(exchange->method, exchange->request->has_body ? "POST" : "GET") != 0)
        SET(CURLOPT_CUSTOMREQUEST, exchange->method);
    return true;
}

static bool set_credentials(struct oh_exchange *exchange, struct oh_origin *origin)
{
    struct oh_credentials credentials = {NULL, exchange->session_api_key, NULL};
    struct curl_slist *headers;

    if (exchange->plain == OH_PLAIN_READ) {
        headers = oh_origin_shared_headers(origin, exchange->is_brief ? OH_HEADERS_OF_BRIEF_READ : OH_HEADERS_OF_READ);
    } else if (exchange->plain == OH_PLAIN_POST && strcmp(exchange->request->content_type, OH_ACCEPT_JSON) == 0) {
        headers = oh_origin_shared_headers(origin, OH_HEADERS_OF_POST);
    } else {
        if (!exchange->anonymous && exchange->server == NULL) {
            credentials.api_key = exchange->api_key != NULL ? exchange->api_key : origin->api_key;
            credentials.organization = exchange->organization != NULL ? exchange->organization : origin->organization;
            if (credentials.session_api_key == NULL)
                credentials.session_api_key = origin->session_api_key;
        }
        exchange->request_headers = oh_origin_headers(
            origin, &credentials, exchange->accept,
            exchange->request->has_body ? exchange->request->content_type : NULL, !exchange->is_brief);
        headers = exchange->request_headers;
    }
    if (headers == NULL)
        return false;
    SET(CURLOPT_HTTPHEADER, headers);
    return true;
}

/* Sets where the request goes: the handle keeps the parsed URL of the origin, and gets the target (path and query, both
   percent-encoded) as the text that is sent. libcurl would otherwise take both apart and encode them again. */
static bool set_target(struct oh_exchange *exchange, const struct oh_origin *origin)
{
    const struct oh_request *request = exchange->request;
    struct oh_buffer *target = &exchange->target;
    bool has_query = request->query.length > 0;

    oh_buffer_clear(target, target->capacity);
    if (oh_buffer_append_text(target, origin->prefix) != OH_BUFFER_OK ||
        oh_buffer_append(target, request->path.data, request->path.length) != OH_BUFFER_OK ||
        oh_buffer_append(target, "?", has_query ? 1 : 0) != OH_BUFFER_OK ||
        oh_buffer_append(target, request->query.data, request->query.length) != OH_BUFFER_OK ||
        oh_buffer_append(target, "", 1) != OH_BUFFER_OK)
        return false;
    SET(CURLOPT_REQUEST_TARGET, target->data);
    return true;
}

/* Returns whole milliseconds, at least 1: libcurl takes 0 as "no timeout". */
static long milliseconds(double seconds)
{
    long rounded = (long)(seconds * 1000 + 0.999);

    return rounded > 0 ? rounded : 1;
}

bool oh_exchange_set_timeout(struct oh_exchange *exchange, double seconds)
{
    SET(CURLOPT_TIMEOUT_MS, milliseconds(seconds));
    return true;
}

/* Requests a raw body uncompressed, because libcurl does not notice that a compressed body was cut. Ends a download
   that stalls, because its timeout is long. */
static bool set_raw(struct oh_exchange *exchange)
{
    if (oh_exchange_is_raw(exchange))
        SET(CURLOPT_ACCEPT_ENCODING, "identity");
    if (exchange->download == NULL)
        return true;
    SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
    SET(CURLOPT_LOW_SPEED_TIME, LONGEST_STALL);
    return true;
}

/* Sets the size of the buffer that libcurl allocates for each transfer: of a thousand in flight, these take more memory
   than all else. */
static void set_buffer(struct oh_exchange *exchange)
{
    bool is_brief = exchange->is_brief && exchange->server == NULL; /* a libcurl may write a host's name into it */
    long size = is_brief ? BRIEF_BUFFER : LONG_BUFFER;

    if (exchange->buffer_size != size && curl_easy_setopt(exchange->easy, CURLOPT_BUFFERSIZE, size) == CURLE_OK)
        exchange->buffer_size = size;
}

bool oh_exchange_configure(struct oh_exchange *exchange, struct oh_origin *origin)
{
    struct oh_origin *service = origin;

    if (exchange->server != NULL)
        origin = exchange->server;
    if (exchange->easy == NULL) {
        exchange->easy = curl_easy_init();
        if (exchange->easy == NULL || !set_constants(exchange, origin) || !set_delivery(exchange, origin) ||
            !oh_exchange_set_address_callback(exchange, service))
            return false;
        SET(CURLOPT_CURLU, origin->url);
    }
    if (exchange->forced_fresh && !exchange->is_sent_once) /* set for the previous exchange of a warm handle */
        SET(CURLOPT_FRESH_CONNECT, 0L);
    exchange->forced_fresh = false;
    if (exchange->request->has_body && !oh_exchange_set_body_length(exchange))
        return false;
    if (exchange->trusts_bundle != origin->prefers_bundle &&
        !oh_exchange_set_trust(exchange, origin, origin->prefers_bundle))
        return false;
    set_buffer(exchange);
    if (exchange->set_connect_timeout != exchange->connect_timeout) {
        SET(CURLOPT_CONNECTTIMEOUT_MS, milliseconds(exchange->connect_timeout));
        exchange->set_connect_timeout = exchange->connect_timeout;
    }
    return oh_exchange_set_timeout(exchange, exchange->timeout) && set_raw(exchange) &&
           set_credentials(exchange, origin) && set_target(exchange, origin);
}
