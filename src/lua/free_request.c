/* A request that no operation describes. Makes the same checks as for an operation, as far as possible. */
#include "lua/free_request.h"

#include <string.h>

#include "lua/field_value.h"
#include "lua/json_encode.h"
#include "lua/json_sentinels.h"

static const struct oh_field no_fields[] = {{NULL, NULL, OH_IN_BODY, OH_TEXT, false}};

#define TIMEOUT 30.0 /* seconds */
#define PARAMETER_NAME_BYTES \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."
#define ROW(api, host, method, effect) \
    {OH_FREE_REQUEST, NULL, api, host, method, "", no_fields, OH_SHAPE_ANY, effect, TIMEOUT}
#define ROWS(api, host)                                                                    \
    {                                                                                      \
        ROW(api, host, "GET", OH_READS), ROW(api, host, "POST", OH_CREATES),               \
            ROW(api, host, "PUT", OH_WRITES), ROW(api, host, "PATCH", OH_WRITES),          \
            ROW(api, host, "DELETE", OH_WRITES),                                           \
    }
#define METHODS 5

static const struct oh_operation rows[2][METHODS] = {ROWS(OH_API_V1, OH_AT_SERVICE), ROWS(OH_API_AGENT, OH_AT_RUNTIME)};

static const struct oh_argument_path root = {NULL, OH_FREE_REQUEST, 0, NULL, 0};

/* Pushes the field of that name and returns its type. */
static int push(lua_State *L, int index, const char *name)
{
    lua_pushstring(L, name);
    lua_rawget(L, index);
    return lua_type(L, -1);
}

bool oh_free_request_describes(const struct oh_operation *operation)
{
    return operation->fields == no_fields;
}

const struct oh_operation *oh_free_request_operation(lua_State *L, int index, bool at_runtime)
{
    struct oh_argument_path path = oh_argument_path_field(&root, "method");
    const char *method = "GET";
    int i, type = push(L, index, "method");

    if (type == LUA_TSTRING)
        method = lua_tostring(L, -1);
    else if (type != LUA_TNIL)
        oh_argument_error_at(L, &path, "must be a string, not a %s", luaL_typename(L, -1));
    for (i = 0; i < METHODS; i++) {
        if (strcmp(rows[at_runtime][i].method, method) == 0) {
            lua_pop(L, 1);
            return &rows[at_runtime][i];
        }
    }
    oh_argument_error_at(L, &path, "must be GET, POST, PUT, PATCH or DELETE");
    return NULL;
}

void oh_free_request_push_methods(lua_State *L)
{
    int i;

    lua_newtable(L);
    for (i = 0; i < METHODS; i++) {
        lua_newtable(L);
        lua_pushstring(L, oh_effect_name(rows[0][i].effect));
        lua_setfield(L, -2, "effect");
        lua_pushnumber(L, rows[0][i].timeout);
        lua_setfield(L, -2, "timeout");
        lua_setfield(L, -2, rows[0][i].method);
    }
}

/* Raises for a key that is not a field of these requests. */
static void check_keys(lua_State *L, int index)
{
    static const char *const known[] = {"method", "path", "query", "body"};
    size_t i;

    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "(not a string)";
        struct oh_argument_path path = oh_argument_path_field(&root, name);
        for (i = 0; i < sizeof known / sizeof known[0] && strcmp(known[i], name) != 0; i++)
            continue;
        if (i == sizeof known / sizeof known[0])
            oh_argument_error_at(L, &path, "is not a field of this call (method, path, query, body)");
    }
}

static bool is_dots(const char *segment, size_t length)
{
    return (length == 1 && segment[0] == '.') || (length == 2 && segment[0] == '.' && segment[1] == '.');
}

/* Writes the path, percent-encoding each segment. Refuses "." and "..", which a server would resolve: the request could
   leave the API. */
static void write_path(struct oh_field_reader *reader, int index)
{
    struct oh_argument_path path = oh_argument_path_field(&root, "path");
    struct oh_buffer *out = &reader->request->path;
    lua_State *L = reader->L;
    const char *text, *slash;
    size_t length, size;

    if (push(L, index, "path") != LUA_TSTRING)
        oh_argument_error_at(L, &path, "must be a string, not a %s", luaL_typename(L, -1));
    text = lua_tolstring(L, -1, &length);
    if (text[0] != '/' || strlen(text) != length)
        oh_argument_error_at(L, &path, "must begin with / and contain no NUL byte");
    if (strpbrk(text, "?#") != NULL)
        oh_argument_error_at(L, &path, "must not contain ? or #; parameters go into 'query'");
    for (; *text == '/'; text = slash) {
        slash = strchr(text + 1, '/');
        slash = slash != NULL ? slash : text + strlen(text);
        size = (size_t)(slash - text) - 1;
        if (is_dots(text + 1, size))
            oh_argument_error_at(L, &path, "must not contain . or .. as a segment");
        oh_field_reader_append(reader, out, "/", 1, &path);
        oh_field_reader_append_encoded(reader, out, text + 1, size, &path);
    }
    lua_pop(L, 1);
}

/* Writes the parameter on top of the stack: a text, a whole number, a boolean, or a list of these. */
static void write_parameter(struct oh_field_reader *reader, const struct oh_argument_path *path, const char *name)
{
    struct oh_field field = {name, name, OH_IN_QUERY, OH_TEXT, false};
    struct oh_buffer *query = &reader->request->query;
    lua_State *L = reader->L;
    int value = lua_gettop(L);
    size_t i, count;

    oh_json_sentinels_replace(L, reader->shared, value);
    if (lua_istable(L, value)) {
        count = oh_json_encode_list_length(L, reader->shared, value, path);
        for (i = 1; i <= count; i++) {
            struct oh_argument_path item = oh_argument_path_item(path, i);
            lua_rawgeti(L, value, (int)i);
            if (lua_istable(L, -1))
                oh_argument_error_at(L, &item, "must be a string, a number or a boolean");
            write_parameter(reader, &item, name);
            lua_settop(L, value);
        }
        return;
    }
    if (lua_isboolean(L, value))
        field.type = OH_BOOLEAN;
    else if (lua_type(L, value) == LUA_TNUMBER)
        field.type = OH_INTEGER;
    oh_field_value_write_query(reader, &field, value, path, query);
}

/* Writes the parameters, if there are any. */
static void write_query(struct oh_field_reader *reader, int index)
{
    struct oh_argument_path path = oh_argument_path_field(&root, "query");
    lua_State *L = reader->L;
    int table;

    (void)push(L, index, "query");
    table = lua_gettop(L);
    oh_json_sentinels_replace(L, reader->shared, table);
    if (!lua_isnil(L, table) && !oh_json_sentinels_is_null(L, table) && !lua_istable(L, table))
        oh_argument_error_at(L, &path, "must be a table, not a %s", luaL_typename(L, -1));
    if (lua_istable(L, table)) {
        for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1)) {
            size_t length = 0;
            const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tolstring(L, -2, &length) : "";
            struct oh_argument_path item = oh_argument_path_field(&path, name);
            if (length == 0 || strspn(name, PARAMETER_NAME_BYTES) != length)
                oh_argument_error_at(L, &path, "has a key that is not a parameter name (letters, digits, _ - .)");
            write_parameter(reader, &item, name);
        }
    }
    lua_settop(L, table - 1);
}

void oh_free_request_read(lua_State *L, int shared, const struct oh_operation *operation, int index,
                          struct oh_request *request)
{
    struct oh_argument_path path = oh_argument_path_field(&root, "body");
    struct oh_field_reader reader;

    oh_field_reader_init(&reader, L, shared, operation, request);
    check_keys(L, index);
    write_path(&reader, index);
    write_query(&reader, index);
    if (push(L, index, "body") != LUA_TNIL) {
        if (!request->has_body)
            oh_argument_error_at(L, &path, "cannot be sent with %s", operation->method);
        oh_request_set_type(request, "application/json");
        oh_json_encode(L, shared, lua_gettop(L), OH_JSON_ANY, &request->body, &path);
    }
    lua_pop(L, 1);
}
