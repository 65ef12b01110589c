/* The table of operations as a Lua value: Lua modules make their calls from it; documentation and checks read it. */
#include "lua/reflection.h"

#include <stdbool.h>

#include "wire/operations.h"

static void set_text(lua_State *L, const char *name, const char *text)
{
    lua_pushstring(L, text);
    lua_setfield(L, -2, name);
}

static void set_boolean(lua_State *L, const char *name, bool value)
{
    lua_pushboolean(L, value);
    lua_setfield(L, -2, name);
}

/*** Returns a new copy of the table of operations.
@function operations
@treturn table list of {name=, description=, api=, host=, method=, path=, shape=, effect=, timeout= (seconds),
  fields={{name=, wire=, place=, kind=, type= (in words for people), required=}, …}}; wire/operations.h defines them */
static int l_operations(lua_State *L)
{
    const struct oh_operation *operation;
    const struct oh_field *field;
    int i, j;

    lua_newtable(L);
    for (i = 0; (operation = oh_operations_at((size_t)i)) != NULL; i++) {
        lua_newtable(L);
        set_text(L, "name", operation->name);
        set_text(L, "description", oh_operation_description(operation));
        set_text(L, "api", oh_api_name(operation->api));
        set_text(L, "method", operation->method);
        set_text(L, "path", operation->path);
        set_text(L, "host", oh_host_name(operation->host));
        set_text(L, "shape", oh_shape_name(operation->shape));
        set_text(L, "effect", oh_effect_name(operation->effect));
        lua_pushnumber(L, operation->timeout);
        lua_setfield(L, -2, "timeout");
        lua_newtable(L);
        for (field = operation->fields, j = 1; field->name != NULL; field++, j++) {
            lua_newtable(L);
            set_text(L, "name", field->name);
            set_text(L, "wire", field->wire);
            set_text(L, "place", oh_place_name(field->place));
            set_text(L, "kind", oh_type_name(field->type));
            set_text(L, "type", oh_type_description(field->type));
            set_boolean(L, "required", field->required);
            lua_rawseti(L, -2, j);
        }
        lua_setfield(L, -2, "fields");
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

void oh_reflection_add_functions(lua_State *L)
{
    lua_pushcfunction(L, l_operations);
    lua_setfield(L, -2, "operations");
}
