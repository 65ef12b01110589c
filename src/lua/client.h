/* A client: the userdata that owns the origin, and the multi with all its exchanges. Lua layer. */
#ifndef OH_CLIENT_H
#define OH_CLIENT_H

#include <stdbool.h>

#include "http/multi.h"
#include "http/origin.h"
#include "lua/compat.h"
#include "lua/options.h"
#include "lua/version.h"
#include "wire/secret.h"

#define OH_CLIENT "openhands.core " OH_VERSION /* another version's userdata is another type */

#define OH_MOST_BODY 33554432 /* 32 MiB: the most bytes of a request and, by default, of an answer */

struct oh_client {
    bool open;      /* false: not complete yet, or closed */
    bool reading;   /* its user value is the table of the readers of long answers (long_answer.c) */
    bool busy;      /* held: an exchange is being filled or read; finalizers and hooks must not use the client */
    unsigned owner; /* generation of the process that owns it: a forked child must leave its sockets alone */
    double timeout, connect_timeout; /* seconds; timeout 0: each operation's own */
    struct oh_secrets secrets;       /* no message or log may show them */
    size_t max_memory;               /* bytes of an answer's values; 0: derived from its max_body */
    struct oh_origin origin;
    struct oh_multi multi;
};

/* Returns the client at stack index 1; raises if it is not a client, is closed or busy, or belongs to another
   process. Takes over a client that another process made, if the client has opened nothing yet. */
struct oh_client *oh_client_check(lua_State *L);
/* The same, for a C function that finds the metatable of clients at `metatable`, e.g. in an upvalue: a search for it by
   its name would cost several times as much. */
struct oh_client *oh_client_check_by(lua_State *L, int metatable);
/* The same for a client that is not at stack index 1; returns it. */
struct oh_client *oh_client_check_usable(lua_State *L, struct oh_client *client);

/* Replaces the function on top of the stack by one that checks the client, as oh_client_check does, and holds it while
   it runs the original with the same arguments. Every push may run a finalizer or a hook of the host, which may call
   this module: if the client were not held, they would find exchanges half-made. */
void oh_client_make_exclusive(lua_State *L);
/* Makes each function exclusive in this way and adds it to the table on top of the stack; upvalue 1 of the original is
   the value at `shared`. */
void oh_client_add_exclusive(lua_State *L, const luaL_Reg *functions, int shared);

/* Keeps copies of the credentials after checking them; an error does not show the key. Absent ones stay NULL. */
void oh_client_keep_credentials(lua_State *L, char **key_slot, const struct oh_text *key, char **organization_slot,
                                const struct oh_text *organization);
/* Keeps a copy of a secret, to redact it from now on; does nothing for NULL. Raises only when out of memory. */
void oh_client_keep_secret(lua_State *L, struct oh_client *client, const char *secret);

/* Adds `new` to the table on top of the stack. */
void oh_client_add_functions(lua_State *L);
/* Adds `close`, `is_inherited`, `redact`, `redact_line` and `is_harmless_id`. */
void oh_client_add_methods(lua_State *L);
/* Adds the metamethods. */
void oh_client_add_metamethods(lua_State *L);

#endif
