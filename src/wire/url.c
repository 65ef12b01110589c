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
    size_t i, end;

    for (i = 0; i < length && result == OH_BUFFER_OK; i = end + 1) {
        for (end = i; end < length && is_unreserved(text[end]); end++)
            continue;
        result = oh_buffer_append(buffer, text + i, end - i);
        if (end < length && result == OH_BUFFER_OK) {
            unsigned char byte = (unsigned char)text[end];
            char escape[3] = {'%', hex[byte >> 4], hex[byte & 15]};
            result = oh_buffer_append(buffer, escape, sizeof escape);
        }
    }
    return result;
}
