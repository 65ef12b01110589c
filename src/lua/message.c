/* A prompt, or a message to a running agent: text, a V1 message table or its content blocks, as each dialect takes it. */
#include <string.h>

#include "lua/field_reader.h"

static void append(struct oh_reading *reading, const char *text, const struct oh_path *path)
{
    oh_reading_append(reading, &reading->request->body, text, strlen(text), path);
}

/* Text in V1's form: a list of one block. */
static void write_block(struct oh_reading *reading, const char *text, size_t length, const struct oh_path *path)
{
    append(reading, "[{\"type\":\"text\",\"text\":", path);
    oh_json_write_text(reading->L, reading->shared, text, length, &reading->request->body, path);
    append(reading, "}]", path);
}

/* Pushes the list of blocks that the table at `index` is, or has as a message; returns its length, which is not 0. */
static size_t push_content(struct oh_reading *reading, const struct oh_field *field, int index,
                           const struct oh_path *path)
{
    bool is_message = field->type == OH_MESSAGE || field->type == OH_MESSAGE_TEXT;
    struct oh_path content = is_message ? oh_reading_item(path, 0) : *path;
    lua_State *L = reading->L;
    size_t length;

    if (is_message) {
        content.name = "content";
        lua_pushliteral(L, "content");
        lua_rawget(L, index);
    } else {
        lua_pushvalue(L, index);
    }
    length = oh_json_list_length(L, reading->shared, lua_gettop(L), &content);
    if (length == 0)
        oh_json_fail(L, &content, "is empty");
    return length;
}

/* Blocks as V0 takes them: their text, joined by line breaks. */
static void write_message_as_text(struct oh_reading *reading, const struct oh_field *field, int index,
                                  const struct oh_path *path)
{
    struct oh_buffer *body = &reading->request->body;
    size_t i, size, length = push_content(reading, field, index, path);
    lua_State *L = reading->L;
    int content = lua_gettop(L);
    const char *text;

    oh_reading_append(reading, body, "\"", 1, path);
    for (i = 1; i <= length; i++) {
        lua_rawgeti(L, content, (int)i);
        if (lua_istable(L, -1)) {
            lua_pushliteral(L, "text");
            lua_rawget(L, -2);
        }
        if (lua_type(L, -1) != LUA_TSTRING) {
            oh_reading_refuse(reading, OH_ARGUMENTS_UNSUPPORTED, field->name,
                              "must be text: the V0 API takes no other content");
        } else {
            text = lua_tolstring(L, -1, &size);
            if (i > 1)
                oh_reading_append(reading, body, "\\n", 2, path);
            oh_json_write_escaped(L, reading->shared, text, size, body, path);
        }
        lua_settop(L, content);
    }
    oh_reading_append(reading, body, "\"", 1, path);
}

static void write_table(struct oh_reading *reading, const struct oh_field *field, int index,
                        const struct oh_path *path)
{
    enum oh_json_form form = field->type == OH_CONTENT ? OH_JSON_LIST : OH_JSON_OBJECT;

    if (field->type == OH_MESSAGE_TEXT || field->type == OH_CONTENT_TEXT) {
        write_message_as_text(reading, field, index, path);
    } else {
        (void)push_content(reading, field, index, path);
        oh_json_write(reading->L, reading->shared, index, form, &reading->request->body, path);
    }
}

void oh_prompt_write(struct oh_reading *reading, const struct oh_field *field, int index, const struct oh_path *path)
{
    lua_State *L = reading->L;
    const char *text;
    size_t length;

    if (lua_type(L, index) == LUA_TTABLE) {
        write_table(reading, field, index, path);
        return;
    }
    text = oh_reading_text(reading, field, index, path, &length);
    if (length == 0)
        oh_json_fail(L, path, "is empty");
    if (field->type == OH_MESSAGE) {
        append(reading, "{\"role\":\"user\",\"content\":", path);
        write_block(reading, text, length, path);
        append(reading, "}", path);
    } else if (field->type == OH_CONTENT) {
        write_block(reading, text, length, path);
    } else {
        oh_json_write_text(L, reading->shared, text, length, &reading->request->body, path);
    }
}
