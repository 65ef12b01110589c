/* What came back from one exchange: plain data that crosses from the HTTP layer to the wire layer. */
#ifndef OH_RESPONSE_H
#define OH_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>

enum oh_result {
    OH_RESULT_ANSWERED,  /* a whole HTTP answer is here */
    OH_RESULT_CONNECT,   /* no connection, or it broke before an answer began */
    OH_RESULT_PROXY,     /* the proxy wants other credentials */
    OH_RESULT_TIMEOUT,   /* the exchange's own time ran out */
    OH_RESULT_TLS,       /* no trusted connection */
    OH_RESULT_FORBIDDEN, /* a name led where the service may not send us */
    OH_RESULT_CUT,       /* an answer began and broke off */
    OH_RESULT_TOO_LARGE, /* more bytes of a body than allowed */
    OH_RESULT_GARBLED,   /* not HTTP as we know it */
    OH_RESULT_FILE,      /* the file that the answer was to go to failed */
    OH_RESULT_MEMORY,    /* out of memory here */
    OH_RESULT_CANCELLED  /* the caller gave it up */
};

struct oh_response {
    enum oh_result result;
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
