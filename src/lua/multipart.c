/* Files in a body of parts (multipart/form-data, RFC 7578). The boundary is random, so that no file can contain it. */
#include "lua/multipart.h"

#include <stdio.h>
#include <string.h>

#include "wire/identifier.h"

#define TYPE "multipart/form-data; boundary="

static const char *boundary(const struct oh_field_reader *reader)
{
    return reader->request->content_type + sizeof TYPE - 1;
}

void oh_multipart_begin(struct oh_field_reader *reader)
{
    char type[sizeof TYPE + OH_UUID_SIZE] = TYPE;

    if (!oh_identifier_new_uuid(type + sizeof TYPE - 1))
        luaL_error(reader->L, "the system has no source of random numbers");
    oh_request_set_type(reader->request, type);
}

/* Appends a name that stands in quotation marks, escaped as browsers escape it. */
static void append_quoted(struct oh_field_reader *reader, const char *name, size_t length,
                          const struct oh_argument_path *path)
{
    struct oh_buffer *body = &reader->request->body;
    char escaped[4];
    size_t i;

    for (i = 0; i < length; i++) {
        if (name[i] == '"' || name[i] == '\r' || name[i] == '\n') {
            snprintf(escaped, sizeof escaped, "%%%02X", (unsigned)(unsigned char)name[i]);
            oh_field_reader_append(reader, body, escaped, 3, path);
        } else {
            oh_field_reader_append(reader, body, name + i, 1, path);
        }
    }
}

static void write_part(struct oh_field_reader *reader, const struct oh_field *field, const char *name, size_t length,
                       int contents, const struct oh_argument_path *path)
{
    const char *bytes;
    size_t size;

    if (length == 0 || memchr(name, '\0', length) != NULL) /* servers ignore a file part without a name */
        oh_argument_error_at(reader->L, path, "is not a file name: it is empty or contains a NUL byte");
    if (lua_type(reader->L, contents) != LUA_TSTRING)
        oh_argument_error_at(reader->L, path, "must be a string, not a %s", luaL_typename(reader->L, contents));
    bytes = lua_tolstring(reader->L, contents, &size);
    oh_field_reader_append_body(reader, "--", path);
    oh_field_reader_append_body(reader, boundary(reader), path);
    oh_field_reader_append_body(reader, "\r\nContent-Disposition: form-data; name=\"", path);
    oh_field_reader_append_body(reader, field->wire, path);
    oh_field_reader_append_body(reader, "\"; filename=\"", path);
    append_quoted(reader, name, length, path);
    oh_field_reader_append_body(reader, "\"\r\nContent-Type: application/octet-stream\r\n\r\n", path);
    oh_field_reader_append(reader, &reader->request->body, bytes, size, path);
    oh_field_reader_append_body(reader, "\r\n", path);
}

void oh_multipart_write(struct oh_field_reader *reader, const struct oh_field *field, int index,
                        const struct oh_argument_path *path)
{
    lua_State *L = reader->L;
    struct oh_argument_path item;
    size_t length, count = 0;

    if (field->type == OH_FILE) {
        write_part(reader, field, field->wire, strlen(field->wire), index, path);
        return;
    }
    if (lua_type(L, index) != LUA_TTABLE)
        oh_field_reader_wrong_type(reader, field, index, path);
    if (lua_getmetatable(L, index))
        oh_argument_error_at(L, path, "has a metatable; give a plain table");
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1), count++) {
        if (lua_type(L, -2) != LUA_TSTRING)
            oh_argument_error_at(L, path, "must be %s", oh_type_description(field->type));
        item = oh_argument_path_field(path, lua_tolstring(L, -2, &length));
        write_part(reader, field, item.name, length, lua_gettop(L), &item);
    }
    if (count == 0)
        oh_argument_error_at(L, path, "is empty");
}

void oh_multipart_end(struct oh_field_reader *reader)
{
    oh_field_reader_append_body(reader, "--", &reader->root);
    oh_field_reader_append_body(reader, boundary(reader), &reader->root);
    oh_field_reader_append_body(reader, "--\r\n", &reader->root);
}
