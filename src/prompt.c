/* The prompt of a start: text or a V1 message table, as each dialect takes it. */
#include "reading.h"

/* A prompt in V1's form: the text in a message of one block. */
static void write_message(struct oh_reading *reading, const char *text, size_t length, const struct oh_path *path)
{
    static const char before[] = "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":";
    struct oh_buffer *body = &reading->exchange->body;

    oh_reading_append(reading, body, before, sizeof before - 1, path);
    oh_json_write_text(reading->L, reading->shared, text, length, body, path);
    oh_reading_append(reading, body, "}]}", 3, path);
}

/* Pushes the content list of a V1 message table and returns its length; raises if it has none. */
static size_t push_content(struct oh_reading *reading, int index, const struct oh_path *path)
{
    lua_State *L = reading->L;
    struct oh_path content = oh_reading_item(path, 0);
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
static void write_message_as_text(struct oh_reading *reading, const struct oh_field *field, int index,
                                  const struct oh_path *path)
{
    struct oh_buffer *body = &reading->exchange->body;
    size_t i, size, length = push_content(reading, index, path);
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

void oh_prompt_write(struct oh_reading *reading, const struct oh_field *field, int index, const struct oh_path *path)
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
    text = oh_reading_text(reading, field, index, path, &length);
    if (length == 0)
        oh_json_fail(L, path, "is empty");
    if (field->type == OH_MESSAGE)
        write_message(reading, text, length, path);
    else
        oh_json_write_text(L, reading->shared, text, length, body, path);
}
