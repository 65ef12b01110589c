/* The context of reading one call's fields, and the functions that every type of field needs. */
#include "lua/field_reader.h"

#include <string.h>

#include "wire/url.h"

#define MOST_SLOTS 16 /* of Lua's stack, to check and encode one field; tables inside it reserve their own */

void oh_field_reader_init(struct oh_field_reader *reader, lua_State *L, int shared,
                          const struct oh_operation *operation, struct oh_request *request)
{
    memset(reader, 0, sizeof *reader);
    reader->L = L;
    reader->shared = shared;
    reader->operation = operation;
    reader->request = request;
    reader->root.name = operation->name;
    request->has_body = strcmp(operation->method, "GET") != 0 && strcmp(operation->method, "DELETE") != 0;
    luaL_checkstack(L, MOST_SLOTS, operation->name);
}

void oh_field_reader_refuse(struct oh_field_reader *reader, enum oh_fields_verdict verdict, const char *field,
                            const char *reason)
{
    oh_field_reader_refuse_value(reader, verdict, field, NULL, reason);
}

void oh_field_reader_refuse_value(struct oh_field_reader *reader, enum oh_fields_verdict verdict, const char *field,
                                  const char *value, const char *reason)
{
    if (reader->verdict == OH_FIELDS_GOOD) {
        reader->verdict = verdict;
        reader->refused = field;
        reader->value = value;
        reader->reason = reason;
    }
}

void oh_field_reader_append(struct oh_field_reader *reader, struct oh_buffer *buffer, const char *text, size_t length,
                            const struct oh_argument_path *path)
{
    oh_json_encode_append(reader->L, buffer, text, length, path);
}

void oh_field_reader_append_encoded(struct oh_field_reader *reader, struct oh_buffer *buffer, const char *text,
                                    size_t length, const struct oh_argument_path *path)
{
    enum oh_buffer_result result = oh_url_encode(buffer, text, length);

    if (result == OH_BUFFER_FULL)
        oh_argument_error_at(reader->L, path, "is too long: it makes the path, query or body larger than %d bytes",
                             (int)buffer->limit);
    else if (result == OH_BUFFER_MEMORY)
        luaL_error(reader->L, "not enough memory");
}

void oh_field_reader_append_body(struct oh_field_reader *reader, const char *text, const struct oh_argument_path *path)
{
    oh_json_encode_append(reader->L, &reader->request->body, text, strlen(text), path);
}

int oh_field_reader_wrong_type(struct oh_field_reader *reader, const struct oh_field *field, int index,
                               const struct oh_argument_path *path)
{
    return oh_argument_error_at(reader->L, path, "must be %s, not a %s", oh_type_description(field->type),
                                luaL_typename(reader->L, index));
}

const char *oh_field_reader_text(struct oh_field_reader *reader, const struct oh_field *field, int index,
                                 const struct oh_argument_path *path, size_t *length)
{
    if (lua_type(reader->L, index) != LUA_TSTRING)
        oh_field_reader_wrong_type(reader, field, index, path);
    return lua_tolstring(reader->L, index, length);
}

const char *oh_fields_kind(enum oh_fields_verdict verdict)
{
    return verdict == OH_FIELDS_UNSUPPORTED ? "unsupported" : "invalid";
}
