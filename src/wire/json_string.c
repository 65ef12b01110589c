/* Reads the strings of a JSON text: checks them, and decodes their escapes. Must not know Lua or libcurl. */
#include "wire/json_string.h"

#include "wire/ascii.h"
#include "wire/utf8.h"

/* By the character behind a backslash: what the two stand for; NUL if they are no short escape. */
static const char short_escapes[256] = {
    ['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t',
};

/* Returns the length of the escape at a backslash, 0 if it is malformed. */
static size_t escape_length(const char *text, size_t left)
{
    size_t i;

    if (left >= 2 && short_escapes[(unsigned char)text[1]] != '\0')
        return 2;
    if (left < 6 || text[1] != 'u')
        return 0;
    for (i = 2; i < 6; i++)
        if (oh_ascii_hex(text[i]) < 0)
            return 0;
    return 6;
}

/* Returns the length of what begins at a byte that is no quote: an escape, or a character. 0 if it is malformed. */
static size_t part_length(const char *text, const char *end, bool *escaped)
{
    if (*text == '\\') {
        *escaped = true;
        return escape_length(text, (size_t)(end - text));
    }
    return (unsigned char)*text < 0x20 ? 0 : oh_utf8_sequence(text, (size_t)(end - text));
}

/* Goes through the marks of a block, and from its end to the next block: to go to the next block from the last mark
   would make each block wait for the one before. */
const char *oh_json_string_check(const char *text, const char *end, bool *escaped)
{
    const char *block;
    oh_json_marks marks;
    size_t size;

    while (end - text >= OH_JSON_BLOCK) {
        block = text;
        marks = oh_json_block_unusual(block);
        text += OH_JSON_BLOCK;
        while (marks != 0) {
            const char *at = block + oh_json_block_first(marks);
            if (*at == '"')
                return at;
            size = part_length(at, end, escaped);
            if (size == 0)
                return NULL;
            at += size;
            if (at - block >= OH_JSON_BLOCK) {
                text = at;
                break;
            }
            marks = oh_json_block_from(marks, (size_t)(at - block));
        }
    }
    for (; text < end && *text != '"'; text += size) {
        size = part_length(text, end, escaped);
        if (size == 0)
            return NULL;
    }
    return text < end ? text : NULL;
}

const char *oh_json_string_find_special(const char *text, const char *end)
{
    oh_json_marks marks;

    for (; end - text >= OH_JSON_BLOCK; text += OH_JSON_BLOCK) {
        marks = oh_json_block_special(text);
        if (marks != 0)
            return text + oh_json_block_first(marks);
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

/* Decodes the escape at `text`, and skips it. Returns the end of what it wrote. */
static char *put_escape(const char **text, const char *end, char *out)
{
    if ((*text)[1] == 'u')
        return put_character(out, take_character(text, end));
    *out = short_escapes[(unsigned char)(*text)[1]];
    *text += 2;
    return out + 1;
}

/* Each block is copied whole, before its first escape and again after each: what follows is written over what was too
   much. */
const char *oh_json_string_decode(const char *text, const char *end, char *out, size_t *length)
{
    char *const first = out;
    const char *block;
    oh_json_marks marks;
    size_t plain;

    while (end - text >= 2 * OH_JSON_BLOCK) {
        block = text;
        marks = oh_json_block_special(block);
        memcpy(out, text, OH_JSON_BLOCK);
        while (marks != 0) {
            plain = (size_t)(block + oh_json_block_first(marks) - text);
            text += plain;
            out += plain;
            if (*text == '"') {
                *length = (size_t)(out - first);
                return text;
            }
            if (*text != '\\') { /* a mark that means nothing */
                text++;
                out++;
            } else {
                out = put_escape(&text, end, out);
            }
            if (text - block >= OH_JSON_BLOCK)
                break;
            memcpy(out, text, OH_JSON_BLOCK);
            marks = oh_json_block_from(marks, (size_t)(text - block));
        }
        if (text - block < OH_JSON_BLOCK) {
            plain = (size_t)(block + OH_JSON_BLOCK - text);
            text += plain;
            out += plain;
        }
    }
    while (*text != '"') {
        if (*text == '\\')
            out = put_escape(&text, end, out);
        else
            *out++ = *text++;
    }
    *length = (size_t)(out - first);
    return text;
}
