/* Files and directories that only their owner may read, for Lua. */
#ifndef OH_LUA_PRIVATE_FILES_H
#define OH_LUA_PRIVATE_FILES_H

#include "lua/compat.h"

/* Adds `private_file`, `private_directory` and `restrict_file` to the table on top of the stack. */
void oh_private_files_add_functions(lua_State *L);

#endif
