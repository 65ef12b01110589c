/* A prompt or a message to a running agent: V0 takes text, V1 a message or a list of content blocks, the
   agent server only the list. */
#include "lua/message.h"

/* Writes a text as V1 takes it: as a list of one block. */
static void write_block(struct oh_field_reader *reader, const char *text, size_t length,
                        const struct oh_argument_path *path)
{
    oh_field_reader_append_body(reader, "[{\"type\":\"text\",\"text\":", path);
    oh_json_encode_text(reader->L, reader->shared, text, length, &reader->request->body, path);
    oh_field_reader_append_body(reader, "}]", path);
}

/* Pushes the list of blocks: the table at `index`, or the `content` of the message there. Returns its length; raises if
   it is empty. */
static size_t push_content(struct oh_field_reader *reader, const struct oh_field *field, int index,
                           const struct oh_argument_path *path)
{
    bool is_message = field->type == OH_MESSAGE || field->type == OH_MESSAGE_TEXT;
    struct oh_argument_path content = is_message ? oh_argument_path_field(path, "content") : *path;
    lua_State *L = reader->L;
    size_t length;

    if (is_message) {
        lua_pushliteral(L, "content");
        lua_rawget(L, index);
    } else {
        lua_pushvalue(L, index);
    }
    length = oh_json_encode_list_length(L, reader->shared, lua_gettop(L), &content);
    if (length == 0)
        oh_argument_error_at(L, &content, "is empty");
    return length;
}

/* Writes blocks as V0 takes them: their text, joined by line breaks. */
static void write_message_as_text(struct oh_field_reader *reader, const struct oh_field *field, int index,
                                  const struct oh_argument_path *path)
{
    struct oh_buffer *body = &reader->request->body;
    size_t i, size, length = push_content(reader, field, index, path);
    lua_State *L = reader->L;
    int content = lua_gettop(L);
    const char *text;

    oh_field_reader_append(reader, body, "\"", 1, path);
    for (i = 1; i <= length; i++) {
        lua_rawgeti(L, content, (int)i);
        if (lua_istable(L, -1)) {
            lua_pushliteral(L, "text");
            lua_rawget(L, -2);
        }
        if (lua_type(L, -1) != LUA_TSTRING) {
            oh_field_reader_refuse(reader, OH_FIELDS_UNSUPPORTED, field->name,
                                   "must be text: the V0 API takes no other content");
        } else {
            text = lua_tolstring(L, -1, &size);
            if (i > 1)
                oh_field_reader_append(reader, body, "\\n", 2, path);
            oh_json_encode_escaped(L, reader->shared, text, size, body, path);
        }
        lua_settop(L, content);
    }
    oh_field_reader_append(reader, body, "\"", 1, path);
}

static void write_table(struct oh_field_reader *reader, const struct oh_field *field, int index,
                        const struct oh_argument_path *path)
{
    enum oh_json_form form = field->type == OH_CONTENT ? OH_JSON_LIST : OH_JSON_OBJECT;

    if (field->type == OH_MESSAGE_TEXT || field->type == OH_CONTENT_TEXT) {
        write_message_as_text(reader, field, index, path);
    } else {
        (void)push_content(reader, field, index, path);
        oh_json_encode(reader->L, reader->shared, index, form, &reader->request->body, path);
    }
}

void oh_message_write(struct oh_field_reader *reader, const struct oh_field *field, int index,
                      const struct oh_argument_path *path)
{
    lua_State *L = reader->L;
    const char *text;
    size_t length;

    if (lua_type(L, index) == LUA_TTABLE) {
        write_table(reader, field, index, path);
        return;
    }
    text = oh_field_reader_text(reader, field, index, path, &length);
    if (length == 0)
        oh_argument_error_at(L, path, "is empty");
    if (field->type == OH_MESSAGE) {
        oh_field_reader_append_body(reader, "{\"role\":\"user\",\"content\":", path);
        write_block(reader, text, length, path);
        oh_field_reader_append_body(reader, "}", path);
    } else if (field->type == OH_CONTENT) {
        write_block(reader, text, length, path);
    } else {
        oh_json_encode_text(L, reader->shared, text, length, &reader->request->body, path);
    }
}
