/* One HTTP request and its response. Must not know Lua: nothing below can reach a longjmp.
   Callbacks only copy bytes and set flags. */
#include "http/exchange.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "wire/secret.h"
#include "wire/utf8.h"

#define MOST_HEADER_BYTES (64 * 1024)
#define LONGEST_STANDSTILL 60L /* seconds without a byte of a file */
#define KEPT_BYTES (64 * 1024) /* memory that an idle exchange may hold on to */

struct oh_exchange *oh_exchange_new(size_t most_received)
{
    struct oh_exchange *exchange = calloc(1, sizeof *exchange);

    if (exchange != NULL) {
        oh_buffer_init(&exchange->received, most_received);
        exchange->accept = OH_ACCEPT_JSON;
        exchange->begun = true; /* unless libcurl tells when it does */
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

bool oh_exchange_receive(struct oh_exchange *exchange, long status, const char *bytes, size_t length)
{
    enum oh_buffer_result result;

    exchange->response.status = status; /* before the end, for whoever reads an answer while it arrives */
    if (exchange->download != NULL && status == 200)
        return oh_download_write(exchange->download, bytes, length);
    result = oh_buffer_append(&exchange->received, bytes, length);
    exchange->out_of_memory = exchange->out_of_memory || result == OH_BUFFER_MEMORY;
    exchange->body_overflow = exchange->body_overflow || result == OH_BUFFER_FULL;
    return result == OH_BUFFER_OK;
}

double oh_exchange_arrived(const struct oh_exchange *exchange)
{
    return exchange->download != NULL ? exchange->download->written : (double)exchange->received.length;
}

double oh_exchange_expected(const struct oh_exchange *exchange)
{
    curl_off_t length = -1;

    if (exchange->easy != NULL && exchange->header_bytes > 0) /* before, a warm handle tells of its last answer */
        (void)curl_easy_getinfo(exchange->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    return (double)length;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct oh_exchange *exchange = context;
    long status = 0;

    (void)curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    oh_exchange_count_payload(exchange, size * count);
    /* 0 of something ends the transfer */
    return oh_exchange_receive(exchange, status, bytes, size * count) ? size * count : 0;
}

void oh_exchange_copy_value(char *out, size_t room, const char *value, size_t length)
{
    while (length > 0 && (*value == ' ' || *value == '\t')) {
        value++;
        length--;
    }
    while (length > 0 && (unsigned char)value[length - 1] <= ' ')
        length--;
    if (length >= room)
        length = 0;
    memcpy(out, value, length);
    out[length] = '\0';
}

static bool is_header(const char *line, size_t length, const char *name)
{
    return length > strlen(name) && oh_ascii_same(line, name, strlen(name));
}

/* Chunks mark the end only where they are the last coding. */
static bool says_chunked(const char *value, size_t length)
{
    static const char chunked[] = "chunked";
    size_t size = sizeof chunked - 1;

    while (length > 0 && (unsigned char)value[length - 1] <= ' ')
        length--;
    return length >= size && oh_ascii_same(value + (length - size), chunked, size);
}

bool oh_exchange_is_raw(const struct oh_exchange *exchange)
{
    return exchange->download != NULL || strcmp(exchange->accept, OH_ACCEPT_JSON) != 0;
}

/* Any coding of the contents but the one that is none. */
static bool says_packed(const char *value, size_t length)
{
    char coding[32];

    oh_exchange_copy_value(coding, sizeof coding, value, length);
    return !oh_ascii_same(coding, "identity", sizeof coding);
}

static size_t on_header(char *bytes, size_t size, size_t count, void *context)
{
    static const char retry_after[] = "retry-after:", coding[] = "transfer-encoding:", packing[] = "content-encoding:",
                      date[] = "date:";
    struct oh_exchange *exchange = context;
    struct oh_response *response = &exchange->response;
    size_t length = size * count, name = sizeof retry_after - 1;

    exchange->header_bytes += length;
    oh_exchange_count_payload(exchange, length);
    if (exchange->header_bytes > MOST_HEADER_BYTES) {
        exchange->header_overflow = true;
        return 0;
    }
    if (length >= 5 && memcmp(bytes, "HTTP/", 5) == 0) {
        response->retry_after[0] = response->date[0] = '\0'; /* a 100 Continue came before: its headers do not count */
        exchange->ends_marked = length >= 6 && bytes[5] != '1'; /* HTTP/2 and later always say */
        oh_exchange_note_version(exchange, exchange->ends_marked);
        exchange->packed = false;
        exchange->header_ended = false;
    } else if (length > 0 && length <= 2 && (bytes[0] == '\r' || bytes[0] == '\n')) {
        exchange->header_ended = bytes[length - 1] == '\n'; /* libcurl also gives what is cut */
    } else if (is_header(bytes, length, retry_after) && response->retry_after[0] == '\0') {
        oh_exchange_copy_value(response->retry_after, sizeof response->retry_after, bytes + name, length - name);
    } else if (is_header(bytes, length, date)) {
        oh_exchange_copy_value(response->date, sizeof response->date, bytes + sizeof date - 1, length - (sizeof date - 1));
    } else if (is_header(bytes, length, coding) &&
               says_chunked(bytes + sizeof coding - 1, length - (sizeof coding - 1))) {
        exchange->ends_marked = true;
    } else if (is_header(bytes, length, packing)) {
        exchange->packed = says_packed(bytes + sizeof packing - 1, length - (sizeof packing - 1));
    }
    return length;
}

static size_t on_send(char *room, size_t size, size_t count, void *context)
{
    struct oh_exchange *exchange = context;
    const struct oh_buffer *body = &exchange->request->body;
    size_t left = body->length - exchange->body_sent;
    size_t length = left < size * count ? left : size * count;

    if (length > 0)
        memcpy(room, body->data + exchange->body_sent, length);
    exchange->body_sent += length;
    return length;
}

#define SET(option, value)                                                \
    do {                                                                  \
        if (curl_easy_setopt(exchange->easy, option, value) != CURLE_OK)  \
            return false;                                                 \
    } while (0)
/* For options that the libcurl at run time may not know although the one at build time did. */
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

static bool set_trust(struct oh_exchange *exchange, const struct oh_origin *origin)
{
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    return oh_exchange_set_trust(exchange, origin, origin->prefers_bundle);
}

static bool set_proxy(struct oh_exchange *exchange, const struct oh_origin *origin)
{
    if (!origin->secure)
        SET(CURLOPT_PROXY, ""); /* loopback: a proxy would see the key in clear */
    else if (origin->proxy != NULL)
        SET(CURLOPT_PROXY, origin->proxy);
    SET(CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L); /* a proxy's refusal is no answer of the service */
    return true;
}

/* What no request of one origin differs in. */
static bool set_constants(struct oh_exchange *exchange, const struct oh_origin *origin)
{
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PRIVATE, (void *)exchange);
    SET(CURLOPT_ERRORBUFFER, exchange->error);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, (void *)exchange);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, (void *)exchange);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_ACCEPT_ENCODING, "");
#if LIBCURL_VERSION_NUM >= 0x075700
    /* A timed-out call must not wait for a name lookup's thread; the module stays loaded for that thread's sake. */
    SET_IF_KNOWN(CURLOPT_QUICK_EXIT, 1L);
#endif
    return oh_exchange_prepare_attempts(exchange) && set_protocols(exchange) && set_trust(exchange, origin) && set_proxy(exchange, origin);
}

static bool set_body(struct oh_exchange *exchange)
{
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)exchange->request->body.length);
    /* Without a seek callback libcurl cannot send the body a second time on its own. */
    SET(CURLOPT_READFUNCTION, on_send);
    SET(CURLOPT_READDATA, (void *)exchange);
    if (strcmp(exchange->method, "POST") != 0)
        SET(CURLOPT_CUSTOMREQUEST, exchange->method);
    return true;
}

static bool set_delivery(struct oh_exchange *exchange, const struct oh_origin *origin)
{
    if (exchange->once) {
        /* A reused connection may be dead and an HTTP/2 stream refused: libcurl would send again by itself. */
        SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
        SET(CURLOPT_FRESH_CONNECT, 1L);
        SET(CURLOPT_FORBID_REUSE, 1L);
    } else {
        SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
        /* Without TLS there is no HTTP/2 to wait for: a read would queue behind the first one's response. */
        SET(CURLOPT_PIPEWAIT, origin->secure ? 1L : 0L);
    }
    if (exchange->request->has_body)
        return set_body(exchange);
    if (strcmp(exchange->method, "GET") != 0)
        SET(CURLOPT_CUSTOMREQUEST, exchange->method);
    return true;
}

static bool set_credentials(struct oh_exchange *exchange, struct oh_origin *origin)
{
    struct oh_credentials credentials = {NULL, exchange->session_api_key, NULL};
    struct curl_slist *headers;

    if (exchange->plain) {
        headers = oh_origin_shared_headers(origin);
    } else {
        if (!exchange->anonymous && exchange->server == NULL) {
            credentials.api_key = exchange->api_key != NULL ? exchange->api_key : origin->api_key;
            credentials.organization = exchange->organization != NULL ? exchange->organization : origin->organization;
            if (credentials.session_api_key == NULL)
                credentials.session_api_key = origin->session_api_key;
        }
        exchange->headers = oh_origin_headers(origin, &credentials, exchange->accept, exchange->request->content_type,
                                              exchange->request->has_body);
        headers = exchange->headers;
    }
    if (headers == NULL)
        return false;
    SET(CURLOPT_HTTPHEADER, headers);
    return true;
}

static bool set_target(struct oh_exchange *exchange, const struct oh_origin *origin)
{
    const struct oh_request *request = exchange->request;
    struct oh_buffer target;
    bool good;

    if (exchange->url == NULL)
        exchange->url = curl_url_dup(origin->url);
    if (exchange->url == NULL)
        return false;
    oh_buffer_init(&target, strlen(origin->prefix) + request->path.length + request->query.length + 2);
    good = oh_buffer_append_text(&target, origin->prefix) == OH_BUFFER_OK &&
           oh_buffer_append(&target, request->path.data, request->path.length) == OH_BUFFER_OK &&
           oh_buffer_append(&target, "", 1) == OH_BUFFER_OK &&
           curl_url_set(exchange->url, CURLUPART_PATH, target.data, 0) == CURLUE_OK;
    oh_buffer_clear(&target, target.capacity);
    good = good && oh_buffer_append(&target, request->query.data, request->query.length) == OH_BUFFER_OK &&
           oh_buffer_append(&target, "", 1) == OH_BUFFER_OK &&
           curl_url_set(exchange->url, CURLUPART_QUERY, request->query.length > 0 ? target.data : NULL, 0) == CURLUE_OK;
    oh_buffer_free(&target);
    if (!good)
        return false;
    SET(CURLOPT_CURLU, exchange->url);
    return true;
}

long oh_exchange_milliseconds(double seconds)
{
    long rounded = (long)(seconds * 1000 + 0.999);

    return rounded > 0 ? rounded : 1;
}

/* What is wanted as it is is asked for unpacked: libcurl does not notice that a packed body is cut. A file may take long,
   but may not stand still. */
static bool set_raw(struct oh_exchange *exchange)
{
    if (oh_exchange_is_raw(exchange))
        SET(CURLOPT_ACCEPT_ENCODING, "identity");
    if (exchange->download == NULL)
        return true;
    SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
    SET(CURLOPT_LOW_SPEED_TIME, LONGEST_STANDSTILL);
    return true;
}

bool oh_exchange_configure(struct oh_exchange *exchange, struct oh_origin *origin)
{
    struct oh_origin *service = origin;

    if (exchange->server != NULL)
        origin = exchange->server;
    if (exchange->easy != NULL && !exchange->plain)
        return false; /* a warm handle knows nothing of what this one needs */
    if (exchange->easy == NULL) {
        exchange->easy = curl_easy_init();
        if (exchange->easy == NULL || !set_constants(exchange, origin) || !set_delivery(exchange, origin) ||
            !oh_exchange_watch_addresses(exchange, service))
            return false;
    }
    if (exchange->fresh && !exchange->once) /* a warm handle that had to make a new connection for its last read */
        SET(CURLOPT_FRESH_CONNECT, 0L);
    exchange->fresh = false;
    if (exchange->trusts_bundle != origin->prefers_bundle &&
        !oh_exchange_set_trust(exchange, origin, origin->prefers_bundle))
        return false;
    SET(CURLOPT_TIMEOUT_MS, oh_exchange_milliseconds(exchange->timeout));
    SET(CURLOPT_CONNECTTIMEOUT_MS, oh_exchange_milliseconds(exchange->connect_timeout));
    return set_raw(exchange) && set_credentials(exchange, origin) && set_target(exchange, origin);
}

bool oh_exchange_is_reusable(const struct oh_exchange *exchange)
{
    return exchange->easy != NULL && exchange->plain && exchange->response.result == OH_RESULT_ANSWERED;
}

void oh_exchange_reset(struct oh_exchange *exchange)
{
    exchange->previous = exchange->next = NULL;
    exchange->number = 0;
    exchange->operation = NULL;
    exchange->method = NULL;
    exchange->request = oh_request_recycle(exchange->request, KEPT_BYTES);
    oh_buffer_clear(&exchange->received, KEPT_BYTES);
    memset(&exchange->response, 0, sizeof exchange->response);
    exchange->header_bytes = 0;
    memset(&exchange->stream, 0, sizeof exchange->stream);
    exchange->header_overflow = exchange->body_overflow = exchange->babble_overflow = false;
    exchange->ends_marked = exchange->header_ended = exchange->packed = false;
    exchange->begun = exchange->begun && exchange->attempts == 0; /* where libcurl tells, it will tell again */
    exchange->socket = -1;
    exchange->attempts = 0;
    exchange->was_kept = false;
    exchange->repeated = false;
    exchange->stale = false;
    exchange->was_distrusted = false;
    exchange->error[0] = '\0';
}

void oh_exchange_free(struct oh_exchange *exchange)
{
    curl_easy_cleanup(exchange->easy);
    curl_url_cleanup(exchange->url);
    oh_origin_drop_headers(exchange->headers);
    oh_secret_free(exchange->api_key);
    oh_secret_free(exchange->organization);
    oh_secret_free(exchange->session_api_key);
    oh_origin_free(exchange->server);
    oh_download_free(exchange->download);
    oh_request_release(exchange->request);
    oh_buffer_free(&exchange->received);
    free(exchange);
}
