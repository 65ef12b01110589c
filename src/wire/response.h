/* What came back from one exchange: plain data that crosses from the HTTP layer to the wire layer. */
#ifndef OH_ANSWER_H
#define OH_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

enum oh_transport {
    OH_TRANSPORT_ANSWERED,  /* a whole HTTP answer is here */
    OH_TRANSPORT_CONNECT,   /* no connection, or it broke before an answer began */
    OH_TRANSPORT_PROXY,     /* the proxy wants other credentials */
    OH_TRANSPORT_TIMEOUT,   /* the exchange's own time ran out */
    OH_TRANSPORT_TLS,       /* no trusted connection */
    OH_TRANSPORT_FORBIDDEN, /* a name led where the service may not send us */
    OH_TRANSPORT_CUT,       /* an answer began and broke off */
    OH_TRANSPORT_TOO_LARGE, /* more bytes of a body than allowed */
    OH_TRANSPORT_GARBLED,   /* not HTTP as we know it */
    OH_TRANSPORT_FILE,      /* the file that the answer was to go to failed */
    OH_TRANSPORT_MEMORY,    /* out of memory here */
    OH_TRANSPORT_CANCELLED  /* the caller gave it up */
};

struct oh_answer {
    enum oh_transport transport;
    bool sent;   /* false: not one byte of the request left this machine */
    long status; /* HTTP status, 0 if none came */
    const char *body;
    size_t length;
    char content_type[64];
    char retry_after[64];    /* the header as sent, empty if absent */
    char date[40];           /* as the service has it, as sent, empty if absent */
    char redirect_host[128]; /* host that a 3xx points to */
    char reason[256];        /* the transport's own words */
};

#endif
