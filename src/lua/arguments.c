/* From the caller's table to a filled request. Tables are read raw: none of their metamethods runs in here. */
#include "lua/arguments.h"

#include <string.h>

#include "wire/identifier.h"
#include "lua/json_sentinels.h"
#include "lua/field_reader.h"

struct oh_argument_path oh_argument_path_item(const struct oh_argument_path *list, size_t i)
{
    struct oh_argument_path path;

    memset(&path, 0, sizeof path);
    path.up = list;
    path.index = (lua_Number)i;
    return path;
}

struct oh_argument_path oh_field_reader_path(const struct oh_field_reader *reader, const char *name)
{
    struct oh_argument_path path;

    memset(&path, 0, sizeof path);
    path.up = &reader->root;
    path.name = name;
    path.depth = 1;
    return path;
}

void oh_field_reader_refuse(struct oh_field_reader *reader, enum oh_fields_verdict result, const char *field,
                       const char *reason)
{
    if (reader->result == OH_FIELDS_GOOD) {
        reader->result = result;
        reader->refused = field;
        reader->reason = reason;
    }
}

void oh_field_reader_append(struct oh_field_reader *reader, struct oh_buffer *buffer, const char *text, size_t length,
                       const struct oh_argument_path *path)
{
    oh_json_encode_append(reader->L, buffer, text, length, path);
}

int oh_field_reader_wrong_type(struct oh_field_reader *reader, const struct oh_field *field, int index,
                          const struct oh_argument_path *path)
{
    return oh_argument_error_at(reader->L, path, "must be %s, not a %s", oh_type_name(field->type),
                        luaL_typename(reader->L, index));
}

const char *oh_field_reader_text(struct oh_field_reader *reader, const struct oh_field *field, int index,
                              const struct oh_argument_path *path, size_t *length)
{
    if (lua_type(reader->L, index) != LUA_TSTRING)
        oh_field_reader_wrong_type(reader, field, index, path);
    return lua_tolstring(reader->L, index, length);
}

/* ---- which fields were given ---------------------------------------------------------------------------------- */

/* The field of that name in another dialect of the operation. */
static const struct oh_field *field_elsewhere(const char *operation, const char *name)
{
    const struct oh_operation *row;
    const struct oh_field *field;
    size_t i;

    for (i = 0; (row = oh_operations_at(i)) != NULL; i++)
        if (strcmp(row->name, operation) == 0 && (field = oh_operation_field(row, name)) != NULL)
            return field;
    return NULL;
}

static void check_name(struct oh_field_reader *reader, const char *name, size_t length)
{
    const struct oh_field *elsewhere;
    const char *nearest;
    struct oh_argument_path path;

    if (strlen(name) == length && oh_operation_field(reader->operation, name) != NULL)
        return;
    elsewhere = strlen(name) == length ? field_elsewhere(reader->operation->name, name) : NULL;
    if (elsewhere != NULL) {
        oh_field_reader_refuse(reader, OH_FIELDS_UNSUPPORTED, elsewhere->name,
                          "is a field that this dialect does not have");
        return;
    }
    path = oh_field_reader_path(reader, name);
    nearest = oh_operations_nearest(reader->operation->name, name);
    if (nearest != NULL)
        oh_argument_error_at(reader->L, &path, "is not a field of this call (did you mean '%s'?)", nearest);
    oh_argument_error_at(reader->L, &path, "is not a field of this call");
}

static void check_names(struct oh_field_reader *reader, int table)
{
    lua_State *L = reader->L;
    size_t length;
    const char *name;

    if (lua_getmetatable(L, table)) {
        if (!oh_json_sentinels_mark_object(L, reader->shared))
            oh_argument_error_at(L, &reader->root, "the table of fields has a metatable; give a plain table");
        lua_pop(L, 1);
    }
    for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            oh_argument_error_at(L, &reader->root, "the table of fields has a %s as a key; fields have names",
                         luaL_typename(L, -2));
        name = lua_tolstring(L, -2, &length);
        check_name(reader, name, length);
    }
}

/* Pushes the field's value; false, with nothing pushed, when it is absent. Null counts as absent. */
static bool push_field(struct oh_field_reader *reader, int table, const char *name)
{
    lua_State *L = reader->L;

    lua_pushstring(L, name);
    lua_rawget(L, table);
    oh_json_sentinels_replace(L, reader->shared, lua_gettop(L));
    if (lua_isnil(L, -1) || oh_json_sentinels_is_null(L, -1)) {
        lua_pop(L, 1);
        return false;
    }
    return true;
}

/* The other spelling of a field, if it was given too, is a mistake; if a required one was given in none, as well. */
static void check_spellings(struct oh_field_reader *reader, int table, const struct oh_field *field, bool given)
{
    const struct oh_field *other;
    struct oh_argument_path path = oh_field_reader_path(reader, field->name);
    bool anywhere = given;

    for (other = reader->operation->fields; other->name != NULL; other++) {
        if (other == field || other->place != field->place || strcmp(other->wire, field->wire) != 0 ||
            !push_field(reader, table, other->name))
            continue;
        lua_pop(reader->L, 1);
        anywhere = true;
        if (given)
            oh_argument_error_at(reader->L, &path, "and '%s' are two spellings of one field; give one of them", other->name);
    }
    if (field->required && !anywhere)
        oh_argument_error_at(reader->L, &path, "is missing");
}

/* The path with {field} replaced. */
static void write_path(struct oh_field_reader *reader, int table)
{
    const char *rest = reader->operation->path, *open, *close;
    struct oh_buffer *out = &reader->request->path;
    const struct oh_field *field;
    struct oh_argument_path path;

    while ((open = strchr(rest, '{')) != NULL) {
        close = strchr(open, '}');
        oh_field_reader_append(reader, out, rest, (size_t)(open - rest), &reader->root);
        for (field = reader->operation->fields; field->name != NULL; field++) {
            if (field->place != OH_IN_PATH || strlen(field->wire) != (size_t)(close - open - 1) ||
                strncmp(field->wire, open + 1, strlen(field->wire)) != 0 || !push_field(reader, table, field->name))
                continue;
            path = oh_field_reader_path(reader, field->name);
            oh_field_value_write_path(reader, field, lua_gettop(reader->L), &path);
            lua_pop(reader->L, 1);
        }
        rest = close + 1;
    }
    oh_field_reader_append(reader, out, rest, strlen(rest), &reader->root);
}

/* ---- the body ------------------------------------------------------------------------------------------------- */

/* What is to be sent has a type: decided by where the operation's fields stand, before any of them is written. */
static void begin_body(struct oh_field_reader *reader)
{
    struct oh_request *request = reader->request;
    const struct oh_operation *operation = reader->operation;

    request->has_body = strcmp(operation->method, "GET") != 0 && strcmp(operation->method, "DELETE") != 0;
    if (oh_operation_uses(operation, OH_IN_BODY) || oh_operation_uses(operation, OH_AS_BODY))
        oh_request_set_type(request, "application/json");
    else if (oh_operation_uses(operation, OH_IN_FORM))
        oh_request_set_type(request, "application/x-www-form-urlencoded");
    else if (oh_operation_uses(operation, OH_IN_PARTS))
        oh_multipart_begin(reader);
    if (oh_operation_uses(operation, OH_IN_BODY))
        oh_field_reader_append(reader, &request->body, "{", 1, &reader->root);
}

static void end_body(struct oh_field_reader *reader)
{
    if (oh_operation_uses(reader->operation, OH_IN_BODY))
        oh_field_reader_append(reader, &reader->request->body, "}", 1, &reader->root);
    else if (oh_operation_uses(reader->operation, OH_IN_PARTS))
        oh_multipart_end(reader);
}

static void write_body_field(struct oh_field_reader *reader, const struct oh_field *field, int index,
                             const struct oh_argument_path *path)
{
    struct oh_buffer *body = &reader->request->body;

    oh_field_reader_append(reader, body, body->length > 1 ? ",\"" : "\"", body->length > 1 ? 2 : 1, path);
    oh_field_reader_append(reader, body, field->wire, strlen(field->wire), path); /* wire names need no escapes */
    oh_field_reader_append(reader, body, "\":", 2, path);
    oh_field_value_write_body(reader, field, index, path);
}

static void write_field(struct oh_field_reader *reader, const struct oh_field *field, int index, const struct oh_argument_path *path)
{
    switch (field->place) {
    case OH_IN_PATH:
        break; /* written before */
    case OH_IN_QUERY:
        oh_field_value_write_query(reader, field, index, path, &reader->request->query);
        break;
    case OH_IN_FORM:
        oh_field_value_write_query(reader, field, index, path, &reader->request->body);
        break;
    case OH_IN_BODY:
        write_body_field(reader, field, index, path);
        break;
    case OH_AS_BODY:
        oh_field_value_write_body(reader, field, index, path);
        break;
    case OH_IN_PARTS:
        oh_multipart_write(reader, field, index, path);
        break;
    case OH_IN_HEADER:
        oh_field_value_keep_secret(reader, field, index, path);
        break;
    }
}

static void write_fields(struct oh_field_reader *reader, int table)
{
    const struct oh_field *field;
    struct oh_argument_path path;
    bool given;

    begin_body(reader);
    for (field = reader->operation->fields; field->name != NULL; field++) {
        given = push_field(reader, table, field->name);
        check_spellings(reader, table, field, given);
        if (!given)
            continue;
        path = oh_field_reader_path(reader, field->name);
        write_field(reader, field, lua_gettop(reader->L), &path);
        lua_settop(reader->L, table);
    }
    end_body(reader);
}

/* Whether a table stands for the fields: a list may also stand for the first field, where that takes one. */
static bool holds_fields(lua_State *L, const struct oh_operation *operation, int index)
{
    enum oh_type first = operation->fields[0].name != NULL ? operation->fields[0].type : OH_TEXT;

    return (first != OH_UUIDS && first != OH_NAMES) || oh_rawlen(L, index) == 0;
}

enum oh_fields_verdict oh_arguments_read(lua_State *L, int shared, const struct oh_operation *operation, int index,
                                           struct oh_request *request)
{
    int type = lua_type(L, index);
    struct oh_field_reader reader;
    int table;

    memset(&reader, 0, sizeof reader);
    reader.L = L;
    reader.shared = shared;
    reader.operation = operation;
    reader.request = request;
    reader.root.name = operation->name;
    luaL_checkstack(L, 16, operation->name);
    if (type == LUA_TTABLE && holds_fields(L, operation, index)) {
        lua_pushvalue(L, index);
    } else {
        lua_newtable(L);
        if (type != LUA_TNIL && type != LUA_TNONE) {
            if (operation->fields[0].name == NULL)
                oh_argument_error_at(L, &reader.root, "takes no fields");
            lua_pushstring(L, operation->fields[0].name);
            lua_pushvalue(L, index);
            lua_rawset(L, -3);
        }
    }
    table = lua_gettop(L);
    check_names(&reader, table);
    write_path(&reader, table);
    write_fields(&reader, table);
    if (reader.result != OH_FIELDS_GOOD)
        lua_pushfstring(L, "'%s' %s", reader.refused, reader.reason);
    return reader.result;
}

const char *oh_fields_kind(enum oh_fields_verdict result)
{
    return result == OH_FIELDS_UNSUPPORTED ? "unsupported" : "invalid";
}
