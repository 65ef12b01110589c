/* One exchange, several attempts: which of libcurl's connections an attempt may use, and when another one is made that
   cannot be told from the first, since nothing of the request has been sent. Must not know Lua. */
#include "http/exchange.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/address_scope.h"
#include "http/tls_pending.h"

/* A child of the host's must not inherit a connection that carries the key. */
static int on_open(void *context, curl_socket_t socket, curlsocktype purpose)
{
    struct oh_exchange *exchange = context;

    (void)purpose;
    (void)fcntl(socket, F_SETFD, FD_CLOEXEC);
    if (oh_connections_add(exchange->connections, (int)socket))
        return CURL_SOCKOPT_OK;
    exchange->out_of_memory = true;
    return CURL_SOCKOPT_ERROR;
}

static int on_close(void *context, curl_socket_t socket)
{
    oh_connections_remove(context, (int)socket);
    return close((int)socket);
}

/* The last moment before a connection is made: only here is it known where a name leads. What the service names may be
   no address of ours; through a proxy it is the proxy that looks names up, and that is connected to. */
static curl_socket_t on_address(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct oh_exchange *exchange = context;
    enum oh_address_scope scope = oh_address_scope_of_socket(&address->addr);

    (void)purpose;
    if (exchange->server == NULL)
        oh_origin_note_scope(exchange->service, scope);
    else if (!oh_origin_is_proxied(exchange->server) &&
             oh_address_scope_objection(oh_origin_scope(exchange->service), scope) != NULL) {
        exchange->forbidden = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype, address->protocol);
}

bool oh_exchange_watch_addresses(struct oh_exchange *exchange, struct oh_origin *service)
{
    exchange->service = service;
    return curl_easy_setopt(exchange->easy, CURLOPT_OPENSOCKETFUNCTION, on_address) == CURLE_OK &&
           curl_easy_setopt(exchange->easy, CURLOPT_OPENSOCKETDATA, (void *)exchange) == CURLE_OK;
}

#if LIBCURL_VERSION_NUM >= 0x075000
/* libcurl sends again by itself where a kept connection turns out to be dead, which is right, and up to five times where
   a server refuses the stream: how often a server in trouble is asked is ours to decide. */
static bool is_repeated(const struct oh_exchange *exchange)
{
    return exchange->attempts > (exchange->was_kept ? 1U : 0U);
}

/* The last moment before the request is sent. Whatever has come by a kept connection meanwhile would be taken for its
   answer; on HTTP/2 every answer says what it answers. (One that was asked and has not answered yet is HTTP/2, too:
   libcurl gives no other one to a second request.) */
static int on_chosen(void *context, char *peer, char *address, int peer_port, int port)
{
    struct oh_exchange *exchange = context;
    struct oh_connection *connection = oh_connections_at(exchange->connections, address, port);

    (void)peer;
    (void)peer_port;
    exchange->socket = -1;
    exchange->repeated = is_repeated(exchange);
    if (exchange->repeated)
        return CURL_PREREQFUNC_ABORT;
    if (connection != NULL) {
        exchange->stale = connection->in_turn &&
                          (connection->given_up || !oh_connection_is_quiet(connection) ||
                           oh_tls_has_pending(exchange->easy));
        if (exchange->stale)
            return CURL_PREREQFUNC_ABORT;
        exchange->socket = connection->socket;
        exchange->was_kept = connection->asked;
        connection->asked = true;
        connection->counts = false;
        connection->meant = 0;
    }
    exchange->begun = true;
    exchange->attempts++;
    return CURL_PREREQFUNC_OK;
}
#endif

bool oh_exchange_prepare_attempts(struct oh_exchange *exchange)
{
    exchange->socket = -1;
#if LIBCURL_VERSION_NUM >= 0x075000
    /* Older ones close a kept connection by themselves that is readable. */
    if (curl_easy_setopt(exchange->easy, CURLOPT_PREREQFUNCTION, on_chosen) == CURLE_OK &&
        curl_easy_setopt(exchange->easy, CURLOPT_PREREQDATA, (void *)exchange) == CURLE_OK)
        exchange->begun = false;
#endif
    return curl_easy_setopt(exchange->easy, CURLOPT_SOCKOPTFUNCTION, on_open) == CURLE_OK &&
           curl_easy_setopt(exchange->easy, CURLOPT_SOCKOPTDATA, (void *)exchange) == CURLE_OK &&
           curl_easy_setopt(exchange->easy, CURLOPT_CLOSESOCKETFUNCTION, on_close) == CURLE_OK &&
           curl_easy_setopt(exchange->easy, CURLOPT_CLOSESOCKETDATA, (void *)exchange->connections) == CURLE_OK;
}

void oh_exchange_note_version(struct oh_exchange *exchange, bool shared)
{
    struct oh_connection *connection = oh_connections_find(exchange->connections, exchange->socket);

    if (connection != NULL)
        connection->in_turn = !shared;
}

void oh_exchange_count_payload(struct oh_exchange *exchange, size_t length)
{
    struct oh_connection *connection = oh_connections_find(exchange->connections, exchange->socket);

    if (connection != NULL)
        connection->meant += (double)length;
}

void oh_exchange_retire_connection(struct oh_exchange *exchange)
{
    struct oh_connection *connection = oh_connections_find(exchange->connections, exchange->socket);

    if (connection != NULL)
        connection->given_up = true;
}

bool oh_exchange_set_trust(struct oh_exchange *exchange, const struct oh_origin *origin, bool in_bundle)
{
    const char *file = origin->ca_file, *directory = NULL;

    exchange->trusts_bundle = in_bundle;
    if (file == NULL && origin->ca_directory == NULL)
        return true; /* as libcurl was built */
    if (file == NULL && in_bundle)
        file = origin->ca_bundle;
    else if (file == NULL)
        directory = origin->ca_directory;
    return curl_easy_setopt(exchange->easy, CURLOPT_CAINFO, file) == CURLE_OK &&
           curl_easy_setopt(exchange->easy, CURLOPT_CAPATH, directory) == CURLE_OK;
}

/* A certificate is judged before the request is sent; whom one place does not know the other one may. */
static bool looks_elsewhere(struct oh_exchange *exchange, const struct oh_origin *origin, int result)
{
    if (result != CURLE_PEER_FAILED_VERIFICATION || exchange->was_distrusted || exchange->body_sent > 0 ||
        origin->ca_file != NULL || origin->ca_bundle == NULL)
        return false;
    exchange->was_distrusted = true;
    return oh_exchange_set_trust(exchange, origin, !exchange->trusts_bundle);
}

bool oh_exchange_try_again(struct oh_exchange *exchange, const struct oh_origin *origin, int result, double seconds)
{
    if (exchange->stale) {
        exchange->fresh = curl_easy_setopt(exchange->easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK;
        if (!exchange->fresh)
            return false;
    } else if (!looks_elsewhere(exchange, origin, result)) {
        return false;
    }
    exchange->stale = false;
    exchange->error[0] = '\0';
    return curl_easy_setopt(exchange->easy, CURLOPT_TIMEOUT_MS, oh_exchange_milliseconds(seconds)) == CURLE_OK;
}
