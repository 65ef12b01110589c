/* Checks that a text is JSON and computes the memory that its values will take. Must not know Lua or libcurl. */
#include "wire/json_scan.h"

#include <string.h>

#include "wire/json_number.h"
#include "wire/ascii.h"
#include "wire/utf8.h"

/* The most bytes that a table, item, member or string takes in any version of Lua; for tables and strings with the
   overhead of malloc. */
#define TABLE_COST 80
#define ITEM_COST 16
#define MEMBER_COST 40
#define STRING_COST 48

#define IS_OBJECT 0x80000000U /* flag in `open`: no text has so many lists and objects */

enum state { VALUE, FIRST_ITEM, FIRST_NAME, NAME, AFTER };

void oh_json_scan_begin(struct oh_json_scan *scan, const char *text, size_t length, size_t most_cost, uint32_t *counts,
                        uint32_t capacity)
{
    scan->text = text;
    scan->length = scan->stop = length;
    scan->at = 0;
    scan->cost = 0;
    scan->most_cost = most_cost;
    scan->counts = counts;
    scan->capacity = capacity;
    scan->used = 0;
    scan->longest_escaped = 0;
    scan->depth = scan->deepest = 0;
    scan->state = VALUE;
}

/* ---- strings -------------------------------------------------------------------------------------------------- */

#define EACH_BYTE(byte) (0x0101010101010101ULL * (byte))
/* Not 0 if some byte of the word is 0, or below `limit`, which is at most 128. */
#define HAS_ZERO(word) (((word)-EACH_BYTE(1)) & ~(word)&EACH_BYTE(0x80))
#define HAS_BELOW(word, limit) (((word)-EACH_BYTE(limit)) & ~(word)&EACH_BYTE(0x80))

/* Returns a word that is not 0 if a quote or a backslash is among its bytes. */
static uint64_t special_in(uint64_t word)
{
    return HAS_ZERO(word ^ EACH_BYTE('"')) | HAS_ZERO(word ^ EACH_BYTE('\\'));
}

/* Returns how many bytes of the text precede the first one that is marked in `found`. Only the lowest mark is reliable.
   It is the first byte's only where the byte order is little-endian; elsewhere returns 0. */
static size_t bytes_before(uint64_t found)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return (size_t)__builtin_ctzll(found) / 8;
#else
    (void)found;
    return 0;
#endif
}

const char *oh_json_scan_find_special(const char *text, const char *end)
{
    uint64_t word, found;

    for (; end - text >= 8; text += 8) {
        memcpy(&word, text, sizeof word);
        found = special_in(word);
        if (found != 0) {
            text += bytes_before(found);
            break;
        }
    }
    while (text < end && *text != '"' && *text != '\\')
        text++;
    return text;
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

/* Skips a string, from its first quote on; false if it is malformed. */
static bool scan_string(struct oh_json_scan *scan)
{
    const char *text = scan->text;
    size_t end = scan->length, at = scan->at + 1, from = at, size;
    bool escaped = false;
    uint64_t word, found;

    for (;;) {
        while (end - at >= 8) {
            memcpy(&word, text + at, sizeof word);
            found = (word & EACH_BYTE(0x80)) | HAS_BELOW(word, 0x20) | special_in(word);
            if (found != 0) {
                at += bytes_before(found);
                break;
            }
            at += 8;
        }
        if (at >= end)
            return false;
        if (text[at] == '"')
            break;
        if (text[at] == '\\') {
            size = escape_length(text + at, end - at);
            escaped = true;
        } else {
            size = (unsigned char)text[at] < 0x20 ? 0 : oh_utf8_sequence(text + at, end - at);
        }
        if (size == 0)
            return false;
        at += size;
    }
    if (escaped && at - from > scan->longest_escaped)
        scan->longest_escaped = at - from;
    scan->cost += STRING_COST + (at - from);
    scan->at = at + 1;
    return true;
}

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

size_t oh_json_scan_unescape(const char *text, size_t length, char *out)
{
    const char *end = text + length, *from;
    char *const first = out;

    for (;;) {
        from = text;
        text = oh_json_scan_find_special(text, end);
        memcpy(out, from, (size_t)(text - from));
        out += text - from;
        if (text == end)
            return (size_t)(out - first);
        if (text[1] == 'u') {
            out = put_character(out, take_character(&text, end));
        } else {
            *out++ = unescaped(text[1]);
            text += 2;
        }
    }
}

/* ---- values --------------------------------------------------------------------------------------------------- */

static bool in_object(const struct oh_json_scan *scan)
{
    return scan->depth > 0 && (scan->open[scan->depth - 1] & IS_OBJECT) != 0;
}

static enum oh_json_scan_result check_cost(const struct oh_json_scan *scan)
{
    return scan->cost > scan->most_cost ? OH_SCAN_COSTLY : OH_SCAN_WHOLE;
}

/* Counts one more item or member of the innermost list or object. */
static void count(struct oh_json_scan *scan)
{
    if (scan->depth == 0)
        return;
    scan->cost += in_object(scan) ? MEMBER_COST : ITEM_COST;
    scan->counts[scan->open[scan->depth - 1] & ~IS_OBJECT]++;
}

static enum oh_json_scan_result begin_table(struct oh_json_scan *scan, bool object)
{
    if (scan->depth == OH_SCAN_DEEPEST)
        return OH_SCAN_DEEP;
    if (scan->used == scan->capacity)
        return OH_SCAN_NEEDS_CAPACITY;
    count(scan);
    scan->cost += TABLE_COST;
    scan->counts[scan->used] = 0;
    scan->open[scan->depth++] = scan->used++ | (object ? IS_OBJECT : 0);
    if (scan->depth > scan->deepest)
        scan->deepest = scan->depth;
    scan->at++;
    scan->state = object ? FIRST_NAME : FIRST_ITEM;
    return check_cost(scan);
}

/* Ends a list or object. Adds the cost of the unused room in an object: Lua allocates room for 1, 2, 4, ... members. */
static enum oh_json_scan_result end_table(struct oh_json_scan *scan)
{
    size_t members = scan->counts[scan->open[scan->depth - 1] & ~IS_OBJECT], slots = 1;

    if (in_object(scan)) {
        while (slots < members)
            slots *= 2;
        scan->cost += (slots - members) * MEMBER_COST;
    }
    scan->depth--;
    scan->at++;
    scan->state = AFTER;
    return check_cost(scan);
}

static bool scan_word(struct oh_json_scan *scan, const char *word, size_t length)
{
    if (scan->length - scan->at < length || memcmp(scan->text + scan->at, word, length) != 0)
        return false;
    scan->at += length;
    return true;
}

static enum oh_json_scan_result scan_value(struct oh_json_scan *scan)
{
    size_t length;
    bool good;

    switch (scan->text[scan->at]) {
    case '{': return begin_table(scan, true);
    case '[': return begin_table(scan, false);
    case '"': good = scan_string(scan); break;
    case 't': good = scan_word(scan, "true", 4); break;
    case 'f': good = scan_word(scan, "false", 5); break;
    case 'n':
        scan->state = AFTER;
        if (!scan_word(scan, "null", 4))
            return OH_SCAN_MALFORMED;
        if (!in_object(scan)) /* a null member is absent in Lua */
            count(scan);
        return check_cost(scan);
    default:
        length = oh_json_number_length(scan->text + scan->at, scan->length - scan->at);
        good = length > 0;
        scan->at += length;
        scan->cost += length > 15 ? STRING_COST + length : 0; /* a long number may become a string */
    }
    if (!good)
        return OH_SCAN_MALFORMED;
    count(scan);
    scan->state = AFTER;
    return check_cost(scan);
}

static void skip_blanks(struct oh_json_scan *scan, size_t end)
{
    for (; scan->at < end; scan->at++) {
        char c = scan->text[scan->at];
        if (c != ' ' && c != '\n' && c != '\r' && c != '\t')
            return;
    }
}

/* Skips the name of a member, with its colon. */
static bool scan_name(struct oh_json_scan *scan)
{
    if (scan->text[scan->at] != '"' || !scan_string(scan))
        return false;
    skip_blanks(scan, scan->length);
    if (scan->at == scan->length || scan->text[scan->at] != ':')
        return false;
    scan->at++;
    scan->state = VALUE;
    return true;
}

/* Skips the comma after a value, or the end of the list or object that contains the value. */
static enum oh_json_scan_result scan_after(struct oh_json_scan *scan)
{
    char c = scan->text[scan->at];
    bool object = in_object(scan);

    if (scan->depth == 0)
        return OH_SCAN_MALFORMED;
    if (c == (object ? '}' : ']'))
        return end_table(scan);
    if (c != ',')
        return OH_SCAN_MALFORMED;
    scan->at++;
    scan->state = object ? NAME : VALUE;
    return OH_SCAN_WHOLE;
}

enum oh_json_scan_result oh_json_scan(struct oh_json_scan *scan)
{
    enum oh_json_scan_result result = OH_SCAN_WHOLE;

    while (result == OH_SCAN_WHOLE) {
        skip_blanks(scan, scan->stop);
        if (scan->at >= scan->stop) {
            if (scan->at < scan->length)
                return OH_SCAN_PAUSED;
            return scan->depth == 0 && scan->state == AFTER ? OH_SCAN_WHOLE : OH_SCAN_MALFORMED;
        }
        switch ((enum state)scan->state) {
        case FIRST_ITEM: result = scan->text[scan->at] == ']' ? end_table(scan) : scan_value(scan); break;
        case VALUE: result = scan_value(scan); break;
        case FIRST_NAME:
            if (scan->text[scan->at] == '}') {
                result = end_table(scan);
                break;
            }
            /* fall through */
        case NAME: result = scan_name(scan) ? check_cost(scan) : OH_SCAN_MALFORMED; break;
        case AFTER: result = scan_after(scan); break;
        }
    }
    return result;
}
