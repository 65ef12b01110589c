/* The server that a client talks to: its URL, the credentials that only it may see, and how to reach it (authorities,
   proxy). Owns all its strings. Knows libcurl, must not know Lua. */
#ifndef OH_ORIGIN_H
#define OH_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

#include "http/address_scope.h"

#define OH_ORIGIN_LONGEST 2048 /* bytes of a base URL */

struct Curl_URL;
struct curl_slist;

/* The credentials of one request; each may be NULL. */
struct oh_credentials {
    const char *api_key, *session_api_key, *organization;
};

/* The kinds of exchanges that share their headers: reads that may be answered compressed, reads with a brief answer,
   POSTs of JSON. */
enum oh_headers_of { OH_HEADERS_OF_READ, OH_HEADERS_OF_BRIEF_READ, OH_HEADERS_OF_POST, OH_HEADERS_KINDS };

struct oh_origin {
    struct Curl_URL *url;  /* scheme, host and port, parsed once; libcurl copies it for each exchange */
    char *text;            /* scheme://host[:port][/prefix], without a trailing slash */
    char *prefix;          /* path of the base URL, percent-encoded, sent before that of each operation; usually "" */
    bool secure;           /* https */
    enum oh_address_scope scope;      /* of its host as written */
    enum oh_address_scope seen_scope; /* of the address its name resolved to, OH_SCOPE_UNRESOLVED until that is known */
    char *api_key;         /* secret; NULL when the caller gives one per exchange */
    char *session_api_key; /* secret; of a self-hosted server, NULL: none */
    char *organization;
    char *user_agent;
    char *ca_file;
    char *ca_directory;    /* a directory with hash links, which saves loading the bundle; NULL if there is none */
    char *ca_bundle;       /* a file, for authorities that the directory lacks; NULL if there is none */
    bool prefers_bundle;   /* try the bundle first: the last successful switch between the two was to it */
    char *proxy;
    struct curl_slist *headers[OH_HEADERS_KINDS]; /* of plain exchanges, made on first use, secret */
};

/* The problem that the functions below return when out of memory; callers recognise it by its address. */
extern const char oh_origin_no_memory[];
/* Parses the base URL. Returns NULL, or the problem with it. */
const char *oh_origin_open(struct oh_origin *origin, const char *base_url);
/* Returns another origin that is reached in the same way (proxy, authorities), but has none of the credentials. It must
   still be opened. NULL: out of memory. */
struct oh_origin *oh_origin_new_sibling(const struct oh_origin *origin);
/* Returns the scope of its host as written, else of the address it resolved to; public if neither is known. */
enum oh_address_scope oh_origin_scope(const struct oh_origin *origin);
/* Notes the scope of an address that its name resolved to, unless the address is that of a proxy. Of several scopes it
   keeps the most public one. Does not allocate. */
void oh_origin_note_scope(struct oh_origin *origin, enum oh_address_scope scope);
/* Returns the i-th proxy variable of the environment: "" if it is not set, NULL after the last variable. */
const char *oh_origin_environment_proxy(size_t i);
/* Returns whether a proxy is or may be used; exceptions in the environment (no_proxy) are ignored. */
bool oh_origin_is_proxied(const struct oh_origin *origin);
/* The same for an https proxy, whose own TLS layer lies around that of the service. */
bool oh_origin_has_secure_proxy(const struct oh_origin *origin);
/* Returns NULL, or the problem with the URL of a proxy. */
const char *oh_origin_proxy_problem(const char *proxy);
/* Returns request headers with the given credentials, to be freed with oh_origin_free_headers. `content_type`: that of
   the body, "" if the body has none, NULL if there is no body. `compressed`: libcurl may ask for a compressed
   response. If it may not, it still decompresses one. NULL: out of memory. */
struct curl_slist *oh_origin_headers(const struct oh_origin *origin, const struct oh_credentials *credentials,
                                     const char *accept, const char *content_type, bool compressed);
/* Wipes and frees headers; NULL is fine. */
void oh_origin_free_headers(struct curl_slist *headers);
/* Returns the headers of a plain exchange with the origin's own credentials; the origin owns them. NULL: out of
   memory. */
struct curl_slist *oh_origin_shared_headers(struct oh_origin *origin, enum oh_headers_of kind);
/* Wipes and frees all it owns. */
void oh_origin_close(struct oh_origin *origin);
/* Closes and frees an origin that oh_origin_new_sibling made; NULL is fine. */
void oh_origin_free(struct oh_origin *origin);

#endif
