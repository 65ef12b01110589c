/* One HTTP request and its response. Knows libcurl, must not know Lua.
   The files: exchange.c makes, recycles and frees it; exchange_setup.c sets libcurl's options;
   exchange_attempt.c chooses the connection and decides whether to try again; exchange_transfer.c moves the bytes;
   exchange_result.c says how it ended and exchange_reason.c why, in words. multi.c queues it, multi_step.c drives it.
   Owned by exactly one queue of the multi at a time: building, outgoing, in_flight,
   done. Then it is freed, or moves to idle for another request.
   It holds a reference to its request; the last holder wipes and frees the request, also after a failure. */
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

/* The kinds of exchanges that may take over the handle of an earlier one of their kind. They use the origin's own
   credentials. */
enum oh_plain {
    OH_NOT_PLAIN,
    OH_PLAIN_READ, /* a GET for JSON */
    OH_PLAIN_POST, /* a POST of JSON for JSON, sent at most once */
    OH_PLAIN_KINDS
};

struct oh_exchange {
    struct oh_exchange *previous, *next; /* in its queue */
    uint64_t number;                     /* 0 until submitted */
    const void *operation;               /* set by the caller, never read here */

    /* The request: filled by the caller between oh_multi_prepare and oh_multi_submit. */
    const char *method;         /* borrowed from the operation */
    struct oh_request *request; /* counted; NULL until the caller sets it */
    enum oh_plain plain;        /* whether it may have a warm handle: see oh_multi_prepare */
    bool is_sent_once;          /* must be sent at most once */
    const char *accept;         /* borrowed; value of the Accept header */
    bool is_brief;              /* a short answer is expected: it is not requested compressed */
    double timeout;             /* seconds for the whole exchange */
    double connect_timeout;     /* seconds until connected */
    double set_connect_timeout; /* the one that its handle has; 0: none */
    long buffer_size;           /* bytes that its handle reads at once; 0: not set */
    double overdue_at;          /* monotonic time at which it is ended even if libcurl has not begun it */
    char *api_key;              /* owned, secret; NULL: the origin's */
    char *organization;         /* owned; NULL: the origin's */
    char *session_api_key;      /* owned, secret; NULL: the origin's */
    struct oh_origin *server;   /* owned; sent to this server instead of the client's origin. NULL: none */
    bool anonymous;             /* sent without the origin's credentials */

    /* The response. */
    struct oh_headers headers;
    struct oh_buffer received;    /* the body */
    struct oh_download *download; /* owned; the file to which the body of a 200 response is written. NULL: none */
    struct oh_json_stream stream; /* over `received`, read while it arrives */
    struct oh_response response;
    size_t most_memory;           /* most bytes that its values may take in Lua; set by the caller, never read here */
    size_t taken_memory;          /* of that, what elements of the stream took; never read here */
    bool undecoded;               /* the body is returned as text; set by the caller, never read here */
    size_t searched;              /* bytes of the body in which the caller has looked for secrets; never read here */

    /* libcurl's side. */
    void *easy;                         /* CURL; NULL if an external transport performs the exchange */
    bool is_started;                    /* libcurl's multi handle has it */
    struct oh_buffer target;            /* path and query, as they are sent */
    struct curl_slist *request_headers; /* owned; NULL: the origin's shared ones */
    struct oh_connections *connections; /* borrowed from the multi */
    struct oh_origin *service;          /* borrowed; the client's own origin */
    int socket;                         /* of its connection; below 0: not known */
    int opened;                         /* the socket that libcurl has opened for it last; below 0: none */
    bool trusts_bundle;                 /* certificates are checked against the bundle file, not the directory */
    bool trust_was_switched;            /* an earlier attempt checked them against the other one */
    bool forced_fresh;                  /* its handle is set to make a new connection */
    char error[256];                    /* CURL_ERROR_SIZE */

    /* Written by libcurl's callbacks. */
    unsigned attempts;       /* how often libcurl has begun to send it */
    bool reused_connection;  /* the latest attempt used a connection that had been used before */
    bool reused_http1;       /* the same, and it is not shared */
    bool own_request_begun;  /* libcurl has begun to send it (not only CONNECT to a proxy), or cannot tell */
    size_t body_sent;        /* bytes */
    size_t header_bytes;     /* of the response */
    bool is_stale;           /* its connection was retired or had unrequested bytes: nothing was sent, try another */
    bool was_repeated;       /* libcurl was about to send it again by itself, and was stopped */
    bool address_refused;    /* a host name resolved to an address that the service may not name */
    bool header_overflow;
    bool body_overflow;
    bool is_flooded;         /* its connection received far more bytes than headers and bodies account for */
    bool out_of_memory;
};

/* ---- life (exchange.c) */

/* Returns an empty exchange without a request, for a body of at most `most_received` bytes; NULL when out of memory. */
struct oh_exchange *oh_exchange_new(size_t most_received);
/* Returns the exchange's own request, to be filled; makes an empty one if there is none. NULL: out of memory. */
struct oh_request *oh_exchange_own_request(struct oh_exchange *exchange, size_t most_body);
/* Makes the exchange hold and send `request` instead of a request of its own. */
void oh_exchange_share_request(struct oh_exchange *exchange, struct oh_request *request);
/* Returns whether the body is taken as it is, not as JSON: then nothing in it shows whether it is complete. */
bool oh_exchange_is_raw(const struct oh_exchange *exchange);
/* Returns how many bytes of the body have arrived. */
double oh_exchange_arrived(const struct oh_exchange *exchange);
/* Returns the length of the body in bytes, as the response states it; below 0 if it does not. */
double oh_exchange_expected(const struct oh_exchange *exchange);
/* Returns whether its handle may serve another exchange of its kind: then it is a warm handle; its options are set. */
bool oh_exchange_is_reusable(const struct oh_exchange *exchange);
/* Empties it, but keeps the warm handle. */
void oh_exchange_reset(struct oh_exchange *exchange);
/* Frees everything it owns and releases its request. It must have been removed from libcurl's multi handle. */
void oh_exchange_free(struct oh_exchange *exchange);

/* ---- options (exchange_setup.c). All functions below that set options or callbacks return false when libcurl refuses
   one of them. */

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
/* Sets the callback that refuses addresses which `service` may not name, and notes the scope of the service's own
   address. */
bool oh_exchange_set_address_callback(struct oh_exchange *exchange, struct oh_origin *service);
/* Notes whether its connection is shared with other requests (HTTP/2 and later). */
void oh_exchange_note_version(struct oh_exchange *exchange, bool is_multiplexed);
/* Counts bytes of its headers or body, to be compared with all bytes that its connection receives. */
void oh_exchange_count_payload(struct oh_exchange *exchange, size_t length);
/* Keeps later exchanges from using its connection; without effect on HTTP/2, where others may already share it. */
void oh_exchange_retire_connection(struct oh_exchange *exchange);
/* Prepares another attempt, of at most `seconds`, if the last one ended before anything was sent, or was a read over a
   dead connection, and another may succeed. Returns whether it did. */
bool oh_exchange_try_again(struct oh_exchange *exchange, const struct oh_origin *origin, int result, double seconds);

/* ---- bytes (exchange_transfer.c) */

/* Sets the callbacks that send the body and receive headers and body. */
bool oh_exchange_set_transfer_callbacks(struct oh_exchange *exchange);
/* Sets that the request has a body, and the method to POST. */
bool oh_exchange_set_body(struct oh_exchange *exchange);
/* Sets the length of the body. */
bool oh_exchange_set_body_length(struct oh_exchange *exchange);
/* Stores bytes of the body: in the download, if there is one and the status is 200, else in `received`. False when that
   fails; the reason is noted. */
bool oh_exchange_receive(struct oh_exchange *exchange, long status, const char *bytes, size_t length);

/* ---- end (exchange_result.c, exchange_reason.c) */

/* Fills `response` from libcurl's result code. */
void oh_exchange_conclude(struct oh_exchange *exchange, const struct oh_origin *origin, int result);
/* Fills `response` of an exchange that is ended without libcurl: OH_RESULT_CANCELLED, OH_RESULT_TIMEOUT or
   OH_RESULT_MEMORY. */
void oh_exchange_give_up(struct oh_exchange *exchange, enum oh_result result);
/* Writes the reason of a failed exchange, whose `response.result` is set. */
void oh_exchange_note_reason(struct oh_exchange *exchange, const struct oh_origin *origin, int result);
/* Writes as the reason that the body was larger than allowed. */
void oh_exchange_note_overflow(struct oh_exchange *exchange);
/* Writes as the reason that the body was compressed and does not decompress to a result of the operation. */
void oh_exchange_note_compressed(struct oh_exchange *exchange);
/* Returns the HTTP status with which its proxy refused to connect, 0 if none did. */
long oh_exchange_proxy_status(const struct oh_exchange *exchange);

#endif
