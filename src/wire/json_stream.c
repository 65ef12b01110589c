/* Elements of a JSON list that is still arriving. Must not know Lua or libcurl. */
#include "wire/json_stream.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Takes what stands before an element: blanks, and the list's bracket or a comma. True at the element's first byte. */
static bool reach(struct oh_json_stream *element, const char *text, size_t length)
{
    for (; element->at < length; element->at++) {
        char c = text[element->at];
        if (c == '{' && element->in_list) {
            element->from = element->at;
            return true;
        }
        if (c == '[' && !element->in_list)
            element->in_list = true;
        else if (!is_blank(c) && (c != ',' || element->to == 0)) {
            element->has_ended = true; /* what does not begin as a list has no elements */
            return false;
        }
    }
    return false;
}

bool oh_json_stream_find(struct oh_json_stream *element, const char *text, size_t length)
{
    if (element->is_whole || element->has_ended)
        return element->is_whole;
    if (element->depth == 0 && !reach(element, text, length))
        return false;
    for (; element->at < length && !element->is_whole; element->at++) {
        char c = text[element->at];
        if (element->escaped) {
            element->escaped = false;
        } else if (element->in_string) {
            element->escaped = c == '\\';
            element->in_string = c != '"';
        } else if (c == '"') {
            element->in_string = true;
        } else if (c == '{' || c == '[') {
            element->depth++;
        } else if (c == '}' || c == ']') {
            element->is_whole = --element->depth == 0;
        }
    }
    element->to = element->is_whole ? element->at : element->to;
    return element->is_whole;
}

void oh_json_stream_advance(struct oh_json_stream *element)
{
    element->is_whole = false;
}

void oh_json_stream_stop(struct oh_json_stream *element)
{
    element->is_whole = false;
    element->has_ended = true;
}
