/* lua-cjson, which encodes strings, through an instance of our own; in Neovim, its own encoder. Lua layer. */
#ifndef OH_CJSON_INSTANCE_H
#define OH_CJSON_INSTANCE_H

#include "lua/json_sentinels.h"

enum { OH_SLOT_CJSON_ENCODE = OH_SLOT_AFTER_SENTINELS }; /* encodes a string, in the shared table */

/* Pushes the shared table: the encoder and the sentinels. Raises outside Neovim if lua-cjson is missing or older than
   2.1.0. */
void oh_cjson_open(lua_State *L);

#endif
