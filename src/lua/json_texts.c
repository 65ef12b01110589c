/* Pushes the strings of a long answer. The same names recur in each object of a list, and so do many values: for Lua, to
   make a string is to hash it and to look for it among all others. A slot remembers where in the text it saw a string,
   and the table holds the string itself. */
#include "lua/json_texts.h"

#include <string.h>

#define LONGEST_SHORT 40 /* bytes of a string that Lua 5.2 and later intern; longer ones seldom recur */
#define UNNOTED 2000U    /* so few strings do no harm even if all of them collide */

void oh_json_texts_begin(struct oh_json_texts *texts, int first, uint32_t seed)
{
    memset(texts, 0, sizeof *texts);
    texts->first = first;
    texts->seed = seed;
}

/* ---- floods --------------------------------------------------------------------------------------------------- */

/* Returns whether strings are to be counted by now. */
static bool begin_flood(lua_State *L, struct oh_json_texts *texts)
{
    struct oh_hash_flood *flood;

    if (++texts->unnoted <= UNNOTED)
        return false;
    flood = lua_newuserdata(L, sizeof *flood);
    memset(flood, 0, sizeof *flood);
    lua_rawseti(L, texts->table, texts->first + OH_TEXTS_HELD - 1);
    texts->flood = flood;
    return true;
}

#if LUA_VERSION_NUM < 502

/* Lua 5.1 and LuaJIT intern every string, and compare it with all strings of the same hash. */
static bool note(lua_State *L, struct oh_json_texts *texts, const char *text, size_t length,
                 enum oh_json_text_use use)
{
    (void)use;
    return (texts->flood == NULL && !begin_flood(L, texts)) ||
           oh_hash_flood_note(texts->flood, text, length, (uint32_t)((uintptr_t)lua_tostring(L, -1) >> 3));
}

#else

/* Lua 5.2 and later use a seed to hash the strings that they intern, but 5.2 and 5.3 skip bytes of the longer ones. They
   do not intern long strings, and compare them only as names of members. */
static bool note(lua_State *L, struct oh_json_texts *texts, const char *text, size_t length,
                 enum oh_json_text_use use)
{
    if (length > LONGEST_SHORT ? use != OH_TEXT_NAME : LUA_VERSION_NUM >= 504 || length < OH_HASH_FLOOD_SKIPS)
        return true;
    return (texts->flood == NULL && !begin_flood(L, texts)) ||
           oh_hash_flood_note(texts->flood, text, length, oh_hash_flood_mark(text, length, texts->seed));
}

#endif

/* ---- recent strings ------------------------------------------------------------------------------------------- */

/* Returns a number that two different strings seldom share. */
static uint64_t digest(const char *text, size_t length)
{
    uint64_t first, last;
    uint32_t half;

    if (length >= 8) {
        memcpy(&first, text, sizeof first);
        memcpy(&last, text + length - sizeof last, sizeof last);
    } else if (length >= 4) {
        memcpy(&half, text, sizeof half);
        first = half;
        memcpy(&half, text + length - sizeof half, sizeof half);
        last = half;
    } else {
        first = length > 0 ? (unsigned char)text[0] | (unsigned)(unsigned char)text[length / 2] << 8 : 0;
        last = length > 0 ? (unsigned char)text[length - 1] : 0;
    }
    return (first ^ (last << 29 | last >> 35) ^ length) * 0x9e3779b97f4a7c15ULL;
}

bool oh_json_texts_push(lua_State *L, struct oh_json_texts *texts, const char *text, size_t length,
                        enum oh_json_text_use use, bool lasting)
{
    struct oh_json_text *seen;
    size_t slot;

    if (length > LONGEST_SHORT || !lasting) {
        lua_pushlstring(L, text, length);
        return note(L, texts, text, length, use);
    }
    slot = digest(text, length) >> 32;
    slot = use == OH_TEXT_NAME ? slot % OH_TEXTS_NAMES : OH_TEXTS_NAMES + slot % OH_TEXTS_VALUES;
    seen = &texts->slots[slot];
    if (seen->text != NULL && seen->length == length && memcmp(seen->text, text, length) == 0) {
        lua_rawgeti(L, texts->table, texts->first + (int)slot);
        return true;
    }
    lua_pushlstring(L, text, length);
    lua_pushvalue(L, -1);
    lua_rawseti(L, texts->table, texts->first + (int)slot);
    seen->text = text;
    seen->length = length;
    return note(L, texts, text, length, use);
}
