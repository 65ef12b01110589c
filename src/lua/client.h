/* The one userdata of the module: it owns the origin, the multi and through them every exchange. Lua layer. */
#ifndef OH_CLIENT_H
#define OH_CLIENT_H

#include <stdbool.h>

#include "lua/compat.h"
#include "http/multi.h"
#include "lua/options.h"
#include "lua/version.h"
#include "http/origin.h"
#include "wire/secret.h"

#define OH_CLIENT "openhands.core " OH_VERSION /* another build's userdata is another type */

#define OH_MOST_BODY 33554432 /* 32 MiB: bytes of a request; by default, of an answer */

struct oh_client {
    bool open;
    bool busy;   /* an exchange is being filled or reported: finalizers and hooks may run, and must keep away */
    unsigned owner; /* generation of the process whose it is: a forked child must leave its sockets alone */
    double timeout, connect_timeout; /* seconds; timeout 0: each operation's own */
    struct oh_secrets secrets; /* what no text may show */
    size_t max_memory;               /* bytes of an answer's values; 0: as many as go with its max_body */
    struct oh_origin origin;
    struct oh_multi multi;
};

/* The client at stack index 1; raises if it is none, is closed, is busy, or belongs to another process. One that
   another process made and that has opened nothing yet becomes this one's. */
struct oh_client *oh_client_check(lua_State *L);
/* Runs the function kept in slot `work` of the shared table (upvalue 1) with the arguments of the running one, keeping
   everybody else away from the client meanwhile. Every push may run a finalizer or a hook of the host's, and those may
   call us: without this they would find exchanges half-made. */
int oh_client_exclusively(lua_State *L, int work);

/* Keeps copies of what goes into headers, after checking it; raises without showing the key. Absent ones stay NULL. */
void oh_client_keep_credentials(lua_State *L, char **key_slot, const struct oh_text *key, char **organization_slot,
                                const struct oh_text *organization);

/* Keeps what no text may show from now on; NULL is fine. Raises only when memory ends. */
void oh_client_keep_secret(lua_State *L, struct oh_client *client, const char *secret);

/* Functions for Lua (client.c). */
int oh_client_new(lua_State *L);
int oh_client_close(lua_State *L);
int oh_client_tostring(lua_State *L);
int oh_client_redact(lua_State *L);
int oh_client_redact_line(lua_State *L);
int oh_client_is_inherited(lua_State *L);
int oh_client_poll(lua_State *L);

/* Exchanges carried by Lua instead of libcurl (carrier.c). */
int oh_external_outgoing(lua_State *L);
int oh_external_answer(lua_State *L);

/* Slots of the shared table; json.c has the first ones. */
enum {
    OH_WORK_OPERATION = 16,
    OH_WORK_REQUEST,
    OH_WORK_NEXT,
    OH_WORK_TAKE,
    OH_WORK_OUTGOING,
    OH_WORK_ANSWER
};

#endif
