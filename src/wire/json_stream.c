/* Finds the objects of a JSON list while it arrives. Must not know Lua or libcurl. */
#include "wire/json_stream.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Skips blanks, the bracket of the list and commas. Returns whether it has reached an object. */
static bool skip_to_object(struct oh_json_stream *stream, const char *text, size_t length)
{
    for (; stream->at < length; stream->at++) {
        char c = text[stream->at];
        if (c == '{' && stream->in_list) {
            stream->from = stream->at;
            return true;
        }
        if (c == '[' && !stream->in_list)
            stream->in_list = true;
        else if (!is_blank(c) && (c != ',' || stream->to == 0)) {
            stream->has_ended = true; /* the end of the list, a value that is not an object, or no list at all */
            return false;
        }
    }
    return false;
}

bool oh_json_stream_find(struct oh_json_stream *stream, const char *text, size_t length)
{
    if (stream->is_whole || stream->has_ended)
        return stream->is_whole;
    if (stream->depth == 0 && !skip_to_object(stream, text, length))
        return false;
    for (; stream->at < length && !stream->is_whole; stream->at++) {
        char c = text[stream->at];
        if (stream->escaped) {
            stream->escaped = false;
        } else if (stream->in_string) {
            stream->escaped = c == '\\';
            stream->in_string = c != '"';
        } else if (c == '"') {
            stream->in_string = true;
        } else if (c == '{' || c == '[') {
            stream->depth++;
        } else if (c == '}' || c == ']') {
            stream->is_whole = --stream->depth == 0;
        }
    }
    stream->to = stream->is_whole ? stream->at : stream->to;
    return stream->is_whole;
}

void oh_json_stream_advance(struct oh_json_stream *stream)
{
    stream->is_whole = false;
}

void oh_json_stream_stop(struct oh_json_stream *stream)
{
    stream->is_whole = false;
    stream->has_ended = true;
}
