/* Checks that a text is JSON and computes the memory that its values will take. Must not know Lua or libcurl. */
#include "wire/json_scan.h"

#include <string.h>

#include "wire/json_number.h"
#include "wire/json_string.h"

/* The most bytes that a table, item, member or string takes in any version of Lua; for tables and strings with the
   overhead of malloc. */
#define TABLE_COST 80
#define ITEM_COST 16
#define MEMBER_COST 40
#define STRING_COST 48

/* Members for which the outermost object has room besides its own: Lua adds some, and a table that grows is copied. */
#define FURTHER_MEMBERS 8

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

/* Skips a string, from its first quote on; false if it is malformed. */
static bool scan_string(struct oh_json_scan *scan)
{
    const char *from = scan->text + scan->at + 1;
    bool escaped = false;
    const char *quote = oh_json_string_check(from, scan->text + scan->length, &escaped);

    if (quote == NULL)
        return false;
    if (escaped && (size_t)(quote - from) > scan->longest_escaped)
        scan->longest_escaped = (size_t)(quote - from);
    scan->cost += STRING_COST + (size_t)(quote - from);
    scan->at = (size_t)(quote - scan->text) + 1;
    return true;
}

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
    scan->counts[scan->used] = object && scan->depth == 0 ? FURTHER_MEMBERS : 0;
    scan->cost += scan->counts[scan->used] * MEMBER_COST;
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
