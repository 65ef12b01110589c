/* Files in a body of parts (multipart/form-data, RFC 7578). The boundary is random, so that no contents can hold it. */
#include <stdio.h>
#include <string.h>

#include "wire/identifier.h"
#include "lua/cjson_instance.h"
#include "lua/field_reader.h"

#define TYPE "multipart/form-data; boundary="

static const char *boundary(const struct oh_reading *reading)
{
    return reading->request->content_type + sizeof TYPE - 1;
}

static void append(struct oh_reading *reading, const char *text, const struct oh_path *path)
{
    oh_reading_append(reading, &reading->request->body, text, strlen(text), path);
}

void oh_parts_begin(struct oh_reading *reading)
{
    char type[sizeof TYPE + OH_UUID_SIZE] = TYPE;

    if (!oh_identifier_uuid(type + sizeof TYPE - 1))
        luaL_error(reading->L, "the system gives no random numbers");
    oh_request_set_type(reading->request, type);
}

/* A name within quotation marks, as browsers write it. */
static void append_quoted(struct oh_reading *reading, const char *name, size_t length, const struct oh_path *path)
{
    struct oh_buffer *body = &reading->request->body;
    char escaped[4];
    size_t i;

    for (i = 0; i < length; i++) {
        if (name[i] == '"' || name[i] == '\r' || name[i] == '\n') {
            snprintf(escaped, sizeof escaped, "%%%02X", (unsigned)(unsigned char)name[i]);
            oh_reading_append(reading, body, escaped, 3, path);
        } else {
            oh_reading_append(reading, body, name + i, 1, path);
        }
    }
}

static void write_part(struct oh_reading *reading, const struct oh_field *field, const char *name, size_t length,
                       int contents, const struct oh_path *path)
{
    const char *bytes;
    size_t size;

    if (length == 0 || memchr(name, '\0', length) != NULL) /* servers take a part without a name for no file */
        oh_json_fail(reading->L, path, "is no file name: empty, or with a NUL byte");
    if (lua_type(reading->L, contents) != LUA_TSTRING)
        oh_json_fail(reading->L, path, "must be a string, not a %s", luaL_typename(reading->L, contents));
    bytes = lua_tolstring(reading->L, contents, &size);
    append(reading, "--", path);
    append(reading, boundary(reading), path);
    append(reading, "\r\nContent-Disposition: form-data; name=\"", path);
    append(reading, field->wire, path);
    append(reading, "\"; filename=\"", path);
    append_quoted(reading, name, length, path);
    append(reading, "\"\r\nContent-Type: application/octet-stream\r\n\r\n", path);
    oh_reading_append(reading, &reading->request->body, bytes, size, path);
    append(reading, "\r\n", path);
}

void oh_parts_write(struct oh_reading *reading, const struct oh_field *field, int index, const struct oh_path *path)
{
    lua_State *L = reading->L;
    struct oh_path item = oh_reading_item(path, 0);
    size_t length, count = 0;

    if (field->type == OH_FILE) {
        write_part(reading, field, field->wire, strlen(field->wire), index, path);
        return;
    }
    if (lua_type(L, index) != LUA_TTABLE)
        oh_reading_wrong_type(reading, field, index, path);
    if (lua_getmetatable(L, index))
        oh_json_fail(L, path, "has a metatable; give a plain table");
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1), count++) {
        if (lua_type(L, -2) != LUA_TSTRING)
            oh_json_fail(L, path, "must be %s", oh_type_name(field->type));
        item.name = lua_tolstring(L, -2, &length);
        write_part(reading, field, item.name, length, lua_gettop(L), &item);
    }
    if (count == 0)
        oh_json_fail(L, path, "is empty");
}

void oh_parts_end(struct oh_reading *reading)
{
    append(reading, "--", &reading->root);
    append(reading, boundary(reading), &reading->root);
    append(reading, "--\r\n", &reading->root);
}
