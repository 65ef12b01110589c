/* Tracks the connections that libcurl holds for one client: libcurl tells only the addresses of the connection that a
   request will use, and not whether the peer has sent unrequested bytes. Also tells the system what to watch them for.
   Finding one takes the same time however many there are. Must not know Lua or libcurl. */
#ifndef OH_CONNECTIONS_H
#define OH_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "os/readiness.h"

struct oh_connection {
    struct oh_connection *previous, *next; /* among the unused ones, or the used ones with the same hash of the port */
    int socket;
    int port;            /* local port; 0 until oh_connections_find_by_address has read it from the socket */
    char address[46];    /* local address, as libcurl spells it; read together with the port */
    bool is_used;        /* a request has been sent over it */
    bool is_http1;       /* it has carried an HTTP/1 response: its peer may send only after a request */
    bool is_retired;     /* must not be used again */
    bool has_begun;      /* bytes of the response to its latest request have come */
    bool is_counting;    /* `total_before` is known */
    double total;        /* bytes that have been read from it */
    double total_before; /* bytes that had been read before the second read of the response to its latest request */
    double payload;      /* bytes of headers and bodies since its latest request */
    int wanted, watched; /* what libcurl wants it watched for, and what the system watches it for: OH_READABLE, … */
};

#define OH_CONNECTION_PORTS 256 /* hashes of ports */

struct oh_connections {
    struct oh_readiness *readiness;    /* borrowed */
    struct oh_connection **by_socket;  /* owned, with the connections; NULL where none has that number */
    size_t capacity;                   /* of `by_socket` */
    size_t resting;                    /* connections that are watched although libcurl does not want it */
    struct oh_connection *unused;      /* their local address may change until they are connected */
    struct oh_connection *by_port[OH_CONNECTION_PORTS]; /* the used ones */
};

/* Adds a new socket; false when out of memory. */
bool oh_connections_add(struct oh_connections *connections, int socket);
/* Removes a socket that is about to be closed; an unknown one is fine. */
void oh_connections_remove(struct oh_connections *connections, int socket);
/* Returns the connection with this socket, NULL if there is none. Valid until it is removed. */
struct oh_connection *oh_connections_find(const struct oh_connections *connections, int socket);
/* Returns the connection with this local address, NULL if there is none. `opened`: the socket that the
   connection probably has. */
struct oh_connection *oh_connections_find_by_address(const struct oh_connections *connections, const char *address,
                                                     int port, int opened);
/* Notes that a request is about to be sent over it. */
void oh_connections_use(struct oh_connections *connections, struct oh_connection *connection);
/* Sets what a socket is watched for; 0: nothing. Also takes sockets that are not listed. A listed socket that libcurl
   does not want any more rests: the system goes on watching it, because the next request will want that again. */
void oh_connections_watch(struct oh_connections *connections, int socket, int wanted);
/* Ends the watch of a socket that is ready although libcurl does not want it. Returns whether it is such a socket. */
bool oh_connections_refuse(struct oh_connections *connections, int socket);
/* Ends the watch of every resting socket. */
void oh_connections_end_rest(struct oh_connections *connections);
/* Returns whether there is nothing to read from the socket: no bytes, and no end of the connection. */
bool oh_connection_is_quiet(const struct oh_connection *connection);
/* Updates the byte counts; must be called each time before libcurl reads. Asks the system only from the second read of
   a response on, because one read is enough for most: the bytes of the first read are not counted. */
void oh_connection_update_counts(struct oh_connection *connection);
/* Returns whether far more bytes have come than headers and bodies account for (chunk extensions, empty compressed
   blocks or frames): they cost time and may never end. */
bool oh_connection_is_flooding(const struct oh_connection *connection);
/* Disconnects it in both directions; libcurl will notice and close the socket. */
void oh_connection_cut(struct oh_connection *connection);
/* Frees the list; closes no socket. */
void oh_connections_free(struct oh_connections *connections);

#endif
