/* Encodes text as part of a URL. Must not know Lua or libcurl. */
#include "wire/url.h"

#include "wire/ascii.h"

static bool is_unreserved(char c)
{
    return oh_ascii_is_digit(c) || oh_ascii_is_letter(c) || c == '-' || c == '_' || c == '.' || c == '~';
}

enum oh_buffer_result oh_url_encode(struct oh_buffer *buffer, const char *text, size_t length)
{
    static const char hex[] = "0123456789ABCDEF";
    enum oh_buffer_result result = OH_BUFFER_OK;
    size_t i;

    for (i = 0; i < length && result == OH_BUFFER_OK; i++) {
        char c = text[i];
        if (is_unreserved(c)) {
            result = oh_buffer_append(buffer, &c, 1);
        } else {
            char escape[3] = {'%', hex[(unsigned char)c >> 4], hex[(unsigned char)c & 15]};
            result = oh_buffer_append(buffer, escape, sizeof escape);
        }
    }
    return result;
}
