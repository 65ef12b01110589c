/* Tracks and watches the connections that libcurl holds for one client. Must not know Lua or libcurl. */
#include "http/connections.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#if defined(__linux__) && defined(__has_include) && !defined(__cppcheck__)
#if __has_include(<linux/tcp.h>)
#include <linux/tcp.h> /* the struct tcp_info of the C library lacks some fields */
#endif
#endif

#define FIRST_CAPACITY 64
#define READ_SIZE 16384         /* bytes that libcurl reads at once, except of short answers */
#define MOST_OVERHEAD 4194304.0 /* bytes besides headers and body that any response may have */
#define MOST_PER_BYTE 8.0       /* received bytes allowed per byte of headers and body: TLS and chunks add some */

/* ---- the list ------------------------------------------------------------------------------------------------- */

/* Returns the list that contains the connection. */
static struct oh_connection **list_of(struct oh_connections *connections, const struct oh_connection *connection)
{
    return connection->is_used ? &connections->by_port[connection->port % OH_CONNECTION_PORTS] : &connections->unused;
}

static void link_connection(struct oh_connections *connections, struct oh_connection *connection)
{
    struct oh_connection **list = list_of(connections, connection);

    connection->previous = NULL;
    connection->next = *list;
    if (*list != NULL)
        (*list)->previous = connection;
    *list = connection;
}

static void unlink_connection(struct oh_connections *connections, struct oh_connection *connection)
{
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        *list_of(connections, connection) = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
}

bool oh_connections_add(struct oh_connections *connections, int socket)
{
    struct oh_connection *connection;

    oh_connections_remove(connections, socket); /* if it is listed, the end of the older socket was not reported */
    if (socket < 0)
        return false;
    if ((size_t)socket >= connections->capacity) {
        size_t capacity = connections->capacity > 0 ? connections->capacity : FIRST_CAPACITY;
        struct oh_connection **list;
        while (capacity <= (size_t)socket)
            capacity *= 2;
        list = realloc(connections->by_socket, capacity * sizeof(struct oh_connection *));
        if (list == NULL)
            return false;
        memset(list + connections->capacity, 0, (capacity - connections->capacity) * sizeof(struct oh_connection *));
        connections->by_socket = list;
        connections->capacity = capacity;
    }
    connection = calloc(1, sizeof *connection);
    if (connection == NULL)
        return false;
    connection->socket = socket;
    link_connection(connections, connection);
    connections->by_socket[socket] = connection;
    return true;
}

void oh_connections_remove(struct oh_connections *connections, int socket)
{
    struct oh_connection *connection = oh_connections_find(connections, socket);

    if (connection == NULL)
        return;
    oh_connections_watch(connections, socket, 0);
    (void)oh_connections_refuse(connections, socket); /* closing it is not enough: a forked process may have it open */
    unlink_connection(connections, connection);
    connections->by_socket[socket] = NULL;
    free(connection);
}

struct oh_connection *oh_connections_find(const struct oh_connections *connections, int socket)
{
    return socket >= 0 && (size_t)socket < connections->capacity ? connections->by_socket[socket] : NULL;
}

static void note_local_address(struct oh_connection *connection)
{
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } end;
    socklen_t size = sizeof end;
    const void *address;

    memset(&end, 0, sizeof end);
    if (getsockname(connection->socket, &end.any, &size) != 0 ||
        (end.any.sa_family != AF_INET && end.any.sa_family != AF_INET6))
        return;
    address = end.any.sa_family == AF_INET ? (const void *)&end.four.sin_addr : (const void *)&end.six.sin6_addr;
    if (inet_ntop(end.any.sa_family, address, connection->address, sizeof connection->address) != NULL)
        connection->port = ntohs(end.any.sa_family == AF_INET ? end.four.sin_port : end.six.sin6_port);
}

static bool has_address(struct oh_connection *connection, const char *address, int port)
{
    if (!connection->is_used)
        note_local_address(connection);
    return connection->port == port && port > 0 && strcmp(connection->address, address) == 0;
}

struct oh_connection *oh_connections_find_by_address(const struct oh_connections *connections, const char *address,
                                                     int port, int opened)
{
    struct oh_connection *connection = oh_connections_find(connections, opened);

    if (port <= 0)
        return NULL;
    if (connection != NULL && has_address(connection, address, port))
        return connection;
    for (connection = connections->by_port[port % OH_CONNECTION_PORTS]; connection != NULL;
         connection = connection->next)
        if (has_address(connection, address, port))
            return connection;
    for (connection = connections->unused; connection != NULL; connection = connection->next)
        if (has_address(connection, address, port))
            return connection;
    return NULL;
}

void oh_connections_use(struct oh_connections *connections, struct oh_connection *connection)
{
    if (connection->is_used)
        return;
    unlink_connection(connections, connection);
    connection->is_used = true;
    link_connection(connections, connection);
}

/* ---- watching ------------------------------------------------------------------------------------------------- */

void oh_connections_watch(struct oh_connections *connections, int socket, int wanted)
{
    struct oh_connection *connection = oh_connections_find(connections, socket);

    if (connection == NULL) { /* e.g. libcurl's own, for the lookup of names */
        (void)oh_readiness_watch(connections->readiness, socket, wanted, false);
        return;
    }
    if (connection->watched != 0 && connection->wanted == 0)
        connections->resting--;
    connection->wanted = wanted;
    if (wanted == 0)
        connections->resting += connection->watched != 0 ? 1 : 0;
    else if (wanted != connection->watched &&
             oh_readiness_watch(connections->readiness, socket, wanted, connection->watched != 0))
        connection->watched = wanted;
}

static void end_rest(struct oh_connections *connections, struct oh_connection *connection)
{
    (void)oh_readiness_watch(connections->readiness, connection->socket, 0, true);
    connection->watched = 0;
    connections->resting--;
}

bool oh_connections_refuse(struct oh_connections *connections, int socket)
{
    struct oh_connection *connection = oh_connections_find(connections, socket);

    if (connection == NULL || connection->wanted != 0)
        return false;
    if (connection->watched != 0)
        end_rest(connections, connection);
    return true;
}

void oh_connections_end_rest(struct oh_connections *connections)
{
    struct oh_connection *connection;
    size_t i;

    for (i = 0; i < connections->capacity && connections->resting > 0; i++) {
        connection = connections->by_socket[i];
        if (connection != NULL && connection->wanted == 0 && connection->watched != 0)
            end_rest(connections, connection);
    }
}

/* ---- bytes ---------------------------------------------------------------------------------------------------- */

bool oh_connection_is_quiet(const struct oh_connection *connection)
{
    struct pollfd watched = {connection->socket, POLLIN, 0};

    return poll(&watched, 1, 0) == 0;
}

/* Returns the bytes read from the socket since it was connected. Where the system does not report them, estimates them
   from the bytes that wait to be read. */
static double bytes_read(const struct oh_connection *connection)
{
    double total = connection->total;
    int waiting = 0;
#ifdef TCP_INFO
    struct tcp_info info;
    socklen_t size = sizeof info;

    memset(&info, 0, sizeof info);
    if (getsockopt(connection->socket, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
        size >= offsetof(struct tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received)
        return ioctl(connection->socket, FIONREAD, &waiting) == 0 ? (double)info.tcpi_bytes_received - waiting : total;
#endif
    if (ioctl(connection->socket, FIONREAD, &waiting) == 0 && waiting > 0)
        total += waiting < READ_SIZE ? waiting : READ_SIZE;
    return total;
}

void oh_connection_update_counts(struct oh_connection *connection)
{
    if (!connection->is_used)
        return;
    if (!connection->has_begun) {
        connection->has_begun = true;
        return;
    }
    connection->total = bytes_read(connection);
    if (!connection->is_counting)
        connection->total_before = connection->total;
    connection->is_counting = true;
}

bool oh_connection_is_flooding(const struct oh_connection *connection)
{
    return connection->is_counting &&
           connection->total - connection->total_before > MOST_OVERHEAD + MOST_PER_BYTE * connection->payload;
}

void oh_connection_cut(struct oh_connection *connection)
{
#ifdef __linux__
    struct sockaddr no_peer;
#endif

    connection->is_retired = true;
    connection->is_counting = false;
    (void)shutdown(connection->socket, SHUT_RDWR);
#ifdef __linux__
    /* On Linux a socket that is shut down still receives; disconnecting it ends that. */
    memset(&no_peer, 0, sizeof no_peer);
    no_peer.sa_family = AF_UNSPEC;
    (void)connect(connection->socket, &no_peer, sizeof no_peer);
#endif
}

void oh_connections_free(struct oh_connections *connections)
{
    size_t i;

    for (i = 0; i < connections->capacity; i++)
        free(connections->by_socket[i]);
    free(connections->by_socket);
    memset(connections, 0, sizeof *connections);
}
