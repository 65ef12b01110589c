/* What is known of the connections that libcurl holds for one client: it tells neither which one a request will use nor
   whether its peer has spoken unasked. Knows neither Lua nor libcurl. */
#ifndef OH_CONNECTIONS_H
#define OH_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct oh_connection {
    int socket;
    int port;         /* of this end, 0 until it is connected */
    char address[46]; /* of this end, as libcurl spells it */
    bool asked;       /* a request has been sent by it */
    bool in_turn;     /* an answer of HTTP/1 came by it: its peer may speak only when it is asked */
    bool given_up;    /* is not to be used again */
    bool counts;      /* `before` is known */
    double total;     /* bytes that have been taken from it */
    double before;    /* those of them that were taken before the last request was answered */
    double meant;     /* bytes of headers and bodies since then */
};

struct oh_connections {
    struct oh_connection *list;
    size_t count, capacity;
};

/* Notes a new socket; false when out of memory. */
bool oh_connections_add(struct oh_connections *connections, int socket);
/* Forgets a socket that is to be closed; an unknown one is fine. */
void oh_connections_remove(struct oh_connections *connections, int socket);
/* The connection with this socket, or with this end; NULL if there is none. Good until the next add or remove. */
struct oh_connection *oh_connections_find(const struct oh_connections *connections, int socket);
struct oh_connection *oh_connections_at(const struct oh_connections *connections, const char *address, int port);
/* True if nothing has come by the connection that nobody has read, its end included. */
bool oh_connection_is_quiet(const struct oh_connection *connection);
/* Counts what has been taken from it; to be called before it is read again. */
void oh_connection_count(struct oh_connection *connection);
/* True if far more has come than headers and bodies can account for: extensions of chunks, packed blocks or frames in
   which nothing is, all of which cost time and end nowhere. */
bool oh_connection_is_flooding(const struct oh_connection *connection);
/* Ends it for both sides; whoever owns the socket will find out and close it. */
void oh_connection_cut(struct oh_connection *connection);
void oh_connections_free(struct oh_connections *connections);

#endif
