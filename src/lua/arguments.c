/* From the caller's table to a filled request. Tables are read raw: none of their metamethods runs in here. */
#include "lua/arguments.h"

#include <string.h>

#include "wire/identifier.h"
#include "lua/json_sentinels.h"
#include "lua/field_reader.h"

struct oh_path oh_reading_item(const struct oh_path *list, size_t i)
{
    struct oh_path path;

    memset(&path, 0, sizeof path);
    path.up = list;
    path.index = (lua_Number)i;
    return path;
}

struct oh_path oh_reading_path(const struct oh_reading *reading, const char *name)
{
    struct oh_path path;

    memset(&path, 0, sizeof path);
    path.up = &reading->root;
    path.name = name;
    path.depth = 1;
    return path;
}

void oh_reading_refuse(struct oh_reading *reading, enum oh_arguments_result result, const char *field,
                       const char *reason)
{
    if (reading->result == OH_ARGUMENTS_GOOD) {
        reading->result = result;
        reading->refused = field;
        reading->reason = reason;
    }
}

void oh_reading_append(struct oh_reading *reading, struct oh_buffer *buffer, const char *text, size_t length,
                       const struct oh_path *path)
{
    oh_json_append(reading->L, buffer, text, length, path);
}

int oh_reading_wrong_type(struct oh_reading *reading, const struct oh_field *field, int index,
                          const struct oh_path *path)
{
    return oh_json_fail(reading->L, path, "must be %s, not a %s", oh_type_name(field->type),
                        luaL_typename(reading->L, index));
}

const char *oh_reading_text(struct oh_reading *reading, const struct oh_field *field, int index,
                              const struct oh_path *path, size_t *length)
{
    if (lua_type(reading->L, index) != LUA_TSTRING)
        oh_reading_wrong_type(reading, field, index, path);
    return lua_tolstring(reading->L, index, length);
}

/* ---- which fields were given ---------------------------------------------------------------------------------- */

/* The field of that name in another dialect of the operation. */
static const struct oh_field *field_elsewhere(const char *operation, const char *name)
{
    const struct oh_operation *row;
    const struct oh_field *field;
    size_t i;

    for (i = 0; (row = oh_operation_at(i)) != NULL; i++)
        if (strcmp(row->name, operation) == 0 && (field = oh_operation_field(row, name)) != NULL)
            return field;
    return NULL;
}

static void check_name(struct oh_reading *reading, const char *name, size_t length)
{
    const struct oh_field *elsewhere;
    const char *nearest;
    struct oh_path path;

    if (strlen(name) == length && oh_operation_field(reading->operation, name) != NULL)
        return;
    elsewhere = strlen(name) == length ? field_elsewhere(reading->operation->name, name) : NULL;
    if (elsewhere != NULL) {
        oh_reading_refuse(reading, OH_ARGUMENTS_UNSUPPORTED, elsewhere->name,
                          "is a field that this dialect does not have");
        return;
    }
    path = oh_reading_path(reading, name);
    nearest = oh_operation_nearest(reading->operation->name, name);
    if (nearest != NULL)
        oh_json_fail(reading->L, &path, "is not a field of this call (did you mean '%s'?)", nearest);
    oh_json_fail(reading->L, &path, "is not a field of this call");
}

static void check_names(struct oh_reading *reading, int table)
{
    lua_State *L = reading->L;
    size_t length;
    const char *name;

    if (lua_getmetatable(L, table)) {
        if (!oh_json_foreign_marks_object(L, reading->shared))
            oh_json_fail(L, &reading->root, "the table of fields has a metatable; give a plain table");
        lua_pop(L, 1);
    }
    for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            oh_json_fail(L, &reading->root, "the table of fields has a %s as a key; fields have names",
                         luaL_typename(L, -2));
        name = lua_tolstring(L, -2, &length);
        check_name(reading, name, length);
    }
}

/* Pushes the field's value; false, with nothing pushed, when it is absent. Null counts as absent. */
static bool push_field(struct oh_reading *reading, int table, const char *name)
{
    lua_State *L = reading->L;

    lua_pushstring(L, name);
    lua_rawget(L, table);
    oh_json_foreign_replace(L, reading->shared, lua_gettop(L));
    if (lua_isnil(L, -1) || oh_json_is_null(L, -1)) {
        lua_pop(L, 1);
        return false;
    }
    return true;
}

/* The other spelling of a field, if it was given too, is a mistake; if a required one was given in none, as well. */
static void check_spellings(struct oh_reading *reading, int table, const struct oh_field *field, bool given)
{
    const struct oh_field *other;
    struct oh_path path = oh_reading_path(reading, field->name);
    bool anywhere = given;

    for (other = reading->operation->fields; other->name != NULL; other++) {
        if (other == field || other->place != field->place || strcmp(other->wire, field->wire) != 0 ||
            !push_field(reading, table, other->name))
            continue;
        lua_pop(reading->L, 1);
        anywhere = true;
        if (given)
            oh_json_fail(reading->L, &path, "and '%s' are two spellings of one field; give one of them", other->name);
    }
    if (field->required && !anywhere)
        oh_json_fail(reading->L, &path, "is missing");
}

/* The path with {field} replaced. */
static void write_path(struct oh_reading *reading, int table)
{
    const char *rest = reading->operation->path, *open, *close;
    struct oh_buffer *out = &reading->request->path;
    const struct oh_field *field;
    struct oh_path path;

    while ((open = strchr(rest, '{')) != NULL) {
        close = strchr(open, '}');
        oh_reading_append(reading, out, rest, (size_t)(open - rest), &reading->root);
        for (field = reading->operation->fields; field->name != NULL; field++) {
            if (field->place != OH_IN_PATH || strlen(field->wire) != (size_t)(close - open - 1) ||
                strncmp(field->wire, open + 1, strlen(field->wire)) != 0 || !push_field(reading, table, field->name))
                continue;
            path = oh_reading_path(reading, field->name);
            oh_value_write_path(reading, field, lua_gettop(reading->L), &path);
            lua_pop(reading->L, 1);
        }
        rest = close + 1;
    }
    oh_reading_append(reading, out, rest, strlen(rest), &reading->root);
}

/* ---- the body ------------------------------------------------------------------------------------------------- */

/* What is to be sent has a type: decided by where the operation's fields stand, before any of them is written. */
static void begin_body(struct oh_reading *reading)
{
    struct oh_request *request = reading->request;
    const struct oh_operation *operation = reading->operation;

    request->has_body = strcmp(operation->method, "GET") != 0 && strcmp(operation->method, "DELETE") != 0;
    if (oh_operation_uses(operation, OH_IN_BODY) || oh_operation_uses(operation, OH_AS_BODY))
        oh_request_set_type(request, "application/json");
    else if (oh_operation_uses(operation, OH_IN_FORM))
        oh_request_set_type(request, "application/x-www-form-urlencoded");
    else if (oh_operation_uses(operation, OH_IN_PARTS))
        oh_parts_begin(reading);
    if (oh_operation_uses(operation, OH_IN_BODY))
        oh_reading_append(reading, &request->body, "{", 1, &reading->root);
}

static void end_body(struct oh_reading *reading)
{
    if (oh_operation_uses(reading->operation, OH_IN_BODY))
        oh_reading_append(reading, &reading->request->body, "}", 1, &reading->root);
    else if (oh_operation_uses(reading->operation, OH_IN_PARTS))
        oh_parts_end(reading);
}

static void write_body_field(struct oh_reading *reading, const struct oh_field *field, int index,
                             const struct oh_path *path)
{
    struct oh_buffer *body = &reading->request->body;

    oh_reading_append(reading, body, body->length > 1 ? ",\"" : "\"", body->length > 1 ? 2 : 1, path);
    oh_reading_append(reading, body, field->wire, strlen(field->wire), path); /* wire names need no escapes */
    oh_reading_append(reading, body, "\":", 2, path);
    oh_value_write_body(reading, field, index, path);
}

static void write_field(struct oh_reading *reading, const struct oh_field *field, int index, const struct oh_path *path)
{
    switch (field->place) {
    case OH_IN_PATH:
        break; /* written before */
    case OH_IN_QUERY:
        oh_value_write_query(reading, field, index, path, &reading->request->query);
        break;
    case OH_IN_FORM:
        oh_value_write_query(reading, field, index, path, &reading->request->body);
        break;
    case OH_IN_BODY:
        write_body_field(reading, field, index, path);
        break;
    case OH_AS_BODY:
        oh_value_write_body(reading, field, index, path);
        break;
    case OH_IN_PARTS:
        oh_parts_write(reading, field, index, path);
        break;
    case OH_IN_HEADER:
        oh_value_keep_secret(reading, field, index, path);
        break;
    }
}

static void write_fields(struct oh_reading *reading, int table)
{
    const struct oh_field *field;
    struct oh_path path;
    bool given;

    begin_body(reading);
    for (field = reading->operation->fields; field->name != NULL; field++) {
        given = push_field(reading, table, field->name);
        check_spellings(reading, table, field, given);
        if (!given)
            continue;
        path = oh_reading_path(reading, field->name);
        write_field(reading, field, lua_gettop(reading->L), &path);
        lua_settop(reading->L, table);
    }
    end_body(reading);
}

/* Whether a table stands for the fields: a list may also stand for the first field, where that takes one. */
static bool holds_fields(lua_State *L, const struct oh_operation *operation, int index)
{
    enum oh_type first = operation->fields[0].name != NULL ? operation->fields[0].type : OH_TEXT;

    return (first != OH_UUIDS && first != OH_NAMES) || oh_rawlen(L, index) == 0;
}

enum oh_arguments_result oh_arguments_read(lua_State *L, int shared, const struct oh_operation *operation, int index,
                                           struct oh_request *request)
{
    int type = lua_type(L, index);
    struct oh_reading reading;
    int table;

    memset(&reading, 0, sizeof reading);
    reading.L = L;
    reading.shared = shared;
    reading.operation = operation;
    reading.request = request;
    reading.root.name = operation->name;
    luaL_checkstack(L, 16, operation->name);
    if (type == LUA_TTABLE && holds_fields(L, operation, index)) {
        lua_pushvalue(L, index);
    } else {
        lua_newtable(L);
        if (type != LUA_TNIL && type != LUA_TNONE) {
            if (operation->fields[0].name == NULL)
                oh_json_fail(L, &reading.root, "takes no fields");
            lua_pushstring(L, operation->fields[0].name);
            lua_pushvalue(L, index);
            lua_rawset(L, -3);
        }
    }
    table = lua_gettop(L);
    check_names(&reading, table);
    write_path(&reading, table);
    write_fields(&reading, table);
    if (reading.result != OH_ARGUMENTS_GOOD)
        lua_pushfstring(L, "'%s' %s", reading.refused, reading.reason);
    return reading.result;
}

const char *oh_arguments_kind(enum oh_arguments_result result)
{
    return result == OH_ARGUMENTS_UNSUPPORTED ? "unsupported" : "invalid";
}
