/* Writes why an exchange failed, in words for people. Must not know Lua. */
#include "http/exchange.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "wire/ascii.h"

#define SAY(...) (void)snprintf(exchange->response.reason, sizeof exchange->response.reason, __VA_ARGS__)

void oh_exchange_note_overflow(struct oh_exchange *exchange)
{
    SAY("its body is larger than %lu bytes (max_body)", (unsigned long)exchange->received.limit);
}

void oh_exchange_note_compressed(struct oh_exchange *exchange)
{
    SAY("its body was compressed (Content-Encoding), and does not decompress to a result of this call");
}

long oh_exchange_proxy_status(const struct oh_exchange *exchange)
{
    long status = 0;

    (void)curl_easy_getinfo(exchange->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    return status / 100 != 2 ? status : 0;
}

/* Writes the host and port of the proxy, without credentials; its address if the proxy comes from the environment. */
static void name_proxy(const struct oh_exchange *exchange, const struct oh_origin *origin, char *name, size_t capacity)
{
    CURLU *url = origin->proxy != NULL ? curl_url() : NULL;
    char *host = NULL, *port = NULL, *address = NULL;
    long number = 0;

    if (url != NULL && curl_url_set(url, CURLUPART_URL, origin->proxy, CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME) ==
                           CURLUE_OK) {
        (void)curl_url_get(url, CURLUPART_HOST, &host, 0);
        (void)curl_url_get(url, CURLUPART_PORT, &port, 0);
    }
    (void)curl_easy_getinfo(exchange->easy, CURLINFO_PRIMARY_IP, &address);
    (void)curl_easy_getinfo(exchange->easy, CURLINFO_PRIMARY_PORT, &number);
    if (host != NULL)
        (void)snprintf(name, capacity, "%s%s%s", host, port != NULL ? ":" : "", port != NULL ? port : "");
    else
        (void)snprintf(name, capacity, "%s:%ld", address != NULL ? address : "", number);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(url);
}

static void note_proxy(struct oh_exchange *exchange, const struct oh_origin *origin, long status)
{
    char name[128];

    name_proxy(exchange, origin, name, sizeof name);
    if (status == 407)
        SAY("the proxy %s requires a user name and a password in its URL, or rejects those (HTTP status 407)", name);
    else
        SAY("the proxy %s refused to connect (HTTP status %ld)", name, status);
}

static void note_authorities(struct oh_exchange *exchange, const struct oh_origin *origin)
{
    if (origin->ca_file != NULL)
        SAY("no certificate can be read from %.128s (ca_file, or SSL_CERT_FILE in the environment)", origin->ca_file);
    else
        SAY("the system's certificates cannot be read: %.160s", exchange->error);
}

/* Returns the reason if a check of our own failed the exchange or if libcurl's text would mislead, else NULL. */
static const char *own_reason(const struct oh_exchange *exchange, CURLcode result)
{
    enum oh_result ended = exchange->response.result;

    if (ended == OH_RESULT_GARBLED && exchange->header_overflow)
        return "its headers are larger than " OH_DIGITS(OH_MOST_HEADER_KIB) " KiB";
    if (ended == OH_RESULT_GARBLED && exchange->is_flooded)
        return "most of its bytes belong to neither headers nor body, and it may never end";
    if (ended == OH_RESULT_MEMORY)
        return "out of memory";
    if (ended == OH_RESULT_FILE)
        return strerror(exchange->download->error);
    if (exchange->response.is_unmarked)
        return "it does not mark its end: nothing shows whether it is complete";
    if (ended == OH_RESULT_GARBLED && exchange->headers.body_is_compressed && oh_exchange_is_raw(exchange))
        return "its body is compressed, although it was requested uncompressed";
    if (ended == OH_RESULT_GARBLED && result == CURLE_BAD_CONTENT_ENCODING)
        return "its body is compressed (Content-Encoding), and cannot be decompressed";
    if (exchange->was_repeated)
        return "the service refused the request (REFUSED_STREAM), or the connection broke, before a response began";
    if (ended == OH_RESULT_FORBIDDEN)
        return "the host name of the conversation's server resolves to an address to which this service may not send "
               "the client (this machine, a private or link-local network, or a reserved address)";
    if (strstr(exchange->error, "proxy syntax") != NULL) /* libcurl quotes the URL, with the password */
        return "the URL of the proxy (https_proxy or all_proxy in the environment) is not valid: percent-encode "
               "special characters in its password";
    if (result == CURLE_OUT_OF_MEMORY && exchange->header_bytes > 0 && !exchange->headers.is_complete)
        return "one of its headers is too long, or libcurl has no memory left";
    return NULL;
}

void oh_exchange_note_reason(struct oh_exchange *exchange, const struct oh_origin *origin, int result)
{
    long proxy_status = result != CURLE_OK ? oh_exchange_proxy_status(exchange) : 0;
    const char *reason = own_reason(exchange, (CURLcode)result);

    if (exchange->response.result == OH_RESULT_TOO_LARGE)
        oh_exchange_note_overflow(exchange);
    else if (reason != NULL)
        SAY("%s", reason);
    else if (proxy_status != 0)
        note_proxy(exchange, origin, proxy_status);
    else if (result == CURLE_SSL_CACERT_BADFILE)
        note_authorities(exchange, origin);
    else if (exchange->error[0] != '\0')
        SAY("%s", exchange->error);
    else if (result != CURLE_OK)
        SAY("%s", curl_easy_strerror((CURLcode)result));
}
