/* Decodes JSON into Lua values: json_scan.c checks the whole text first, then json_build.c makes the values.
   All memory is Lua's, so an error in the middle leaks nothing. A long text can be read in slices of time: between two
   of them, a table holds the scan, the counts, and the values that the builder had on the stack. */
#include "lua/json_decode.h"

#include <string.h>

#include "lua/json_build.h"
#include "os/readiness.h"
#include "wire/json_block.h"

#define FEW_TABLES 128 /* their counts fit on the C stack */
#define SHORT_TEXT 512 /* bytes; longer strings with escapes are decoded in memory of Lua */
#define MANY_TEXTS 4096 /* bytes of a text whose strings are worth to be remembered, or may do harm */

/* Pushes a userdata with twice the room for the counts, and makes the scan use it. */
static void push_larger_counts(lua_State *L, struct oh_json_scan *scan)
{
    uint32_t *counts = lua_newuserdata(L, 2 * scan->capacity * sizeof *counts);

    memcpy(counts, scan->counts, scan->used * sizeof *counts);
    scan->counts = counts;
    scan->capacity *= 2;
}

static void make_room(lua_State *L, const struct oh_json_scan *scan)
{
    if (!lua_checkstack(L, scan->deepest * OH_BUILD_STACK_OF_LEVEL + OH_BUILD_STACK))
        luaL_error(L, "not enough memory for an answer of %d levels", scan->deepest);
}

enum oh_json_scan_result oh_json_decode(lua_State *L, const char *text, size_t length, size_t *memory,
                                        struct oh_secrets *secrets)
{
    int top = lua_gettop(L);
    uint32_t few[FEW_TABLES];
    char short_text[SHORT_TEXT];
    enum oh_json_scan_result result;
    struct oh_json_builder builder;
    struct oh_json_scan scan;

    luaL_checkstack(L, 5, "answer");
    oh_json_scan_begin(&scan, text, length, *memory, few, FEW_TABLES);
    lua_pushnil(L); /* where the larger counts are */
    while ((result = oh_json_scan(&scan)) == OH_SCAN_NEEDS_CAPACITY) {
        push_larger_counts(L, &scan);
        lua_replace(L, -2);
    }
    if (result != OH_SCAN_WHOLE) {
        lua_settop(L, top);
        return result;
    }
    make_room(L, &scan);
    oh_json_build_begin(&builder, &scan);
    builder.L = L;
    builder.secrets = secrets;
    builder.scratch = short_text;
    if (scan.longest_escaped + OH_JSON_BLOCK > sizeof short_text)
        builder.scratch = lua_newuserdata(L, scan.longest_escaped + OH_JSON_BLOCK);
    if (length > MANY_TEXTS) {
        builder.texts = lua_newuserdata(L, sizeof *builder.texts);
        oh_json_texts_begin(builder.texts, 1, (uint32_t)(uintptr_t)L);
        lua_createtable(L, OH_TEXTS_HELD, 0);
        builder.texts->table = lua_gettop(L);
    }
    oh_json_build(&builder);
    if (builder.flooded) {
        lua_settop(L, top);
        return OH_SCAN_COLLIDING;
    }
    *memory -= scan.cost;
    lua_replace(L, top + 1);
    lua_settop(L, top + 1);
    return result;
}

/* ---- in slices ------------------------------------------------------------------------------------------------ */

/* Bytes that are read between two looks at the clock, in about a tenth of a millisecond. */
#define SCANNED_AT_ONCE 32768
#define BUILT_AT_ONCE 8192

/* What the table of a reader holds, by index. */
enum { STATE = 1, COUNTS, SCRATCH, TEXTS, STACK = TEXTS + OH_TEXTS_HELD };

struct slices {
    bool is_inside;  /* a slice is under way, or an error has ended one */
    bool is_scanned;
    int kept;        /* values of the builder, from index STACK on */
    struct oh_json_scan scan;
    struct oh_json_builder builder;
    struct oh_json_texts texts;
};

void oh_json_slices_push(lua_State *L, const char *text, size_t length, size_t most_memory)
{
    struct slices *slices;
    uint32_t *counts;

    luaL_checkstack(L, 2, "answer");
    lua_createtable(L, STACK + FEW_TABLES, 0);
    slices = lua_newuserdata(L, sizeof *slices);
    slices->is_inside = slices->is_scanned = false;
    lua_rawseti(L, -2, STATE);
    counts = lua_newuserdata(L, FEW_TABLES * sizeof *counts);
    oh_json_scan_begin(&slices->scan, text, length, most_memory, counts, FEW_TABLES);
    lua_rawseti(L, -2, COUNTS);
}

/* Scans until the monotonic time `until`. At the end of the text it prepares the builder. */
static enum oh_json_scan_result scan_slice(lua_State *L, int reader, struct slices *slices, double until)
{
    struct oh_json_scan *scan = &slices->scan;
    enum oh_json_scan_result result = OH_SCAN_PAUSED;

    while (result == OH_SCAN_PAUSED || result == OH_SCAN_NEEDS_CAPACITY) {
        if (result == OH_SCAN_NEEDS_CAPACITY) {
            push_larger_counts(L, scan);
            lua_rawseti(L, reader, COUNTS);
        } else if (oh_monotonic() >= until) {
            return OH_SCAN_PAUSED;
        } else {
            scan->stop = scan->length - scan->at > SCANNED_AT_ONCE ? scan->at + SCANNED_AT_ONCE : scan->length;
        }
        result = oh_json_scan(scan);
    }
    if (result == OH_SCAN_WHOLE) {
        oh_json_build_begin(&slices->builder, scan);
        slices->builder.scratch = lua_newuserdata(L, scan->longest_escaped + OH_JSON_BLOCK);
        lua_rawseti(L, reader, SCRATCH);
        oh_json_texts_begin(&slices->texts, TEXTS, (uint32_t)(uintptr_t)slices);
        slices->builder.texts = &slices->texts;
        slices->kept = 0;
        slices->is_scanned = true;
    }
    return result;
}

static enum oh_json_scan_result build_slice(lua_State *L, int reader, struct slices *slices,
                                            struct oh_secrets *secrets, double until)
{
    struct oh_json_builder *builder = &slices->builder;
    int i;

    make_room(L, &slices->scan);
    for (i = 0; i < slices->kept; i++)
        lua_rawgeti(L, reader, STACK + i);
    builder->L = L;
    builder->secrets = secrets;
    slices->texts.table = reader;
    do {
        builder->stop = builder->end - builder->at > BUILT_AT_ONCE ? builder->at + BUILT_AT_ONCE : builder->end;
        oh_json_build(builder);
    } while (builder->depth > 0 && !builder->flooded && oh_monotonic() < until);
    if (builder->flooded)
        return OH_SCAN_COLLIDING;
    if (builder->depth == 0)
        return OH_SCAN_WHOLE;
    slices->kept = lua_gettop(L) - reader;
    for (i = slices->kept; i-- > 0;)
        lua_rawseti(L, reader, STACK + i);
    return OH_SCAN_PAUSED;
}

enum oh_json_scan_result oh_json_slices_step(lua_State *L, struct oh_secrets *secrets, double until)
{
    int reader = lua_gettop(L);
    enum oh_json_scan_result result = OH_SCAN_WHOLE;
    struct slices *slices;

    luaL_checkstack(L, 4, "answer");
    lua_rawgeti(L, reader, STATE);
    slices = lua_touserdata(L, -1);
    lua_pop(L, 1);
    if (slices->is_inside) { /* an error ended the last slice, and its stack is lost: begin anew */
        struct oh_json_scan *scan = &slices->scan;
        oh_json_scan_begin(scan, scan->text, scan->length, scan->most_cost, scan->counts, scan->capacity);
        slices->is_scanned = false;
    }
    slices->is_inside = true;
    if (!slices->is_scanned)
        result = scan_slice(L, reader, slices, until);
    if (result == OH_SCAN_WHOLE)
        result = build_slice(L, reader, slices, secrets, until);
    slices->is_inside = false;
    if (result == OH_SCAN_WHOLE)
        lua_replace(L, reader);
    else
        lua_settop(L, reader - 1);
    return result;
}
