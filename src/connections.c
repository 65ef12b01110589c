/* The connections that libcurl holds. Must not know Lua or libcurl. */
#include "connections.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define FIRST_CAPACITY 16

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
    memset(connection, 0, sizeof *connection); /* a known one has been closed unnoticed */
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

static void note_end(struct oh_connection *connection)
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

struct oh_connection *oh_connections_at(const struct oh_connections *connections, const char *address, int port)
{
    size_t i;

    for (i = 0; i < connections->count; i++) {
        struct oh_connection *connection = &connections->list[i];
        if (!connection->asked) /* before it is connected its end may still change */
            note_end(connection);
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

void oh_connections_free(struct oh_connections *connections)
{
    free(connections->list);
    memset(connections, 0, sizeof *connections);
}
