/* Decides about the attempts of one exchange: which of libcurl's connections each may use, and when another attempt is
   safe: nothing of the request has been sent, or it is a read whose connection was dead. Must not know Lua. */
#include "http/exchange.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/address_scope.h"
#include "http/tls_pending.h"

/* Lists a new socket. Child processes of the host must not inherit it, because it carries the key. */
static int on_open(void *context, curl_socket_t socket, curlsocktype purpose)
{
    struct oh_exchange *exchange = context;

    (void)purpose;
    (void)fcntl(socket, F_SETFD, FD_CLOEXEC);
    exchange->opened = (int)socket;
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

/* Called just before a connection is made, when the address of a host name is first known. Refuses an address that the
   service may not name. Through a proxy nothing can be checked: the proxy resolves the name. */
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
/* Returns whether libcurl repeats the request against our will. It repeats a request once if a reused connection was
   dead, which is right. It also repeats it up to five times if a server refuses the HTTP/2 stream: how often to retry
   then is our decision. */
static bool is_repeated(const struct oh_exchange *exchange)
{
    return exchange->attempts > (exchange->reused_connection ? 1U : 0U);
}

/* Returns whether a TLS layer of a connection may hold bytes that have not been read. libcurl does not show the layer
   of an https proxy. What cannot be known is true once a request was sent: before, there is no response to follow. */
static bool may_hold_bytes(const struct oh_exchange *exchange, const struct oh_connection *connection)
{
    const struct oh_origin *origin = exchange->server != NULL ? exchange->server : exchange->service;
    enum oh_tls_pending pending;

    if (!origin->secure)
        return false;
    pending = oh_tls_pending(exchange->easy);
    if (pending != OH_TLS_PENDING && oh_origin_has_secure_proxy(origin))
        pending = OH_TLS_UNKNOWN;
    return pending == OH_TLS_PENDING || (pending == OH_TLS_UNKNOWN && connection->is_used);
}

/* Returns whether the request must not be sent over the connection. Bytes that a reused HTTP/1 connection received
   after its last response would be taken for the response to this request. HTTP/2 is safe, because each frame names its
   request. (A connection with a request in flight is also HTTP/2: libcurl shares no other kind.) */
static bool is_stale(const struct oh_exchange *exchange, const struct oh_connection *connection)
{
    if (!connection->is_http1)
        return false;
    return connection->is_retired || !oh_connection_is_quiet(connection) || may_hold_bytes(exchange, connection);
}

/* Keeps this request from being sent, and later ones from the connection: libcurl would keep it if it is HTTP/2. */
static int refuse(const struct oh_exchange *exchange)
{
    (void)curl_easy_setopt(exchange->easy, CURLOPT_FORBID_REUSE, 1L);
    return CURL_PREREQFUNC_ABORT;
}

/* Called when libcurl has chosen a connection, just before it sends the request. */
static int on_chosen(void *context, char *peer, char *address, int peer_port, int port)
{
    struct oh_exchange *exchange = context;
    struct oh_connection *connection =
        oh_connections_find_by_address(exchange->connections, address, port, exchange->opened);

    (void)peer;
    (void)peer_port;
    exchange->socket = -1;
    exchange->is_stale = false;
    exchange->was_repeated = is_repeated(exchange);
    if (exchange->was_repeated)
        return refuse(exchange);
    if (connection != NULL) {
        exchange->is_stale = is_stale(exchange, connection);
        if (exchange->is_stale)
            return refuse(exchange);
        exchange->socket = connection->socket;
        exchange->reused_connection = connection->is_used;
        exchange->reused_http1 = connection->is_used && connection->is_http1;
        oh_connections_use(exchange->connections, connection);
        connection->has_begun = false;
        connection->is_counting = false;
        connection->payload = 0;
    }
    exchange->own_request_begun = true;
    exchange->attempts++;
    return CURL_PREREQFUNC_OK;
}
#endif

bool oh_exchange_set_attempt_callbacks(struct oh_exchange *exchange)
{
    exchange->socket = exchange->opened = -1;
#if LIBCURL_VERSION_NUM >= 0x075000
    /* Older versions of libcurl detect unrequested bytes themselves: they close an idle connection that is readable. */
    if (curl_easy_setopt(exchange->easy, CURLOPT_PREREQFUNCTION, on_chosen) == CURLE_OK &&
        curl_easy_setopt(exchange->easy, CURLOPT_PREREQDATA, (void *)exchange) == CURLE_OK)
        exchange->own_request_begun = false;
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

/* Switches once between the bundle file and the directory: an authority that one lacks may be in the other. Nothing has
   been sent, because certificates are checked first. Returns whether it switched. */
static bool switches_trust(struct oh_exchange *exchange, const struct oh_origin *origin, int result)
{
    if (result != CURLE_PEER_FAILED_VERIFICATION || exchange->trust_was_switched || exchange->body_sent > 0 ||
        origin->ca_file != NULL || origin->ca_bundle == NULL)
        return false;
    exchange->trust_was_switched = true;
    return oh_exchange_set_trust(exchange, origin, !exchange->trusts_bundle);
}

/* Returns whether a read was lost with a connection that had been used before. libcurl repeats it by itself, once: from
   8.23 on not always over HTTP/2, and sometimes over another dead connection, because it takes one that was used less
   than a second ago to be alive. Then it is stopped when it would repeat it again: over HTTP/1, where no request can be
   refused, that means that the other one was dead, too. */
static bool was_dead(const struct oh_exchange *exchange, int result)
{
    bool is_lost = result == CURLE_SEND_ERROR || result == CURLE_RECV_ERROR;

    return (is_lost ? exchange->reused_connection : exchange->was_repeated && exchange->reused_http1) &&
           !exchange->is_sent_once && exchange->body_sent == 0;
}

/* Makes the next attempt use a new connection. */
static bool force_fresh(struct oh_exchange *exchange)
{
    long forbids_reuse = exchange->is_sent_once ? 1L : 0L;

    exchange->attempts = 0;
    exchange->reused_connection = exchange->reused_http1 = exchange->was_repeated = false;
    exchange->forced_fresh = curl_easy_setopt(exchange->easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK;
    return exchange->forced_fresh &&
           curl_easy_setopt(exchange->easy, CURLOPT_FORBID_REUSE, forbids_reuse) == CURLE_OK;
}

bool oh_exchange_try_again(struct oh_exchange *exchange, const struct oh_origin *origin, int result, double seconds)
{
    if (exchange->header_bytes > 0) /* it was answered */
        return false;
    if (exchange->is_stale || was_dead(exchange, result)) {
        if (!force_fresh(exchange))
            return false;
    } else if (!switches_trust(exchange, origin, result)) {
        return false;
    }
    exchange->is_stale = false;
    exchange->error[0] = '\0';
    return oh_exchange_set_timeout(exchange, seconds);
}
