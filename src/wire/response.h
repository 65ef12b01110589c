/* The end of one exchange and its response: plain data that the HTTP layer fills and the wire layer classifies.
   Must not know Lua or libcurl. */
#ifndef OH_RESPONSE_H
#define OH_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>

enum oh_result {
    OH_RESULT_ANSWERED,  /* a complete HTTP response has arrived */
    OH_RESULT_CONNECT,   /* no connection, or it broke before a response began */
    OH_RESULT_PROXY,     /* the proxy requires other credentials (407) */
    OH_RESULT_TIMEOUT,   /* the exchange's own timeout ran out */
    OH_RESULT_TLS,       /* no trusted connection */
    OH_RESULT_FORBIDDEN, /* a host name resolved to an address that the service may not name (address_scope.h) */
    OH_RESULT_CUT,       /* a response began and broke off, or nothing shows that it is complete */
    OH_RESULT_TOO_LARGE, /* the body has more bytes than allowed */
    OH_RESULT_GARBLED,   /* not a valid HTTP response, or one that breaks a limit other than that of the body */
    OH_RESULT_FILE,      /* the file of a download could not be written */
    OH_RESULT_MEMORY,    /* out of memory in this process */
    OH_RESULT_CANCELLED  /* the caller cancelled it */
};

struct oh_response {
    enum oh_result result;
    bool sent;        /* false: the service cannot have processed the request */
    bool is_unmarked; /* with OH_RESULT_CUT: nothing was seen to be missing, but nothing shows that it is complete */
    long status;      /* HTTP status, 0 if none came */
    const char *body;
    size_t length;
    char content_type[64];
    char retry_after[64];    /* the header as sent, "" if absent */
    char date[40];           /* the header as sent, "" if absent */
    char redirect_host[128]; /* host that a 3xx points to */
    char reason[256];        /* why it failed, in words */
};

/* Returns whether it is a web page: the service answers unknown paths with status 200 and a page. */
bool oh_response_is_html(const struct oh_response *response);
/* Returns whether its content type is that of JSON. */
bool oh_response_is_json(const struct oh_response *response);

#endif
