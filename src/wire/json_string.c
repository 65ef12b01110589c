/* Reads the strings of a JSON text: checks them, and decodes their escapes. Must not know Lua or libcurl. */
#include "wire/json_string.h"

#include "wire/ascii.h"
#include "wire/utf8.h"

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

/* Returns the length of the escape at a backslash, 0 if it is malformed. */
static size_t escape_length(const char *text, size_t left)
{
    size_t i;

    if (left < 2)
        return 0;
    switch (text[1]) {
    case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't': return 2;
    case 'u': break;
    default: return 0;
    }
    if (left < 6)
        return 0;
    for (i = 2; i < 6; i++)
        if (oh_ascii_hex(text[i]) < 0)
            return 0;
    return 6;
}

const char *oh_json_string_check(const char *text, const char *end, bool *escaped)
{
    size_t size;

    for (;;) {
        if (end - text >= OH_JSON_BLOCK) {
            size = oh_json_block_unusual(text);
            text += size;
            if (size == OH_JSON_BLOCK)
                continue;
        } else {
            while (text < end && is_plain(*text))
                text++;
            if (text == end)
                return NULL;
        }
        if (*text == '"')
            return text;
        if (*text == '\\') {
            size = escape_length(text, (size_t)(end - text));
            *escaped = true;
        } else {
            size = (unsigned char)*text < 0x20 ? 0 : oh_utf8_sequence(text, (size_t)(end - text));
        }
        if (size == 0)
            return NULL;
        text += size;
    }
}

const char *oh_json_string_find_special(const char *text, const char *end)
{
    size_t size;

    while (end - text >= OH_JSON_BLOCK) {
        size = oh_json_block_special(text);
        text += size;
        if (size < OH_JSON_BLOCK)
            return text;
    }
    while (text < end && *text != '"' && *text != '\\')
        text++;
    return text;
}

/* ---- escapes -------------------------------------------------------------------------------------------------- */

static unsigned long read_unit(const char *escape)
{
    unsigned long unit = 0;
    int i;

    for (i = 2; i < 6; i++)
        unit = unit * 16 + (unsigned long)oh_ascii_hex(escape[i]);
    return unit;
}

static char *put_character(char *out, unsigned long code)
{
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xc0 | (code >> 6));
        *out++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *out++ = (char)(0xe0 | (code >> 12));
        *out++ = (char)(0x80 | ((code >> 6) & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    } else {
        *out++ = (char)(0xf0 | (code >> 18));
        *out++ = (char)(0x80 | ((code >> 12) & 0x3f));
        *out++ = (char)(0x80 | ((code >> 6) & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    }
    return out;
}

/* Reads the character of a \u escape, or of a surrogate pair, and skips it. Returns U+FFFD for a lone surrogate, which
   may come from a text that was cut: it must not make a response unreadable. */
static unsigned long take_character(const char **text, const char *end)
{
    unsigned long unit = read_unit(*text), low;

    *text += 6;
    if (unit < 0xd800 || unit > 0xdfff)
        return unit;
    if (unit <= 0xdbff && end - *text >= 6 && (*text)[0] == '\\' && (*text)[1] == 'u') {
        low = read_unit(*text);
        if (low >= 0xdc00 && low <= 0xdfff) {
            *text += 6;
            return 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        }
    }
    return 0xfffd;
}

static char unescaped(char name)
{
    switch (name) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return name;
    }
}

/* Copies to the first quote or backslash. Each block is copied whole before it is looked at: what follows is written
   over what was too much. */
static size_t copy_plain(const char *text, const char *end, char *out)
{
    const char *const from = text;
    size_t size;

    while (end - text >= OH_JSON_BLOCK) {
        memcpy(out + (text - from), text, OH_JSON_BLOCK);
        size = oh_json_block_special(text);
        text += size;
        if (size < OH_JSON_BLOCK)
            return (size_t)(text - from);
    }
    for (; text < end && *text != '"' && *text != '\\'; text++)
        out[text - from] = *text;
    return (size_t)(text - from);
}

const char *oh_json_string_decode(const char *text, const char *end, char *out, size_t *length)
{
    char *const first = out;
    size_t size;

    for (;;) {
        size = copy_plain(text, end, out);
        text += size;
        out += size;
        if (*text == '"') {
            *length = (size_t)(out - first);
            return text;
        }
        if (text[1] == 'u') {
            out = put_character(out, take_character(&text, end));
        } else {
            *out++ = unescaped(text[1]);
            text += 2;
        }
    }
}
