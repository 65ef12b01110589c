/* From the caller's table to a filled request. Tables are read raw: none of their metamethods runs in here. */
#include "arguments.h"

#include <stdio.h>
#include <string.h>

#include "identifier.h"
#include "json.h"

#define MOST_IDS 99 /* the service refuses, or fails on, more in one request */

struct reading {
    lua_State *L;
    int shared;
    const struct oh_operation *operation;
    struct oh_exchange *exchange;
    struct oh_path root;
    enum oh_arguments_result result;
    const char *refused, *reason; /* static strings: the first field that this dialect cannot take, and why */
};

static struct oh_path item_of(const struct oh_path *list, size_t i)
{
    struct oh_path path;

    memset(&path, 0, sizeof path);
    path.up = list;
    path.index = (lua_Number)i;
    return path;
}

static struct oh_path path_to(const struct reading *reading, const char *name)
{
    struct oh_path path;

    memset(&path, 0, sizeof path);
    path.up = &reading->root;
    path.name = name;
    path.depth = 1;
    return path;
}

static void refuse(struct reading *reading, enum oh_arguments_result result, const char *field, const char *reason)
{
    if (reading->result == OH_ARGUMENTS_GOOD) {
        reading->result = result;
        reading->refused = field;
        reading->reason = reason;
    }
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

static void check_name(struct reading *reading, const char *name, size_t length)
{
    const struct oh_field *elsewhere;
    const char *nearest;
    struct oh_path path;

    if (strlen(name) == length && oh_operation_field(reading->operation, name) != NULL)
        return;
    elsewhere = strlen(name) == length ? field_elsewhere(reading->operation->name, name) : NULL;
    if (elsewhere != NULL) {
        refuse(reading, OH_ARGUMENTS_UNSUPPORTED, elsewhere->name, "is a field that this dialect does not have");
        return;
    }
    path = path_to(reading, name);
    nearest = oh_operation_nearest(reading->operation->name, name);
    if (nearest != NULL)
        oh_json_fail(reading->L, &path, "is not a field of this call (did you mean '%s'?)", nearest);
    oh_json_fail(reading->L, &path, "is not a field of this call");
}

static void check_names(struct reading *reading, int table)
{
    lua_State *L = reading->L;
    size_t length;
    const char *name;

    if (lua_getmetatable(L, table))
        oh_json_fail(L, &reading->root, "the table of fields has a metatable; give a plain table");
    for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            oh_json_fail(L, &reading->root, "the table of fields has a %s as a key; fields have names",
                         luaL_typename(L, -2));
        name = lua_tolstring(L, -2, &length);
        check_name(reading, name, length);
    }
}

/* Pushes the field's value; false, with nothing pushed, when it is absent. Null counts as absent. */
static bool push_field(struct reading *reading, int table, const char *name)
{
    lua_State *L = reading->L;

    lua_pushstring(L, name);
    lua_rawget(L, table);
    if (lua_isnil(L, -1) || (lua_islightuserdata(L, -1) && lua_touserdata(L, -1) == NULL)) {
        lua_pop(L, 1);
        return false;
    }
    return true;
}

/* The other spelling of a field, if it was given too, is a mistake; if a required one was given in none, as well. */
static void check_spellings(struct reading *reading, int table, const struct oh_field *field, bool given)
{
    const struct oh_field *other;
    struct oh_path path = path_to(reading, field->name);
    bool anywhere = given;

    for (other = reading->operation->fields; other->name != NULL; other++) {
        if (other == field || strcmp(other->wire, field->wire) != 0 || !push_field(reading, table, other->name))
            continue;
        lua_pop(reading->L, 1);
        anywhere = true;
        if (given)
            oh_json_fail(reading->L, &path, "and '%s' are two spellings of one field; give one of them", other->name);
    }
    if (field->required && !anywhere)
        oh_json_fail(reading->L, &path, "is missing");
}

/* ---- one value ------------------------------------------------------------------------------------------------ */

static void append(struct reading *reading, struct oh_buffer *buffer, const char *text, size_t length,
                   const struct oh_path *path)
{
    oh_json_append(reading->L, buffer, text, length, path);
}

static int wrong_type(struct reading *reading, const struct oh_field *field, int index, const struct oh_path *path)
{
    return oh_json_fail(reading->L, path, "must be %s, not a %s", oh_type_name(field->type),
                        luaL_typename(reading->L, index));
}

static const char *check_text(struct reading *reading, const struct oh_field *field, int index,
                              const struct oh_path *path, size_t *length)
{
    if (lua_type(reading->L, index) != LUA_TSTRING)
        wrong_type(reading, field, index, path);
    return lua_tolstring(reading->L, index, length);
}

static const char *check_id(struct reading *reading, const struct oh_field *field, int index,
                            const struct oh_path *path, size_t *length)
{
    const char *id = check_text(reading, field, index, path, length);

    if (!oh_identifier_valid(id, *length))
        oh_json_fail(reading->L, path, "is not an id: 1 to 128 of A-Z a-z 0-9 _ -, this has %d bytes",
                     *length < 2147483647 ? (int)*length : 2147483647);
    if (field->type != OH_IDENTIFIER && !oh_identifier_is_uuid(id, *length))
        refuse(reading, OH_ARGUMENTS_INVALID, field->name, "is not a UUID, and the V1 API knows no other ids");
    return id;
}

static void check_integer(struct reading *reading, const struct oh_field *field, int index, const struct oh_path *path)
{
    lua_Number number = lua_tonumber(reading->L, index);

    if (lua_type(reading->L, index) != LUA_TNUMBER)
        wrong_type(reading, field, index, path);
    if (!(number >= -9007199254740992.0 && number <= 9007199254740992.0) || number != (lua_Number)(long long)number)
        oh_json_fail(reading->L, path, "is not an integer");
}

static void check_items(struct reading *reading, const struct oh_field *field, int index, const struct oh_path *path)
{
    size_t i, length = oh_json_list_length(reading->L, reading->shared, index, path);
    struct oh_path item;

    for (i = 1; i <= length; i++) {
        item = item_of(path, i);
        lua_rawgeti(reading->L, index, (int)i);
        if (field->type == OH_INTEGERS)
            check_integer(reading, field, lua_gettop(reading->L), &item);
        else if (lua_type(reading->L, -1) != LUA_TSTRING)
            oh_json_fail(reading->L, &item, "must be a string, not a %s", luaL_typename(reading->L, -1));
        lua_pop(reading->L, 1);
    }
}

static void check_text_map(struct reading *reading, const struct oh_field *field, int index, const struct oh_path *path)
{
    lua_State *L = reading->L;
    struct oh_path item;

    if (lua_type(L, index) != LUA_TTABLE)
        wrong_type(reading, field, index, path);
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
        item = item_of(path, 0);
        if (lua_type(L, -2) != LUA_TSTRING)
            oh_json_fail(L, path, "must be %s", oh_type_name(field->type));
        item.name = lua_tostring(L, -2);
        if (lua_type(L, -1) != LUA_TSTRING)
            oh_json_fail(L, &item, "must be a string, not a %s", luaL_typename(L, -1));
    }
}

/* A prompt in V1's form: the text in a message of one block. */
static void write_message(struct reading *reading, const char *text, size_t length, const struct oh_path *path)
{
    static const char before[] = "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":";
    struct oh_buffer *body = &reading->exchange->body;

    append(reading, body, before, sizeof before - 1, path);
    oh_json_write_text(reading->L, reading->shared, text, length, body, path);
    append(reading, body, "}]}", 3, path);
}

/* Pushes the content list of a V1 message table and returns its length; raises if it has none. */
static size_t push_content(struct reading *reading, int index, const struct oh_path *path)
{
    lua_State *L = reading->L;
    struct oh_path content = item_of(path, 0);
    size_t length;

    content.name = "content";
    lua_pushliteral(L, "content");
    lua_rawget(L, index);
    length = oh_json_list_length(L, reading->shared, lua_gettop(L), &content);
    if (length == 0)
        oh_json_fail(L, &content, "is empty");
    return length;
}

/* A V1 message as V0 takes it: the text of its blocks, joined by line breaks. */
static void write_message_as_text(struct reading *reading, const struct oh_field *field, int index,
                                  const struct oh_path *path)
{
    struct oh_buffer *body = &reading->exchange->body;
    size_t i, size, length = push_content(reading, index, path);
    lua_State *L = reading->L;
    int content = lua_gettop(L);
    const char *text;

    append(reading, body, "\"", 1, path);
    for (i = 1; i <= length; i++) {
        lua_rawgeti(L, content, (int)i);
        if (lua_istable(L, -1)) {
            lua_pushliteral(L, "text");
            lua_rawget(L, -2);
        }
        if (lua_type(L, -1) != LUA_TSTRING) {
            refuse(reading, OH_ARGUMENTS_UNSUPPORTED, field->name, "must be text: the V0 API takes no other content");
        } else {
            text = lua_tolstring(L, -1, &size);
            if (i > 1)
                append(reading, body, "\\n", 2, path);
            oh_json_write_escaped(L, reading->shared, text, size, body, path);
        }
        lua_settop(L, content);
    }
    append(reading, body, "\"", 1, path);
}

static void write_prompt(struct reading *reading, const struct oh_field *field, int index, const struct oh_path *path)
{
    struct oh_buffer *body = &reading->exchange->body;
    lua_State *L = reading->L;
    const char *text;
    size_t length;

    if (lua_type(L, index) == LUA_TTABLE) {
        if (field->type == OH_MESSAGE_TEXT) {
            write_message_as_text(reading, field, index, path);
        } else {
            (void)push_content(reading, index, path);
            oh_json_write(L, reading->shared, index, OH_JSON_OBJECT, body, path);
        }
        return;
    }
    text = check_text(reading, field, index, path, &length);
    if (length == 0)
        oh_json_fail(L, path, "is empty");
    if (field->type == OH_MESSAGE)
        write_message(reading, text, length, path);
    else
        oh_json_write_text(L, reading->shared, text, length, body, path);
}

static void write_body_value(struct reading *reading, const struct oh_field *field, int index,
                             const struct oh_path *path)
{
    struct oh_buffer *body = &reading->exchange->body;
    enum oh_json_form form = OH_JSON_ANY;
    lua_State *L = reading->L;
    size_t length;

    switch (field->type) {
    case OH_MESSAGE:
    case OH_MESSAGE_TEXT:
        write_prompt(reading, field, index, path);
        return;
    case OH_TEXT:
        (void)check_text(reading, field, index, path, &length);
        break;
    case OH_IDENTIFIER:
    case OH_UUID:
    case OH_UUIDS:
        (void)check_id(reading, field, index, path, &length);
        break;
    case OH_INTEGER:
        check_integer(reading, field, index, path);
        break;
    case OH_BOOLEAN:
        if (!lua_isboolean(L, index))
            wrong_type(reading, field, index, path);
        break;
    case OH_TEXTS:
    case OH_INTEGERS:
        if (!lua_istable(L, index))
            wrong_type(reading, field, index, path);
        check_items(reading, field, index, path);
        form = OH_JSON_LIST;
        break;
    case OH_TEXT_MAP:
        check_text_map(reading, field, index, path);
        form = OH_JSON_OBJECT;
        break;
    case OH_OBJECT:
    case OH_LIST:
        if (!lua_istable(L, index))
            wrong_type(reading, field, index, path);
        form = field->type == OH_LIST ? OH_JSON_LIST : OH_JSON_OBJECT;
        if (form == OH_JSON_LIST)
            (void)oh_json_list_length(L, reading->shared, index, path);
        else if (oh_rawlen(L, index) > 0)
            oh_json_fail(L, path, "must be %s, not a list", oh_type_name(field->type));
        break;
    }
    oh_json_write(L, reading->shared, index, form, body, path);
}

static void write_query_value(struct reading *reading, const struct oh_field *field, const char *text, size_t length,
                              const struct oh_path *path)
{
    struct oh_buffer *query = &reading->exchange->query;

    if (query->length > 0)
        append(reading, query, "&", 1, path);
    append(reading, query, field->wire, strlen(field->wire), path);
    append(reading, query, "=", 1, path);
    if (oh_identifier_encode(query, text, length) != OH_BUFFER_OK)
        oh_json_fail(reading->L, path, "is too long");
}

/* Lists are a repeated key: the service takes a comma list for one value. */
static void write_query_ids(struct reading *reading, const struct oh_field *field, int index,
                            const struct oh_path *path)
{
    lua_State *L = reading->L;
    size_t i, count, length;
    struct oh_path item;
    const char *id;

    if (lua_type(L, index) != LUA_TTABLE) {
        id = check_id(reading, field, index, path, &length);
        write_query_value(reading, field, id, length, path);
        return;
    }
    count = oh_json_list_length(L, reading->shared, index, path);
    if (count == 0 || count > MOST_IDS)
        oh_json_fail(L, path, "must hold 1 to %d ids, not %d", MOST_IDS, count < 2147483647 ? (int)count : 2147483647);
    for (i = 1; i <= count; i++) {
        item = item_of(path, i);
        lua_rawgeti(L, index, (int)i);
        id = check_id(reading, field, lua_gettop(L), &item, &length);
        write_query_value(reading, field, id, length, &item);
        lua_pop(L, 1);
    }
}

static void write_query(struct reading *reading, const struct oh_field *field, int index, const struct oh_path *path)
{
    const char *text;
    char number[32];
    size_t length;

    switch (field->type) {
    case OH_UUIDS:
        write_query_ids(reading, field, index, path);
        return;
    case OH_UUID:
    case OH_IDENTIFIER:
        text = check_id(reading, field, index, path, &length);
        break;
    case OH_INTEGER:
        check_integer(reading, field, index, path);
        snprintf(number, sizeof number, "%.0f", lua_tonumber(reading->L, index));
        text = number;
        length = strlen(number);
        break;
    case OH_BOOLEAN:
        if (!lua_isboolean(reading->L, index))
            wrong_type(reading, field, index, path);
        text = lua_toboolean(reading->L, index) ? "true" : "false";
        length = strlen(text);
        break;
    default:
        text = check_text(reading, field, index, path, &length);
    }
    write_query_value(reading, field, text, length, path);
}

/* The path with {field} replaced; only ids stand in paths. */
static void write_path(struct reading *reading, int table)
{
    const char *rest = reading->operation->path, *open, *close;
    struct oh_buffer *out = &reading->exchange->path;
    const struct oh_field *field;
    struct oh_path path;
    const char *id;
    size_t length;

    while ((open = strchr(rest, '{')) != NULL) {
        close = strchr(open, '}');
        append(reading, out, rest, (size_t)(open - rest), &reading->root);
        for (field = reading->operation->fields; field->name != NULL; field++) {
            if (strlen(field->wire) != (size_t)(close - open - 1) ||
                strncmp(field->wire, open + 1, strlen(field->wire)) != 0 || !push_field(reading, table, field->name))
                continue;
            path = path_to(reading, field->name);
            id = check_id(reading, field, lua_gettop(reading->L), &path, &length);
            if (oh_identifier_encode(out, id, length) != OH_BUFFER_OK)
                oh_json_fail(reading->L, &path, "is too long");
            lua_pop(reading->L, 1);
        }
        rest = close + 1;
    }
    append(reading, out, rest, strlen(rest), &reading->root);
}

static void write_body_field(struct reading *reading, const struct oh_field *field, int index,
                             const struct oh_path *path)
{
    struct oh_buffer *body = &reading->exchange->body;

    append(reading, body, body->length > 1 ? ",\"" : "\"", body->length > 1 ? 2 : 1, path);
    append(reading, body, field->wire, strlen(field->wire), path); /* wire names need no escapes */
    append(reading, body, "\":", 2, path);
    write_body_value(reading, field, index, path);
}

static void write_fields(struct reading *reading, int table)
{
    const struct oh_operation *operation = reading->operation;
    struct oh_exchange *exchange = reading->exchange;
    const struct oh_field *field;
    struct oh_path path;
    bool given;

    exchange->has_body = strcmp(operation->method, "GET") != 0 && strcmp(operation->method, "DELETE") != 0;
    if (exchange->has_body)
        append(reading, &exchange->body, "{", 1, &reading->root);
    for (field = operation->fields; field->name != NULL; field++) {
        given = push_field(reading, table, field->name);
        check_spellings(reading, table, field, given);
        if (!given)
            continue;
        path = path_to(reading, field->name);
        if (field->place == OH_IN_QUERY)
            write_query(reading, field, lua_gettop(reading->L), &path);
        else if (field->place == OH_IN_BODY)
            write_body_field(reading, field, lua_gettop(reading->L), &path);
        lua_settop(reading->L, table);
    }
    if (exchange->has_body)
        append(reading, &exchange->body, "}", 1, &reading->root);
}

enum oh_arguments_result oh_arguments_read(lua_State *L, int shared, const struct oh_operation *operation, int index,
                                           struct oh_exchange *exchange)
{
    int type = lua_type(L, index);
    struct reading reading;
    int table;

    memset(&reading, 0, sizeof reading);
    reading.L = L;
    reading.shared = shared;
    reading.operation = operation;
    reading.exchange = exchange;
    reading.root.name = operation->name;
    luaL_checkstack(L, 16, operation->name);
    if (type == LUA_TTABLE && (operation->fields[0].type != OH_UUIDS || oh_rawlen(L, index) == 0)) {
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
