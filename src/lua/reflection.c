/* The table of operations as a Lua value: Lua modules make their calls from it; documentation and checks read it. */
#include "lua/reflection.h"

#include <stdbool.h>
#include <string.h>

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

static void push_fields(lua_State *L, const struct oh_field *field)
{
    int i;

    lua_newtable(L);
    for (i = 1; field->name != NULL; field++, i++) {
        lua_newtable(L);
        set_text(L, "name", field->name);
        set_text(L, "wire", field->wire);
        set_text(L, "place", oh_place_name(field->place));
        set_text(L, "kind", oh_type_name(field->type));
        set_text(L, "type", oh_type_description(field->type));
        set_boolean(L, "required", field->required);
        lua_rawseti(L, -2, i);
    }
}

static void push_row(lua_State *L, const struct oh_operation *operation)
{
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
    push_fields(L, operation->fields);
    lua_setfield(L, -2, "fields");
}

/*** Returns a new copy of the table of operations.
@function operations
@tparam[opt] string name only the rows of this operation
@treturn table list of {name=, description=, api=, host=, method=, path=, shape=, effect=, timeout= (seconds),
  fields={{name=, wire=, place=, kind=, type= (in words for people), required=}, …}}; wire/operations.h defines them */
static int l_operations(lua_State *L)
{
    const char *name = luaL_optstring(L, 1, NULL);
    const struct oh_operation *operation;
    size_t i;
    int count = 0;

    lua_newtable(L);
    for (i = 0; (operation = oh_operations_at(i)) != NULL; i++) {
        if (name != NULL && strcmp(operation->name, name) != 0)
            continue;
        push_row(L, operation);
        lua_rawseti(L, -2, ++count);
    }
    return 1;
}

static bool is_about_conversation(const struct oh_operation *operation)
{
    const struct oh_field *first = operation->fields;

    return first->name != NULL && first->required && strcmp(first->name, "conversation_id") == 0 &&
           first->type != OH_UUIDS;
}

/*** Returns the names of the operations of the service or of agent servers.
@function operation_names
@tparam[opt=false] boolean of_agent
@treturn table from each name to a boolean: whether the operation is about one conversation */
static int l_operation_names(lua_State *L)
{
    const bool of_agent = lua_toboolean(L, 1);
    const struct oh_operation *operation;
    size_t i;

    lua_newtable(L);
    for (i = 0; (operation = oh_operations_at(i)) != NULL; i++)
        if ((operation->api == OH_API_AGENT) == of_agent)
            set_boolean(L, operation->name, is_about_conversation(operation));
    return 1;
}

void oh_reflection_add_functions(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"operations", l_operations}, {"operation_names", l_operation_names}, {NULL, NULL},
    };

    oh_setfuncs(L, functions, 0);
}
