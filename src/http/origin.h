/* The one place that a client talks to, and the credentials that only this place may see.
   HTTP layer: knows libcurl, never Lua. Owns all its strings. */
#ifndef OH_ORIGIN_H
#define OH_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

#define OH_ORIGIN_LONGEST 2048 /* bytes of a base URL */

#include "http/address_scope.h"

struct Curl_URL;
struct curl_slist;

/* Who asks; each may be NULL. */
struct oh_credentials {
    const char *api_key, *session_api_key, *organization;
};

struct oh_origin {
    struct Curl_URL *url; /* parsed once; each exchange copies it */
    char *text;           /* scheme://host[:port][/prefix], without a trailing slash */
    char *prefix;         /* path before every operation's path, "" as a rule */
    bool secure;          /* https */
    enum oh_address_scope scope;  /* of its host as it is written */
    enum oh_address_scope seen_scope;   /* where its name led, OH_SCOPE_NAME until it is known */
    char *api_key;        /* secret; NULL when the caller gives one per exchange */
    char *session_api_key; /* secret; of a server that somebody runs for themselves, NULL: none */
    char *organization;
    char *user_agent;
    char *ca_file;
    char *ca_directory;   /* a hashed directory that saves loading the bundle, NULL if there is none */
    char *ca_bundle;      /* beside the directory, for authorities that stand only in it; NULL if there is none */
    bool prefers_bundle;  /* the last authority that only one of the two knew stood in the bundle */
    char *proxy;
    struct curl_slist *headers; /* of a plain read, made on first use, secret */
};

/* What the functions below return, and callers recognize by its address, when memory ends. */
extern const char oh_origin_no_memory[];
/* Parses and pins the base URL. NULL, or what is wrong with it. */
const char *oh_origin_open(struct oh_origin *origin, const char *base_url);
/* A place beside the client's own, reached in the same way (proxy, authorities) but with none of its credentials.
   NULL: no memory. It is still to be opened. */
struct oh_origin *oh_origin_beside(const struct oh_origin *origin);
/* How far away it is: as its host says, else where its name led; what is not known is taken for public. */
enum oh_address_scope oh_origin_scope(const struct oh_origin *origin);
/* Notes where the name has led, unless that is a proxy's address. The farthest counts. Does not allocate. */
void oh_origin_note_scope(struct oh_origin *origin, enum oh_address_scope scope);
/* The proxies that the environment names, from 0: "" where a variable names none, NULL behind the last. */
const char *oh_origin_environment_proxy(size_t i);
/* Whether a proxy is between, or may be: of those that the environment excepts nothing is known here. */
bool oh_origin_is_proxied(const struct oh_origin *origin);
/* NULL, or what is wrong with the URL of a proxy. Its text may hold a password: libcurl quotes it in its errors. */
const char *oh_origin_proxy_problem(const char *proxy);
/* Replaces a string that the origin owns; false when out of memory. */
bool oh_origin_keep(char **slot, const char *value, size_t length);
/* Request headers with the given credentials; the caller wipes them with oh_origin_drop_headers. `content_type` "":
   none, for a request that may have a body all the same if `with_body`. NULL: no memory. */
struct curl_slist *oh_origin_headers(const struct oh_origin *origin, const struct oh_credentials *credentials,
                                     const char *accept, const char *content_type, bool with_body);
void oh_origin_drop_headers(struct curl_slist *headers);
/* Headers of a read with the origin's own credentials; owned by the origin. NULL: no memory. */
struct curl_slist *oh_origin_shared_headers(struct oh_origin *origin);
void oh_origin_close(struct oh_origin *origin);
/* Closes and releases one that oh_origin_beside made; NULL is fine. */
void oh_origin_free(struct oh_origin *origin);

#endif
