/* The attempts of one exchange: which of libcurl's connections each may use, and when another attempt is safe, because
   nothing of the request has been sent. Must not know Lua. */
#include "http/exchange.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/address_scope.h"
#include "http/tls_pending.h"

/* Child processes of the host must not inherit a connection that carries the key. */
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

/* The last moment before a connection is made: only here is the address of a host name known. Servers that the
   service names must not have private addresses. A proxy resolves the name itself. */
static curl_socket_t on_address(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct oh_exchange *exchange = context;
    enum oh_address_scope scope = oh_address_scope_of_socket(&address->addr);

    (void)purpose;
    if (exchange->server == NULL)
        oh_origin_note_scope(exchange->service, scope);
    else if (!oh_origin_is_proxied(exchange->server) &&
             oh_address_scope_objection(oh_origin_scope(exchange->service), scope) != NULL) {
        exchange->address_refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype, address->protocol);
}

bool oh_exchange_set_address_callback(struct oh_exchange *exchange, struct oh_origin *service)
{
    exchange->service = service;
    return curl_easy_setopt(exchange->easy, CURLOPT_OPENSOCKETFUNCTION, on_address) == CURLE_OK &&
           curl_easy_setopt(exchange->easy, CURLOPT_OPENSOCKETDATA, (void *)exchange) == CURLE_OK;
}

#if LIBCURL_VERSION_NUM >= 0x075000
/* libcurl sends again by itself where a kept connection turns out to be dead, which is right, and up to five times
   where a server refuses the stream: how often to retry a server in trouble is our decision. */
static bool is_repeated(const struct oh_exchange *exchange)
{
    return exchange->attempts > (exchange->was_kept ? 1U : 0U);
}

/* The last moment before the request is sent. Bytes that a kept HTTP/1 connection has brought since its last response
   would be taken for the response to this request; HTTP/2 marks what belongs to which request. (A connection with a
   request still in flight is HTTP/2, too: libcurl shares no other one.) */
static int on_chosen(void *context, char *peer, char *address, int peer_port, int port)
{
    struct oh_exchange *exchange = context;
    struct oh_connection *connection = oh_connections_at(exchange->connections, address, port);

    (void)peer;
    (void)peer_port;
    exchange->socket = -1;
    exchange->was_repeated = is_repeated(exchange);
    if (exchange->was_repeated)
        return CURL_PREREQFUNC_ABORT;
    if (connection != NULL) {
        exchange->is_stale = connection->is_http1 &&
                          (connection->is_retired || !oh_connection_is_quiet(connection) ||
                           oh_tls_has_pending(exchange->easy));
        if (exchange->is_stale)
            return CURL_PREREQFUNC_ABORT;
        exchange->socket = connection->socket;
        exchange->was_kept = connection->is_used;
        connection->is_used = true;
        connection->is_counting = false;
        connection->payload = 0;
    }
    exchange->begun = true;
    exchange->attempts++;
    return CURL_PREREQFUNC_OK;
}
#endif

bool oh_exchange_set_attempt_callbacks(struct oh_exchange *exchange)
{
    exchange->socket = -1;
#if LIBCURL_VERSION_NUM >= 0x075000
    /* Older versions of libcurl close a kept connection by themselves if it is readable. */
    if (curl_easy_setopt(exchange->easy, CURLOPT_PREREQFUNCTION, on_chosen) == CURLE_OK &&
        curl_easy_setopt(exchange->easy, CURLOPT_PREREQDATA, (void *)exchange) == CURLE_OK)
        exchange->begun = false;
#endif
    return curl_easy_setopt(exchange->easy, CURLOPT_SOCKOPTFUNCTION, on_open) == CURLE_OK &&
           curl_easy_setopt(exchange->easy, CURLOPT_SOCKOPTDATA, (void *)exchange) == CURLE_OK &&
           curl_easy_setopt(exchange->easy, CURLOPT_CLOSESOCKETFUNCTION, on_close) == CURLE_OK &&
           curl_easy_setopt(exchange->easy, CURLOPT_CLOSESOCKETDATA, (void *)exchange->connections) == CURLE_OK;
}

void oh_exchange_note_version(struct oh_exchange *exchange, bool is_multiplexed)
{
    struct oh_connection *connection = oh_connections_find(exchange->connections, exchange->socket);

    if (connection != NULL)
        connection->is_http1 = !is_multiplexed;
}

void oh_exchange_count_payload(struct oh_exchange *exchange, size_t length)
{
    struct oh_connection *connection = oh_connections_find(exchange->connections, exchange->socket);

    if (connection != NULL)
        connection->payload += (double)length;
}

void oh_exchange_retire_connection(struct oh_exchange *exchange)
{
    struct oh_connection *connection = oh_connections_find(exchange->connections, exchange->socket);

    if (connection != NULL)
        connection->is_retired = true;
}

/* Certificates are checked before the request is sent. An authority missing in one place may be in the other. */
static bool switches_trust(struct oh_exchange *exchange, const struct oh_origin *origin, int result)
{
    if (result != CURLE_PEER_FAILED_VERIFICATION || exchange->trust_was_switched || exchange->body_sent > 0 ||
        origin->ca_file != NULL || origin->ca_bundle == NULL)
        return false;
    exchange->trust_was_switched = true;
    return oh_exchange_set_trust(exchange, origin, !exchange->trusts_bundle);
}

bool oh_exchange_try_again(struct oh_exchange *exchange, const struct oh_origin *origin, int result, double seconds)
{
    if (exchange->is_stale) {
        exchange->forced_fresh = curl_easy_setopt(exchange->easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK;
        if (!exchange->forced_fresh)
            return false;
    } else if (!switches_trust(exchange, origin, result)) {
        return false;
    }
    exchange->is_stale = false;
    exchange->error[0] = '\0';
    return oh_exchange_set_timeout(exchange, seconds);
}
