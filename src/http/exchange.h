/* One HTTP request and its response. HTTP layer: knows libcurl, never Lua.
   Life: prepared (building) -> in flight -> done -> released; at each moment exactly one list of the multi owns it. */
#ifndef OH_EXCHANGE_H
#define OH_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/response.h"
#include "os/buffer.h"
#include "http/connections.h"
#include "os/download.h"
#include "wire/json_stream.h"
#include "http/origin.h"
#include "http/request.h"

struct oh_exchange {
    struct oh_exchange *previous, *next;
    uint64_t number;       /* 0 until submitted */
    const void *operation; /* the caller's mark; never looked into here */

    /* The request, filled by the caller between prepare and submit. */
    const char *method;        /* borrowed from the operation */
    struct oh_request *request; /* held; NULL until the caller sets it */
    bool plain;                /* looks like every other plain read of its origin: see oh_multi_prepare */
    bool once;                 /* must reach the wire at most once */
    const char *accept;        /* borrowed; what the answer should be */
    double timeout;            /* seconds for the whole exchange */
    double connect_timeout;    /* seconds until connected */
    double overdue_at;         /* monotonic moment at which it is ended even if libcurl has not begun it */
    char *api_key;             /* secret; NULL: the origin's */
    char *organization;        /* NULL: the origin's */
    char *session_api_key;     /* secret; NULL: none */
    struct oh_origin *server;  /* owned; another place than the client's origin, for this exchange. NULL: none */
    bool anonymous;            /* without the origin's credentials */
    bool undecoded;            /* the answer is wanted as its text, once it has been read */

    /* The response. */
    struct oh_buffer received;
    struct oh_download *download; /* owned; where the body of a good answer goes instead. NULL: none */
    size_t most_memory;           /* bytes that the values of an answer may take; the caller's, never looked at here */
    struct oh_json_stream stream;     /* of `received`, read while it arrives */
    struct oh_response response;

    /* libcurl's side; what only the callbacks touch is below. */
    void *easy;
    struct oh_connections *connections; /* borrowed from the multi */
    struct oh_origin *service;  /* borrowed; the client's own */
    int socket;                 /* of the connection that its request was sent by, below 0: not known */
    unsigned attempts;          /* how often libcurl has begun to send it */
    bool forbidden;             /* a name led to an address that the service may not name */
    bool was_kept;              /* the last attempt used a connection that had been used before */
    bool repeated;              /* libcurl would have sent it once more, without being asked to */
    bool stale;                 /* something had come unasked by the connection that it was to use */
    bool trusts_bundle;         /* its handle looks for authorities in the bundle, not in the directory */
    bool was_distrusted;        /* and has looked in the other one before */
    bool fresh;                 /* its handle has been told to make a new connection */
    struct Curl_URL *url;
    struct curl_slist *headers; /* own headers; NULL: shared with the origin */
    size_t body_sent;
    size_t header_bytes;
    bool begun; /* the request itself, behind the tunnel of a proxy */
    bool header_overflow;
    bool body_overflow;
    bool babble_overflow; /* its connection brought far more than headers and bodies */
    bool out_of_memory;
    bool ends_marked; /* the body's end is marked in the stream, without a length */
    bool header_ended; /* its empty line came */
    bool packed; /* its body is in a coding that was not asked for */
    char error[256]; /* CURL_ERROR_SIZE */
};

/* A zeroed exchange without a request, NULL when out of memory. */
struct oh_exchange *oh_exchange_new(size_t most_received);
/* Readies libcurl's handle for this request; false when out of memory or when an option that safety depends on is
   refused: then nothing may be sent. */
bool oh_exchange_configure(struct oh_exchange *exchange, struct oh_origin *origin);
/* The exchange's own empty request, to be filled: made if there is none yet. NULL: out of memory. */
struct oh_request *oh_exchange_own_request(struct oh_exchange *exchange, size_t most_body);
/* Lets the exchange send `request`, which it holds from now on, in place of one of its own. */
void oh_exchange_share_request(struct oh_exchange *exchange, struct oh_request *request);
/* Whether the body is wanted as it is: nothing in it tells whether it is whole. */
bool oh_exchange_is_raw(const struct oh_exchange *exchange);
/* Takes bytes of the body as they arrive: into the download if the status is good, else into `received`. False when
   that fails; why is noted. */
bool oh_exchange_receive(struct oh_exchange *exchange, long status, const char *bytes, size_t length);
/* Notes as the answer's reason that its body had more bytes than it may have. */
void oh_exchange_note_overflow(struct oh_exchange *exchange);
/* Bytes of the body that have come, and how many will; below 0 if that was not said. */
double oh_exchange_arrived(const struct oh_exchange *exchange);
double oh_exchange_expected(const struct oh_exchange *exchange);
/* Lets no address be connected to that the service may not name; notes of the service itself how far it is. */
bool oh_exchange_watch_addresses(struct oh_exchange *exchange, struct oh_origin *service);
/* Sets what decides, attempt by attempt, which connection is used. */
bool oh_exchange_prepare_attempts(struct oh_exchange *exchange);
/* Notes by which version of HTTP its connection answers: `shared`, 2 or later. */
void oh_exchange_note_version(struct oh_exchange *exchange, bool shared);
/* Notes that so many bytes of what its connection brought were of its headers or its body. */
void oh_exchange_count_payload(struct oh_exchange *exchange, size_t length);
/* Lets no other exchange use its connection, unless others share it. */
void oh_exchange_retire_connection(struct oh_exchange *exchange);
/* True if libcurl's result ends it before anything was sent, and it is ready for another attempt of so many seconds. */
bool oh_exchange_try_again(struct oh_exchange *exchange, const struct oh_origin *origin, int result, double seconds);
/* Has its handle look for authorities where the origin last found one that only one place knew; false: no memory. */
bool oh_exchange_set_trust(struct oh_exchange *exchange, const struct oh_origin *origin, bool in_bundle);
/* For libcurl, which takes 0 for "for ever": at least one. */
long oh_exchange_milliseconds(double seconds);
/* Copies a header's value without the blanks around it; too long a value is no value. */
void oh_exchange_copy_value(char *out, size_t room, const char *value, size_t length);
/* Fills `answer` from libcurl's result code. */
void oh_exchange_conclude(struct oh_exchange *exchange, const struct oh_origin *origin, int result);
/* Says in the answer, whose transport is known, why it is none. */
void oh_exchange_note_reason(struct oh_exchange *exchange, const struct oh_origin *origin, int result);
void oh_exchange_note_compressed(struct oh_exchange *exchange);
/* With what status its proxy refused to connect it, 0 if none did. */
long oh_exchange_proxy_status(const struct oh_exchange *exchange);
/* Fills `answer` of an exchange that is ended from here, without libcurl's word: as OH_RESULT_CANCELLED, or as
   OH_RESULT_TIMEOUT. */
void oh_exchange_give_up(struct oh_exchange *exchange, enum oh_result result);
/* True if its handle may serve another plain read. */
bool oh_exchange_is_reusable(const struct oh_exchange *exchange);
/* Back to the state of oh_exchange_new, but with a warm handle. */
void oh_exchange_reset(struct oh_exchange *exchange);
/* Releases everything; it must be out of the multi handle. */
void oh_exchange_free(struct oh_exchange *exchange);

#endif
