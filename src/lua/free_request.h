/* A request that no operation describes: the caller's own method, path, query and body. Lua layer. */
#ifndef OH_FREE_REQUEST_H
#define OH_FREE_REQUEST_H

#include <stdbool.h>

#include "lua/compat.h"
#include "http/request.h"
#include "wire/operations.h"

#define OH_FREE_REQUEST "request" /* its name as an operation */

/* Returns whether the row stands for requests that no operation describes. */
bool oh_free_request_describes(const struct oh_operation *operation);
/* Returns the row for the method of the request in the table at `index`; raises if the method is not supported.
   `at_runtime`: the request goes to a conversation's own server. */
const struct oh_operation *oh_free_request_operation(lua_State *L, int index, bool at_runtime);
/* Pushes a table from each method to the `effect` and the `timeout` (seconds) of its requests. */
void oh_free_request_push_methods(lua_State *L);
/* Fills the request; raises argument errors. */
void oh_free_request_read(lua_State *L, int shared, const struct oh_operation *operation, int index,
                          struct oh_request *request);

#endif
