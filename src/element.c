/* Elements of a JSON list that is still arriving. Must not know Lua or libcurl. */
#include "element.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool oh_element_find(const char *text, size_t length, size_t *from, size_t *to)
{
    bool in_string = false;
    size_t depth = 0, i = *from;

    while (i < length && (is_blank(text[i]) || (*from > 0 && text[i] == ',')))
        i++;
    if (*from == 0) { /* what does not begin as a list has no elements */
        if (i == length || text[i] != '[')
            return false;
        for (i++; i < length && is_blank(text[i]); i++)
            continue;
    }
    if (i == length || text[i] != '{')
        return false;
    *from = i;
    for (i = *from; i < length; i++) {
        if (in_string) {
            if (text[i] == '\\')
                i++;
            else if (text[i] == '"')
                in_string = false;
        } else if (text[i] == '"') {
            in_string = true;
        } else if (text[i] == '{' || text[i] == '[') {
            depth++;
        } else if ((text[i] == '}' || text[i] == ']') && --depth == 0) {
            *to = i + 1;
            return true;
        }
    }
    return false;
}
