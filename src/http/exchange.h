/* One HTTP request and its response. Knows libcurl, must not know Lua.
   Its life, by files: exchange.c makes, recycles and frees it; exchange_setup.c sets libcurl's options;
   exchange_attempt.c chooses the connection and decides whether to try again; exchange_transfer.c moves the bytes;
   exchange_result.c says how it ended and exchange_reason.c why, in words. multi.c queues it, multi_step.c drives it.
   Owned by exactly one queue of the multi at a time: building -> in_flight -> done -> released.
   It holds a reference to its request; the last holder frees and wipes the request, whatever fails. */
#ifndef OH_EXCHANGE_H
#define OH_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/connections.h"
#include "http/origin.h"
#include "http/request.h"
#include "os/buffer.h"
#include "os/download.h"
#include "wire/headers.h"
#include "wire/json_stream.h"
#include "wire/response.h"

#define OH_MOST_HEADER_KIB 64 /* of one response */

struct oh_exchange {
    struct oh_exchange *previous, *next; /* in its queue */
    uint64_t number;                     /* 0 until submitted */
    const void *operation;               /* set by the caller, never read here */

    /* The request: filled by the caller between oh_multi_prepare and oh_multi_submit. */
    const char *method;         /* borrowed from the operation */
    struct oh_request *request; /* counted; NULL until the caller sets it */
    bool plain;                 /* like every other plain read of its origin: see oh_multi_prepare */
    bool once;                  /* must be sent at most once */
    const char *accept;         /* borrowed; value of the Accept header */
    double timeout;             /* seconds for the whole exchange */
    double connect_timeout;     /* seconds until connected */
    double overdue_at;          /* monotonic moment at which it is ended even if libcurl has not begun it */
    char *api_key;              /* owned, secret; NULL: the origin's */
    char *organization;         /* owned; NULL: the origin's */
    char *session_api_key;      /* owned, secret; NULL: the origin's */
    struct oh_origin *server;   /* owned; sent to this server instead of the client's origin. NULL: none */
    bool anonymous;             /* sent without the origin's credentials */

    /* The response. */
    struct oh_headers headers;
    struct oh_buffer received;    /* the body */
    struct oh_download *download; /* owned; the file that the body of a good response goes to. NULL: none */
    struct oh_json_stream stream; /* over `received`, read while it arrives */
    struct oh_response response;
    size_t most_memory;           /* bytes that its values may take in Lua; set by the caller, never read here */
    bool undecoded;               /* the caller wants the body as text; never read here */

    /* libcurl's side. */
    void *easy;                         /* CURL; NULL while an external transport carries it */
    struct Curl_URL *url;
    struct curl_slist *request_headers; /* owned; NULL: the origin's shared ones */
    struct oh_connections *connections; /* borrowed from the multi */
    struct oh_origin *service;          /* borrowed; the client's own origin */
    int socket;                         /* of the connection that carries it, below 0: not known */
    bool trusts_bundle;                 /* certificates are checked against the bundle file, not the directory */
    bool trust_was_switched;            /* and were checked against the other one before */
    bool forced_fresh;                  /* its handle has been told to make a new connection */
    char error[256];                    /* CURL_ERROR_SIZE */

    /* Written by libcurl's callbacks. */
    unsigned attempts;       /* how often libcurl has begun to send it */
    bool was_kept;           /* the latest attempt used a connection that had been used before */
    bool begun;              /* its own request has begun, behind the tunnel of a proxy */
    size_t body_sent;        /* bytes */
    size_t header_bytes;     /* of the response */
    bool is_stale;           /* the connection had unrequested bytes: nothing was sent, try another one */
    bool was_repeated;       /* libcurl wanted to send it once more by itself: stopped */
    bool address_refused;    /* a host name resolved to an address that the service may not name */
    bool header_overflow;
    bool body_overflow;
    bool endless;            /* its connection brought far more bytes than headers and bodies account for */
    bool out_of_memory;
};

/* ---- life (exchange.c) */

/* Returns a zeroed exchange without a request, NULL when out of memory. */
struct oh_exchange *oh_exchange_new(size_t most_received);
/* Returns the exchange's own empty request, to be filled; made if there is none. NULL: out of memory. */
struct oh_request *oh_exchange_own_request(struct oh_exchange *exchange, size_t most_body);
/* Makes the exchange send `request`, which it holds from now on, instead of one of its own. */
void oh_exchange_share_request(struct oh_exchange *exchange, struct oh_request *request);
/* Returns whether the body is wanted raw: nothing in it shows whether it is complete. */
bool oh_exchange_is_raw(const struct oh_exchange *exchange);
/* Returns how many bytes of the body have come, and how many there will be; below 0 if that was not said. */
double oh_exchange_arrived(const struct oh_exchange *exchange);
double oh_exchange_expected(const struct oh_exchange *exchange);
/* Returns whether its handle may serve another plain read. */
bool oh_exchange_is_reusable(const struct oh_exchange *exchange);
/* Makes it as new, but with a warm handle. */
void oh_exchange_reset(struct oh_exchange *exchange);
/* Releases everything it owns, and its count on the request; it must be out of libcurl's multi handle. */
void oh_exchange_free(struct oh_exchange *exchange);

/* ---- options (exchange_setup.c) */

/* Prepares libcurl's handle. False when out of memory, or when libcurl refuses an option that safety depends on: then
   nothing may be sent. */
bool oh_exchange_configure(struct oh_exchange *exchange, struct oh_origin *origin);
/* Checks certificates against the bundle file or the directory of the origin; false when out of memory. */
bool oh_exchange_set_trust(struct oh_exchange *exchange, const struct oh_origin *origin, bool in_bundle);
/* Sets the timeout of the next attempt. */
bool oh_exchange_set_timeout(struct oh_exchange *exchange, double seconds);

/* ---- connections and attempts (exchange_attempt.c) */

/* Sets the callbacks that choose the connection of each attempt. */
bool oh_exchange_set_attempt_callbacks(struct oh_exchange *exchange);
/* Sets the callback that refuses addresses which the service may not name, and notes how far the service itself is. */
bool oh_exchange_set_address_callback(struct oh_exchange *exchange, struct oh_origin *service);
/* Notes whether its connection is shared with other requests (HTTP/2 and later). */
void oh_exchange_note_version(struct oh_exchange *exchange, bool is_multiplexed);
/* Counts bytes of its headers or body, of all that its connection brings. */
void oh_exchange_count_payload(struct oh_exchange *exchange, size_t length);
/* Keeps other exchanges from using its connection, unless some already share it. */
void oh_exchange_retire_connection(struct oh_exchange *exchange);
/* Returns whether libcurl's result came before anything was sent, and prepares another attempt of so many seconds. */
bool oh_exchange_try_again(struct oh_exchange *exchange, const struct oh_origin *origin, int result, double seconds);

/* ---- bytes (exchange_transfer.c) */

/* Sets the callbacks that send the body and receive headers and body. */
bool oh_exchange_set_transfer_callbacks(struct oh_exchange *exchange);
/* Sets the request's body and method. */
bool oh_exchange_set_body(struct oh_exchange *exchange);
/* Takes bytes of the body: into the download if the status is 200, else into `received`. False when that fails; the
   reason is noted. */
bool oh_exchange_receive(struct oh_exchange *exchange, long status, const char *bytes, size_t length);

/* ---- end (exchange_result.c, exchange_reason.c) */

/* Fills `response` from libcurl's result code. */
void oh_exchange_conclude(struct oh_exchange *exchange, const struct oh_origin *origin, int result);
/* Fills `response` of an exchange that is ended without libcurl: OH_RESULT_CANCELLED or OH_RESULT_TIMEOUT. */
void oh_exchange_give_up(struct oh_exchange *exchange, enum oh_result result);
/* Writes the reason of a failed exchange, whose result is known. */
void oh_exchange_note_reason(struct oh_exchange *exchange, const struct oh_origin *origin, int result);
/* Writes as the reason that the body was larger than allowed. */
void oh_exchange_note_overflow(struct oh_exchange *exchange);
/* Writes as the reason that the body was compressed and is not what the operation answers. */
void oh_exchange_note_compressed(struct oh_exchange *exchange);
/* Returns the status with which its proxy refused to connect, 0 if none did. */
long oh_exchange_proxy_status(const struct oh_exchange *exchange);

#endif
