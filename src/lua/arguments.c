/* The fields of a call, read into a request. Tables are read raw: none of their metamethods runs. */
#include "lua/arguments.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lua/field_value.h"
#include "lua/json_sentinels.h"
#include "lua/multipart.h"

/* ---- which fields were given ---------------------------------------------------------------------------------- */

/* Returns the field's bit in `given`; the last bit is that of all further fields. */
static uint64_t bit_of(const struct oh_field_reader *reader, const struct oh_field *field)
{
    ptrdiff_t i = field - reader->operation->fields;

    return (uint64_t)1 << (i < 63 ? i : 63);
}

/* Marks the fields with that name as given: the service wants some values in two places. False: there is none. */
static bool mark_given(struct oh_field_reader *reader, const char *name)
{
    const struct oh_field *field;
    bool found = false;

    for (field = reader->operation->fields; field->name != NULL; field++) {
        if (field->name[0] == name[0] && strcmp(field->name, name) == 0) {
            reader->given |= bit_of(reader, field);
            found = true;
        }
    }
    return found;
}

/* Returns the field of that name in any dialect of the operation. */
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

/* Raises if no dialect of the operation has a field of that name; refuses the field if only another dialect has it. */
static void check_key(struct oh_field_reader *reader, const char *name, size_t length)
{
    const struct oh_field *elsewhere;
    const char *nearest;
    struct oh_argument_path path;

    if (strlen(name) == length && mark_given(reader, name))
        return;
    elsewhere = strlen(name) == length ? field_elsewhere(reader->operation->name, name) : NULL;
    if (elsewhere != NULL) {
        oh_field_reader_refuse(reader, OH_FIELDS_UNSUPPORTED, elsewhere->name,
                               "is a field that this dialect does not have");
        return;
    }
    path = oh_argument_path_field(&reader->root, name);
    nearest = oh_operations_nearest(reader->operation->name, name);
    if (nearest != NULL)
        oh_argument_error_at(reader->L, &path, "is not a field of this call (did you mean '%s'?)", nearest);
    oh_argument_error_at(reader->L, &path, "is not a field of this call");
}

/* Checks every key of the table of fields. */
static void check_keys(struct oh_field_reader *reader, int table)
{
    lua_State *L = reader->L;
    size_t length;
    const char *name;

    if (lua_getmetatable(L, table)) {
        if (!oh_json_sentinels_is_object_mark(L, reader->shared))
            oh_argument_error_at(L, &reader->root, "the table of fields has a metatable; give a plain table");
        lua_pop(L, 1);
    }
    for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            oh_argument_error_at(L, &reader->root, "the table of fields has a %s as a key; fields have names",
                                 luaL_typename(L, -2));
        name = lua_tolstring(L, -2, &length);
        check_key(reader, name, length);
    }
}

/* Pushes the field's value and returns true; pushes nothing and returns false when it is absent or null. */
static bool push_field(struct oh_field_reader *reader, int table, const struct oh_field *field)
{
    lua_State *L = reader->L;

    if ((reader->given & bit_of(reader, field)) == 0)
        return false;
    if (reader->alone != 0) {
        lua_pushvalue(L, reader->alone);
    } else {
        lua_pushstring(L, field->name);
        lua_rawget(L, table);
    }
    oh_json_sentinels_replace(L, reader->shared, lua_gettop(L));
    if (lua_isnil(L, -1) || oh_json_sentinels_is_null(L, -1)) {
        lua_pop(L, 1);
        return false;
    }
    return true;
}

/* Raises if a field was given under two names, or if a required field was given under none. */
static void check_names_of(struct oh_field_reader *reader, int table, const struct oh_field *field, bool given)
{
    const struct oh_field *other;
    struct oh_argument_path path = oh_argument_path_field(&reader->root, field->name);
    bool anywhere = given;

    if (!given && !field->required)
        return;
    for (other = reader->operation->fields; other->name != NULL; other++) {
        if (other == field || other->place != field->place || strcmp(other->wire, field->wire) != 0 ||
            !push_field(reader, table, other))
            continue;
        lua_pop(reader->L, 1);
        anywhere = true;
        if (given)
            oh_argument_error_at(reader->L, &path, "and '%s' are two names of one field; give one of them",
                                 other->name);
    }
    if (field->required && !anywhere)
        oh_argument_error_at(reader->L, &path, "is missing");
}

/* Writes the row's path with each {field} replaced. */
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
                strncmp(field->wire, open + 1, strlen(field->wire)) != 0 || !push_field(reader, table, field))
                continue;
            path = oh_argument_path_field(&reader->root, field->name);
            oh_field_value_write_path(reader, field, lua_gettop(reader->L), &path);
            lua_pop(reader->L, 1);
        }
        rest = close + 1;
    }
    oh_field_reader_append(reader, out, rest, strlen(rest), &reader->root);
}

/* ---- the body ------------------------------------------------------------------------------------------------- */

/* Begins the body and sets its type, which the places of the operation's fields decide. */
static void begin_body(struct oh_field_reader *reader)
{
    struct oh_request *request = reader->request;
    const struct oh_operation *operation = reader->operation;

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

static void write_field(struct oh_field_reader *reader, const struct oh_field *field, int index,
                        const struct oh_argument_path *path)
{
    switch (field->place) {
    case OH_IN_PATH:
        break; /* by write_path */
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
        given = push_field(reader, table, field);
        check_names_of(reader, table, field, given);
        if (!given)
            continue;
        path = oh_argument_path_field(&reader->root, field->name);
        write_field(reader, field, lua_gettop(reader->L), &path);
        lua_settop(reader->L, table);
    }
    end_body(reader);
}

/* Returns whether the table holds the fields. If not, it is the value of the first field: a list of UUIDs or names. */
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

    oh_field_reader_init(&reader, L, shared, operation, request);
    if (type == LUA_TTABLE && holds_fields(L, operation, index)) {
        lua_pushvalue(L, index);
        check_keys(&reader, lua_gettop(L));
    } else {
        if (operation->fields[0].name != NULL)
            (void)mark_given(&reader, operation->fields[0].name);
        else if (type != LUA_TNIL && type != LUA_TNONE)
            oh_argument_error_at(L, &reader.root, "takes no fields");
        reader.alone = index;
    }
    table = lua_gettop(L);
    write_path(&reader, table);
    write_fields(&reader, table);
    if (reader.verdict != OH_FIELDS_GOOD && reader.value != NULL)
        lua_pushfstring(L, "'%s' is '%s', which %s", reader.refused, reader.value, reader.reason);
    else if (reader.verdict != OH_FIELDS_GOOD)
        lua_pushfstring(L, "'%s' %s", reader.refused, reader.reason);
    return reader.verdict;
}
