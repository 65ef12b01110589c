/* Tracks the connections that libcurl holds for one client. Must not know Lua or libcurl. */
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

#define FIRST_CAPACITY 16
#define READ_SIZE 16384         /* bytes that libcurl reads at once, at least */
#define MOST_OVERHEAD 4194304.0 /* bytes besides headers and body that any response may have */
#define MOST_PER_BYTE 8.0       /* received bytes allowed per byte of headers and body: TLS and chunks add some */

bool oh_connections_add(struct oh_connections *connections, int socket)
{
    struct oh_connection *connection = oh_connections_find(connections, socket);

    if (connection == NULL && connections->count == connections->capacity) {
        size_t capacity = connections->capacity > 0 ? connections->capacity * 2 : FIRST_CAPACITY;
        struct oh_connection *list = realloc(connections->list, capacity * sizeof *list);
        if (list == NULL)
            return false;
        connections->list = list;
        connections->capacity = capacity;
    }
    if (connection == NULL)
        connection = &connections->list[connections->count++];
    memset(connection, 0, sizeof *connection); /* an old entry means that the end of its socket was not reported */
    connection->socket = socket;
    return true;
}

void oh_connections_remove(struct oh_connections *connections, int socket)
{
    struct oh_connection *connection = oh_connections_find(connections, socket);

    if (connection != NULL)
        *connection = connections->list[--connections->count];
}

struct oh_connection *oh_connections_find(const struct oh_connections *connections, int socket)
{
    size_t i;

    for (i = 0; i < connections->count; i++)
        if (connections->list[i].socket == socket)
            return &connections->list[i];
    return NULL;
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

struct oh_connection *oh_connections_find_by_address(const struct oh_connections *connections, const char *address,
                                                     int port)
{
    size_t i;

    for (i = 0; i < connections->count; i++) {
        struct oh_connection *connection = &connections->list[i];
        if (!connection->is_used) /* its local address may change until it is connected */
            note_local_address(connection);
        if (connection->port == port && port > 0 && strcmp(connection->address, address) == 0)
            return connection;
    }
    return NULL;
}

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
    connection->total = bytes_read(connection);
    if (!connection->is_counting)
        connection->total_before = connection->total;
    connection->is_counting = true;
}

bool oh_connection_is_flooding(const struct oh_connection *connection)
{
    return connection->is_used && connection->is_counting &&
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
    free(connections->list);
    memset(connections, 0, sizeof *connections);
}
