/* One HTTP request and its answer. Must not know Lua: nothing below can reach a longjmp.
   Callbacks only copy bytes and set flags. */
#include "exchange.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "secret.h"

#define MOST_HEADER_BYTES (64 * 1024)
#define KEPT_BYTES (64 * 1024) /* memory that an idle exchange may hold on to */

struct oh_exchange *oh_exchange_new(size_t most_sent, size_t most_received)
{
    struct oh_exchange *exchange = calloc(1, sizeof *exchange);

    if (exchange != NULL) {
        oh_buffer_init(&exchange->path, most_sent);
        oh_buffer_init(&exchange->query, most_sent);
        oh_buffer_init(&exchange->body, most_sent);
        oh_buffer_init(&exchange->received, most_received);
    }
    return exchange;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct oh_exchange *exchange = context;
    enum oh_buffer_result result = oh_buffer_append(&exchange->received, bytes, size * count);

    exchange->out_of_memory = exchange->out_of_memory || result == OH_BUFFER_MEMORY;
    exchange->body_overflow = exchange->body_overflow || result == OH_BUFFER_FULL;
    return result == OH_BUFFER_OK ? size * count : 0; /* 0 of something ends the transfer */
}

/* Copies a header's value without the blanks around it; too long a value is no value. */
static void copy_value(char *out, size_t room, const char *value, size_t length)
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

static size_t on_header(char *bytes, size_t size, size_t count, void *context)
{
    static const char retry_after[] = "retry-after:";
    struct oh_exchange *exchange = context;
    struct oh_answer *answer = &exchange->answer;
    size_t length = size * count, name = sizeof retry_after - 1;

    exchange->header_bytes += length;
    if (exchange->header_bytes > MOST_HEADER_BYTES) {
        exchange->header_overflow = true;
        return 0;
    }
    if (length >= 5 && memcmp(bytes, "HTTP/", 5) == 0)
        answer->retry_after[0] = '\0'; /* a 100 Continue came before: its headers do not count */
    else if (length > name && strncasecmp(bytes, retry_after, name) == 0 && answer->retry_after[0] == '\0')
        copy_value(answer->retry_after, sizeof answer->retry_after, bytes + name, length - name);
    return length;
}

static size_t on_send(char *room, size_t size, size_t count, void *context)
{
    struct oh_exchange *exchange = context;
    size_t left = exchange->body.length - exchange->body_sent;
    size_t length = left < size * count ? left : size * count;

    if (length > 0)
        memcpy(room, exchange->body.data + exchange->body_sent, length);
    exchange->body_sent += length;
    return length;
}

/* A child of the host's must not inherit a connection that carries the key. */
static int on_new_socket(void *context, curl_socket_t socket, curlsocktype purpose)
{
    (void)context;
    (void)purpose;
    (void)fcntl(socket, F_SETFD, FD_CLOEXEC);
    return CURL_SOCKOPT_OK;
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
    if (origin->ca_file != NULL) {
        SET(CURLOPT_CAINFO, origin->ca_file);
        SET(CURLOPT_CAPATH, NULL);
    } else if (origin->ca_directory != NULL) {
        SET(CURLOPT_CAINFO, NULL);
        SET(CURLOPT_CAPATH, origin->ca_directory);
    }
    return true;
}

static bool set_proxy(struct oh_exchange *exchange, const struct oh_origin *origin)
{
    if (origin->proxy != NULL)
        SET(CURLOPT_PROXY, origin->proxy);
    else if (!origin->secure)
        SET(CURLOPT_PROXY, ""); /* loopback: a proxy from the environment would see the key in clear */
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
    SET(CURLOPT_SOCKOPTFUNCTION, on_new_socket);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_ACCEPT_ENCODING, "");
#if LIBCURL_VERSION_NUM >= 0x075700
    /* A timed-out call must not wait for a name lookup's thread; the module stays loaded for that thread's sake. */
    SET_IF_KNOWN(CURLOPT_QUICK_EXIT, 1L);
#endif
    return set_protocols(exchange) && set_trust(exchange, origin) && set_proxy(exchange, origin);
}

static bool set_body(struct oh_exchange *exchange)
{
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)exchange->body.length);
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
        /* Without TLS there is no HTTP/2 to wait for: a read would queue behind the first one's answer. */
        SET(CURLOPT_PIPEWAIT, origin->secure ? 1L : 0L);
    }
    if (exchange->has_body)
        return set_body(exchange);
    if (strcmp(exchange->method, "GET") != 0)
        SET(CURLOPT_CUSTOMREQUEST, exchange->method);
    return true;
}

static bool set_credentials(struct oh_exchange *exchange, struct oh_origin *origin)
{
    struct curl_slist *headers;

    if (!exchange->has_body && exchange->api_key == NULL && exchange->organization == NULL) {
        headers = oh_origin_shared_headers(origin);
    } else {
        exchange->headers = oh_origin_headers(
            origin, exchange->api_key != NULL ? exchange->api_key : origin->api_key,
            exchange->organization != NULL ? exchange->organization : origin->organization, exchange->has_body);
        headers = exchange->headers;
    }
    if (headers == NULL)
        return false;
    SET(CURLOPT_HTTPHEADER, headers);
    return true;
}

static bool set_target(struct oh_exchange *exchange, const struct oh_origin *origin)
{
    struct oh_buffer target;
    bool good;

    if (exchange->url == NULL)
        exchange->url = curl_url_dup(origin->url);
    if (exchange->url == NULL)
        return false;
    oh_buffer_init(&target, exchange->path.limit);
    good = oh_buffer_append_text(&target, origin->prefix) == OH_BUFFER_OK &&
           oh_buffer_append(&target, exchange->path.data, exchange->path.length) == OH_BUFFER_OK &&
           oh_buffer_append(&target, "", 1) == OH_BUFFER_OK &&
           (exchange->query.length == 0 || oh_buffer_append(&exchange->query, "", 1) == OH_BUFFER_OK) &&
           curl_url_set(exchange->url, CURLUPART_PATH, target.data, 0) == CURLUE_OK &&
           curl_url_set(exchange->url, CURLUPART_QUERY, exchange->query.length > 0 ? exchange->query.data : NULL, 0) ==
               CURLUE_OK;
    oh_buffer_free(&target);
    if (!good)
        return false;
    SET(CURLOPT_CURLU, exchange->url);
    return true;
}

/* At least one: libcurl takes 0 for "for ever". */
static long milliseconds(double seconds)
{
    long rounded = (long)(seconds * 1000 + 0.999);

    return rounded > 0 ? rounded : 1;
}

bool oh_exchange_configure(struct oh_exchange *exchange, struct oh_origin *origin)
{
    if (exchange->easy == NULL) {
        exchange->easy = curl_easy_init();
        if (exchange->easy == NULL || !set_constants(exchange, origin) || !set_delivery(exchange, origin))
            return false;
    }
    SET(CURLOPT_TIMEOUT_MS, milliseconds(exchange->timeout));
    SET(CURLOPT_CONNECTTIMEOUT_MS, milliseconds(exchange->connect_timeout));
    return set_credentials(exchange, origin) && set_target(exchange, origin);
}

static enum oh_transport transport_of(const struct oh_exchange *exchange, CURLcode result)
{
    bool began = exchange->answer.status != 0 || exchange->header_bytes > 0;

    if (exchange->out_of_memory)
        return OH_TRANSPORT_MEMORY;
    if (exchange->header_overflow || exchange->body_overflow)
        return OH_TRANSPORT_TOO_LARGE;
    switch (result) {
    case CURLE_OK:
        return exchange->answer.status >= 100 && exchange->answer.status <= 599 ? OH_TRANSPORT_ANSWERED
                                                                                : OH_TRANSPORT_GARBLED;
    case CURLE_OPERATION_TIMEDOUT:
        return OH_TRANSPORT_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_USE_SSL_FAILED:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return OH_TRANSPORT_TLS;
    case CURLE_PARTIAL_FILE:
        return OH_TRANSPORT_CUT;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_INTERFACE_FAILED:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_PROXY:
        return began ? OH_TRANSPORT_CUT : OH_TRANSPORT_CONNECT;
    default:
        /* 27 is in here too: libcurl says "out of memory" for a header line above 100 KB. */
        return OH_TRANSPORT_GARBLED;
    }
}

static void note_redirect(struct oh_exchange *exchange)
{
    char *target = NULL, *host = NULL;
    CURLU *url;

    if (exchange->answer.status < 300 || exchange->answer.status > 399 ||
        curl_easy_getinfo(exchange->easy, CURLINFO_REDIRECT_URL, &target) != CURLE_OK || target == NULL)
        return;
    url = curl_url();
    if (url != NULL && curl_url_set(url, CURLUPART_URL, target, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK)
        copy_value(exchange->answer.redirect_host, sizeof exchange->answer.redirect_host, host, strlen(host));
    curl_free(host);
    curl_url_cleanup(url);
}

void oh_exchange_conclude(struct oh_exchange *exchange, int result)
{
    struct oh_answer *answer = &exchange->answer;
    const char *reason = exchange->error;
    char *type = NULL;
    long request_size = 1; /* if libcurl cannot say, assume the worst */

    (void)curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &answer->status);
    (void)curl_easy_getinfo(exchange->easy, CURLINFO_REQUEST_SIZE, &request_size);
    if (curl_easy_getinfo(exchange->easy, CURLINFO_CONTENT_TYPE, &type) == CURLE_OK && type != NULL)
        copy_value(answer->content_type, sizeof answer->content_type, type, strlen(type));
    note_redirect(exchange);
    /* Without a byte of its body no request can have been acted on; what a proxy was sent counts in request_size. */
    answer->sent = request_size > 0 && (!exchange->has_body || exchange->body_sent > 0);
    answer->body = exchange->received.data;
    answer->length = exchange->received.length;
    answer->transport = transport_of(exchange, (CURLcode)result);
    if (answer->transport == OH_TRANSPORT_TOO_LARGE)
        reason = exchange->header_overflow ? "its headers are larger than 64 KiB" : "its body is larger than allowed";
    else if (answer->transport == OH_TRANSPORT_MEMORY)
        reason = "out of memory";
    else if (reason[0] == '\0' && result != CURLE_OK)
        reason = curl_easy_strerror((CURLcode)result);
    copy_value(answer->reason, sizeof answer->reason, reason, strlen(reason));
}

void oh_exchange_give_up(struct oh_exchange *exchange, enum oh_transport transport)
{
    struct oh_answer *answer = &exchange->answer;
    const char *reason =
        transport == OH_TRANSPORT_CANCELLED ? "given up by this program" : "it did not begin in the time it had";

    memset(answer, 0, sizeof *answer);
    /* A read that had begun may be called sent or not: nothing depends on it. */
    answer->sent = exchange->has_body ? exchange->body_sent > 0 : true;
    answer->transport = transport;
    copy_value(answer->reason, sizeof answer->reason, reason, strlen(reason));
}

bool oh_exchange_reusable(const struct oh_exchange *exchange)
{
    return exchange->easy != NULL && exchange->headers == NULL && !exchange->once && !exchange->has_body &&
           strcmp(exchange->method, "GET") == 0 && exchange->answer.transport == OH_TRANSPORT_ANSWERED;
}

void oh_exchange_reset(struct oh_exchange *exchange)
{
    exchange->previous = exchange->next = NULL;
    exchange->number = 0;
    exchange->operation = NULL;
    exchange->method = NULL;
    oh_buffer_clear(&exchange->path, KEPT_BYTES);
    oh_buffer_clear(&exchange->query, KEPT_BYTES);
    oh_buffer_clear(&exchange->received, KEPT_BYTES);
    memset(&exchange->answer, 0, sizeof exchange->answer);
    exchange->header_bytes = 0;
    exchange->error[0] = '\0';
}

void oh_exchange_free(struct oh_exchange *exchange)
{
    curl_easy_cleanup(exchange->easy);
    curl_url_cleanup(exchange->url);
    oh_origin_drop_headers(exchange->headers);
    oh_secret_free(exchange->api_key);
    oh_secret_free(exchange->organization);
    oh_buffer_free(&exchange->path);
    oh_buffer_free(&exchange->query);
    oh_buffer_free(&exchange->body);
    oh_buffer_free(&exchange->received);
    free(exchange);
}
