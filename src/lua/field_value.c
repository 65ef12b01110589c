/* One value of a call: checks it against its field's type and writes it to the field's place. */
#include "lua/field_value.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "lua/message.h"
#include "wire/identifier.h"
#include "wire/secret.h"

/* Returns the id at `index`; raises if it is not an id, and refuses one that is not a UUID where the field takes only
   UUIDs. */
static const char *check_id(struct oh_field_reader *reader, const struct oh_field *field, int index,
                            const struct oh_argument_path *path, size_t *length)
{
    const char *id = oh_field_reader_text(reader, field, index, path, length);

    if (!oh_identifier_is_valid(id, *length))
        oh_argument_error_at(reader->L, path, "is not an id: an id has 1 to %d of A-Z a-z 0-9 _ -, this has %d bytes",
                             OH_LONGEST_IDENTIFIER, *length < INT_MAX ? (int)*length : INT_MAX);
    if (field->type != OH_IDENTIFIER && !oh_identifier_is_uuid(id, *length))
        oh_field_reader_refuse_value(reader, OH_FIELDS_INVALID, field->name, id,
                                     "is not a UUID, and this API has no other ids: check that it is complete");
    return id;
}

static void check_integer(struct oh_field_reader *reader, const struct oh_field *field, int index,
                          const struct oh_argument_path *path)
{
    lua_Number number = lua_tonumber(reader->L, index);

    if (lua_type(reader->L, index) != LUA_TNUMBER)
        oh_field_reader_wrong_type(reader, field, index, path);
    /* An integer just beyond 2^53 would be rounded to it. */
    if (oh_isinteger(reader->L, index) && number != 0 && lua_tointeger(reader->L, index) != (lua_Integer)number)
        oh_argument_error_at(reader->L, path, "is not an integer up to 2^53");
    if (!(number >= -OH_LARGEST_EXACT && number <= OH_LARGEST_EXACT) || number != (lua_Number)(long long)number)
        oh_argument_error_at(reader->L, path, "is not an integer");
}

static void check_items(struct oh_field_reader *reader, const struct oh_field *field, int index,
                        const struct oh_argument_path *path)
{
    size_t i, length = oh_json_encode_list_length(reader->L, reader->shared, index, path);
    struct oh_argument_path item;

    for (i = 1; i <= length; i++) {
        item = oh_argument_path_item(path, i);
        lua_rawgeti(reader->L, index, (int)i);
        if (field->type == OH_INTEGERS)
            check_integer(reader, field, lua_gettop(reader->L), &item);
        else if (lua_type(reader->L, -1) != LUA_TSTRING)
            oh_argument_error_at(reader->L, &item, "must be a string, not a %s", luaL_typename(reader->L, -1));
        lua_pop(reader->L, 1);
    }
}

static void check_text_map(struct oh_field_reader *reader, const struct oh_field *field, int index,
                           const struct oh_argument_path *path)
{
    lua_State *L = reader->L;
    struct oh_argument_path item;

    if (lua_type(L, index) != LUA_TTABLE)
        oh_field_reader_wrong_type(reader, field, index, path);
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            oh_argument_error_at(L, path, "must be %s", oh_type_description(field->type));
        item = oh_argument_path_field(path, lua_tostring(L, -2));
        if (lua_type(L, -1) != LUA_TSTRING)
            oh_argument_error_at(L, &item, "must be a string, not a %s", luaL_typename(L, -1));
    }
}

void oh_field_value_write_body(struct oh_field_reader *reader, const struct oh_field *field, int index,
                               const struct oh_argument_path *path)
{
    struct oh_buffer *body = &reader->request->body;
    enum oh_json_form form = OH_JSON_ANY;
    lua_State *L = reader->L;
    size_t length;

    switch (field->type) {
    case OH_MESSAGE:
    case OH_MESSAGE_TEXT:
    case OH_CONTENT:
    case OH_CONTENT_TEXT:
        oh_message_write(reader, field, index, path);
        return;
    case OH_TEXT:
    case OH_SECRET:
    case OH_NAME:
    case OH_NAMES:
    case OH_FILE:
    case OH_FILES:
        (void)oh_field_reader_text(reader, field, index, path, &length);
        break;
    case OH_IDENTIFIER:
    case OH_UUID:
    case OH_UUIDS:
        (void)check_id(reader, field, index, path, &length);
        break;
    case OH_INTEGER:
        check_integer(reader, field, index, path);
        break;
    case OH_BOOLEAN:
        if (!lua_isboolean(L, index))
            oh_field_reader_wrong_type(reader, field, index, path);
        break;
    case OH_TEXTS:
    case OH_INTEGERS:
        if (!lua_istable(L, index))
            oh_field_reader_wrong_type(reader, field, index, path);
        check_items(reader, field, index, path);
        form = OH_JSON_LIST;
        break;
    case OH_TEXT_MAP:
        check_text_map(reader, field, index, path);
        form = OH_JSON_OBJECT;
        break;
    case OH_OBJECT:
    case OH_LIST:
        if (!lua_istable(L, index))
            oh_field_reader_wrong_type(reader, field, index, path);
        form = field->type == OH_LIST ? OH_JSON_LIST : OH_JSON_OBJECT;
        if (form == OH_JSON_LIST)
            (void)oh_json_encode_list_length(L, reader->shared, index, path);
        else if (oh_rawlen(L, index) > 0)
            oh_argument_error_at(L, path, "must be %s, not a list", oh_type_description(field->type));
        break;
    }
    oh_json_encode(L, reader->shared, index, form, body, path);
}

/* ---- in URLs and forms ---------------------------------------------------------------------------------------- */

static void check_name(struct oh_field_reader *reader, const char *name, size_t length,
                       const struct oh_argument_path *path)
{
    size_t i;

    if (length == 0 || length > OH_LONGEST_NAME)
        oh_argument_error_at(reader->L, path, "must have 1 to %d bytes", OH_LONGEST_NAME);
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        oh_argument_error_at(reader->L, path, "cannot be '%s'", name);
    for (i = 0; i < length; i++)
        if ((unsigned char)name[i] < ' ' || name[i] == '\177')
            oh_argument_error_at(reader->L, path, "contains a control character");
}

static const char *format_integer(struct oh_field_reader *reader, const struct oh_field *field, int index,
                                  const struct oh_argument_path *path, char number[32], size_t *length)
{
    check_integer(reader, field, index, path);
    *length = (size_t)snprintf(number, 32, "%.0f", lua_tonumber(reader->L, index) + 0.0); /* -0 becomes 0 */
    return number;
}

/* Returns the text of a value in a URL; a number is written into `number`. */
static const char *text_of(struct oh_field_reader *reader, const struct oh_field *field, int index,
                              const struct oh_argument_path *path, char number[32], size_t *length)
{
    const char *text;

    switch (field->type) {
    case OH_UUID:
    case OH_UUIDS:
    case OH_IDENTIFIER:
        return check_id(reader, field, index, path, length);
    case OH_INTEGER:
        return format_integer(reader, field, index, path, number, length);
    case OH_BOOLEAN:
        if (!lua_isboolean(reader->L, index))
            oh_field_reader_wrong_type(reader, field, index, path);
        text = lua_toboolean(reader->L, index) ? "true" : "false";
        *length = strlen(text);
        return text;
    case OH_NAME:
    case OH_NAMES:
        text = oh_field_reader_text(reader, field, index, path, length);
        check_name(reader, text, *length, path);
        return text;
    default:
        return oh_field_reader_text(reader, field, index, path, length);
    }
}

void oh_field_value_write_path(struct oh_field_reader *reader, const struct oh_field *field, int index,
                               const struct oh_argument_path *path)
{
    char number[32];
    size_t length;
    const char *text = text_of(reader, field, index, path, number, &length);

    /* The service decodes a path before it routes it: an encoded slash would make it another path. */
    if (memchr(text, '/', length) != NULL)
        oh_argument_error_at(reader->L, path, "contains a slash");
    oh_field_reader_append_encoded(reader, &reader->request->path, text, length, path);
}

static void write_pair(struct oh_field_reader *reader, const struct oh_field *field, int index,
                       const struct oh_argument_path *path, struct oh_buffer *out)
{
    char number[32];
    size_t length;
    const char *text = text_of(reader, field, index, path, number, &length);

    if (out->length > 0)
        oh_field_reader_append(reader, out, "&", 1, path);
    oh_field_reader_append(reader, out, field->wire, strlen(field->wire), path);
    oh_field_reader_append(reader, out, "=", 1, path);
    oh_field_reader_append_encoded(reader, out, text, length, path);
}

void oh_field_value_write_query(struct oh_field_reader *reader, const struct oh_field *field, int index,
                                const struct oh_argument_path *path, struct oh_buffer *out)
{
    lua_State *L = reader->L;
    struct oh_argument_path item;
    size_t i, count;

    if (field->type != OH_TEXTS &&
        ((field->type != OH_UUIDS && field->type != OH_NAMES) || lua_type(L, index) != LUA_TTABLE)) {
        write_pair(reader, field, index, path, out);
        return;
    }
    if (lua_type(L, index) != LUA_TTABLE)
        oh_field_reader_wrong_type(reader, field, index, path);
    count = oh_json_encode_list_length(L, reader->shared, index, path);
    if (field->type != OH_TEXTS && (count == 0 || count > OH_MOST_IDS))
        oh_argument_error_at(L, path, "must have 1 to %d items, not %d", OH_MOST_IDS,
                             count < INT_MAX ? (int)count : INT_MAX);
    for (i = 1; i <= count; i++) { /* a pair for each: the service reads a list with commas as one value */
        item = oh_argument_path_item(path, i);
        lua_rawgeti(L, index, (int)i);
        write_pair(reader, field, lua_gettop(L), &item, out);
        lua_pop(L, 1);
    }
}

void oh_field_value_keep_secret(struct oh_field_reader *reader, const struct oh_field *field, int index,
                                const struct oh_argument_path *path)
{
    size_t length;
    const char *secret = oh_field_reader_text(reader, field, index, path, &length);
    const char *problem = oh_secret_problem(secret, length);

    if (problem != NULL)
        oh_argument_error_at(reader->L, path, "%s", problem);
    if (!oh_secret_keep(&reader->request->session_api_key, secret, length))
        luaL_error(reader->L, "not enough memory");
}
