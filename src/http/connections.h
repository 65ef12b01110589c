/* Tracks the connections that libcurl holds for one client: libcurl tells only the addresses of the connection that a
   request will use, and not whether the peer has sent unrequested bytes. Must not know Lua or libcurl. */
#ifndef OH_CONNECTIONS_H
#define OH_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct oh_connection {
    int socket;
    int port;            /* local port; 0 until oh_connections_find_by_address has read it from the socket */
    char address[46];    /* local address, as libcurl spells it; read together with the port */
    bool is_used;        /* a request has been sent over it */
    bool is_http1;       /* it has carried an HTTP/1 response: its peer may send only after a request */
    bool is_retired;     /* must not be used again */
    bool is_counting;    /* `total_before` is known */
    double total;        /* bytes that have been read from it */
    double total_before; /* bytes that had been read before the response to its latest request */
    double payload;      /* bytes of headers and bodies since `total_before` */
};

struct oh_connections {
    struct oh_connection *list;
    size_t count, capacity;
};

/* Adds a new socket; false when out of memory. */
bool oh_connections_add(struct oh_connections *connections, int socket);
/* Removes a socket that is about to be closed; an unknown one is fine. */
void oh_connections_remove(struct oh_connections *connections, int socket);
/* Returns the connection with this socket, NULL if there is none. Valid until the next add or remove. */
struct oh_connection *oh_connections_find(const struct oh_connections *connections, int socket);
/* Returns the connection with this local address, NULL if there is none. Valid until the next add or remove. */
struct oh_connection *oh_connections_find_by_address(const struct oh_connections *connections, const char *address,
                                                     int port);
/* Returns whether there is nothing to read from the socket: no bytes, and no end of the connection. */
bool oh_connection_is_quiet(const struct oh_connection *connection);
/* Updates the byte counts; must be called each time before libcurl reads. */
void oh_connection_update_counts(struct oh_connection *connection);
/* Returns whether far more bytes have come than headers and bodies account for (chunk extensions, empty compressed
   blocks or frames): they cost time and may never end. */
bool oh_connection_is_flooding(const struct oh_connection *connection);
/* Disconnects it in both directions; libcurl will notice and close the socket. */
void oh_connection_cut(struct oh_connection *connection);
void oh_connections_free(struct oh_connections *connections);

#endif
