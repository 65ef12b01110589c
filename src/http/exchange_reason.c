/* Why an exchange ended badly, in words for people. Must not know Lua. */
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "http/exchange.h"

#define SAY(...) (void)snprintf(exchange->response.reason, sizeof exchange->response.reason, __VA_ARGS__)

void oh_exchange_note_overflow(struct oh_exchange *exchange)
{
    SAY("its body is larger than %lu bytes (max_body)", (unsigned long)exchange->received.limit);
}

void oh_exchange_note_compressed(struct oh_exchange *exchange)
{
    SAY("its body was packed (Content-Encoding), and what came out of it is not what this call answers");
}

long oh_exchange_proxy_status(const struct oh_exchange *exchange)
{
    long status = 0;

    (void)curl_easy_getinfo(exchange->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    return status / 100 != 2 ? status : 0;
}

/* By its name, without what opens it; by its address where the environment named it. */
static void name_proxy(const struct oh_exchange *exchange, const struct oh_origin *origin, char *name, size_t room)
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
        (void)snprintf(name, room, "%s%s%s", host, port != NULL ? ":" : "", port != NULL ? port : "");
    else
        (void)snprintf(name, room, "%s:%ld", address != NULL ? address : "", number);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(url);
}

static void tell_proxy(struct oh_exchange *exchange, const struct oh_origin *origin, long status)
{
    char name[128];

    name_proxy(exchange, origin, name, sizeof name);
    if (status == 407)
        SAY("the proxy %s wants a user name and a password in its address, or others (HTTP status 407)", name);
    else
        SAY("the proxy %s made no connection (HTTP status %ld)", name, status);
}

static void tell_authorities(struct oh_exchange *exchange, const struct oh_origin *origin)
{
    if (origin->ca_file != NULL)
        SAY("no certificate can be read from %.128s (ca_file, or SSL_CERT_FILE in the environment)", origin->ca_file);
    else
        SAY("the system's certificates cannot be read: %.160s", exchange->error);
}

/* What our own rules found, or NULL. */
static const char *own_words(const struct oh_exchange *exchange, CURLcode result)
{
    enum oh_result ended = exchange->response.result;

    if (ended == OH_RESULT_GARBLED && exchange->header_overflow)
        return "its headers are larger than 64 KiB";
    if (ended == OH_RESULT_GARBLED && exchange->endless)
        return "it goes on without end and without saying anything";
    if (ended == OH_RESULT_MEMORY)
        return "out of memory";
    if (ended == OH_RESULT_FILE)
        return strerror(exchange->download->error);
    if (ended == OH_RESULT_CUT && result == CURLE_OK)
        return "the answer does not say where it ends";
    if (ended == OH_RESULT_GARBLED && exchange->headers.body_is_compressed && oh_exchange_is_raw(exchange))
        return "the answer is packed, although it was asked for as it is";
    if (ended == OH_RESULT_GARBLED && result == CURLE_BAD_CONTENT_ENCODING)
        return "its body is packed (Content-Encoding), and cannot be unpacked";
    if (exchange->was_repeated)
        return "the service refused the request (REFUSED_STREAM), or the connection broke, before an answer began";
    if (ended == OH_RESULT_FORBIDDEN)
        return "the name of the conversation's server leads to this machine or to a private network, which a service "
               "outside may not name";
    if (strstr(exchange->error, "proxy syntax") != NULL) /* quoted whole, and the password may have any byte in it */
        return "the address of the proxy (https_proxy or all_proxy in the environment) is not that of a proxy: "
               "percent-encode what is special in its password";
    if (result == CURLE_OUT_OF_MEMORY && exchange->header_bytes > 0 && !exchange->headers.is_complete)
        return "one of its headers is too long, or libcurl has no memory left";
    return NULL;
}

void oh_exchange_note_reason(struct oh_exchange *exchange, const struct oh_origin *origin, int result)
{
    long proxy_status = result != CURLE_OK ? oh_exchange_proxy_status(exchange) : 0;
    const char *words = own_words(exchange, (CURLcode)result);

    if (exchange->response.result == OH_RESULT_TOO_LARGE)
        oh_exchange_note_overflow(exchange);
    else if (words != NULL)
        SAY("%s", words);
    else if (proxy_status != 0)
        tell_proxy(exchange, origin, proxy_status);
    else if (result == CURLE_SSL_CACERT_BADFILE)
        tell_authorities(exchange, origin);
    else if (exchange->error[0] != '\0')
        SAY("%s", exchange->error);
    else if (result != CURLE_OK)
        SAY("%s", curl_easy_strerror((CURLcode)result));
}
