/* Builds the Lua values of a text that json_scan.c has checked, each table at its final size. */
#include "lua/json_build.h"

#include <string.h>

#include "lua/json_sentinels.h"
#include "wire/json_number.h"
#include "wire/json_string.h"

#define OBJECT (-1)

static bool in_object(const struct oh_json_builder *builder)
{
    return builder->depth > 0 && builder->items[builder->depth - 1] == OBJECT;
}

/* Returns the first byte of the next value, name or bracket. */
static char first_of_next(struct oh_json_builder *builder)
{
    for (;; builder->at++) {
        switch (*builder->at) {
        case ' ': case '\t': case '\n': case '\r': case ',': case ':': break;
        default: return *builder->at;
        }
    }
}

/* Pushes a string; ends oh_json_build if too many collide. `lasting`: it stands in the text itself. */
static void push_text(struct oh_json_builder *builder, const char *text, size_t length, enum oh_json_text_use use,
                      bool lasting)
{
    if (builder->texts == NULL) {
        lua_pushlstring(builder->L, text, length);
    } else if (!oh_json_texts_push(builder->L, builder->texts, text, length, use, lasting)) {
        builder->flooded = true;
        builder->stop = builder->at;
    }
}

/* Adds session keys to the known secrets: the program may use them, no text may show them. */
static void note_secret(struct oh_json_builder *builder, const char *text, size_t length, enum oh_json_text_use use)
{
    if (use == OH_TEXT_NAME)
        builder->names_key = oh_secrets_is_key_name(text, length);
    else if (builder->names_key && in_object(builder) && !oh_secrets_learn(builder->secrets, text, length))
        luaL_error(builder->L, "not enough memory");
}

static void push_string(struct oh_json_builder *builder, enum oh_json_text_use use)
{
    const char *from = builder->at + 1, *end = oh_json_string_find_special(from, builder->end), *text = from;
    size_t length = (size_t)(end - from), more;

    if (*end != '"') {
        text = builder->scratch;
        memcpy(builder->scratch, from, length);
        end = oh_json_string_decode(end, builder->end, builder->scratch + length, &more);
        length += more;
    }
    note_secret(builder, text, length, use);
    push_text(builder, text, length, use, text == from);
    builder->at = end + 1;
}

#if LUA_VERSION_NUM >= 503

static bool push_whole(lua_State *L, int64_t whole)
{
    if (whole < LUA_MININTEGER || whole > LUA_MAXINTEGER)
        return false;
    lua_pushinteger(L, (lua_Integer)whole);
    return true;
}

/* 1.0 and 1e3 become integers, too. */
static void push_real(lua_State *L, double real)
{
    if (real >= -OH_LARGEST_EXACT && real <= OH_LARGEST_EXACT && real == (double)(lua_Integer)real)
        lua_pushinteger(L, (lua_Integer)real);
    else
        lua_pushnumber(L, (lua_Number)real);
}

#else

static bool push_whole(lua_State *L, int64_t whole)
{
    if (whole < -(int64_t)OH_LARGEST_EXACT || whole > (int64_t)OH_LARGEST_EXACT)
        return false;
    lua_pushnumber(L, (lua_Number)whole);
    return true;
}

static void push_real(lua_State *L, double real)
{
    lua_pushnumber(L, (lua_Number)real);
}

#endif

static void push_number(struct oh_json_builder *builder)
{
    size_t length = oh_json_number_length(builder->at, (size_t)(builder->end - builder->at));
    struct oh_json_number number;

    oh_json_number_read(builder->at, length, &number);
    if (number.kind == OH_NUMBER_FLOAT)
        push_real(builder->L, number.real);
    else if (number.kind == OH_NUMBER_LONG || !push_whole(builder->L, number.whole))
        push_text(builder, builder->at, length, OH_TEXT_VALUE, true); /* e.g. an id: no digit may change */
    builder->at += length;
}

/* Pushes a value that is neither list nor object; nil for null in an object. */
static void push_scalar(struct oh_json_builder *builder, char first)
{
    switch (first) {
    case '"': push_string(builder, OH_TEXT_VALUE); break;
    case 't': lua_pushboolean(builder->L, 1); builder->at += 4; break;
    case 'f': lua_pushboolean(builder->L, 0); builder->at += 5; break;
    case 'n':
        if (in_object(builder))
            lua_pushnil(builder->L);
        else
            lua_pushlightuserdata(builder->L, NULL);
        builder->at += 4;
        break;
    default: push_number(builder);
    }
}

static void begin(struct oh_json_builder *builder, bool object)
{
    int count = (int)*builder->counts++;

    lua_createtable(builder->L, object ? 0 : count, object ? count : 0);
    if (!object && count == 0)
        oh_json_sentinels_mark_list(builder->L); /* otherwise it would be sent back as an object */
    builder->items[builder->depth++] = object ? OBJECT : 0;
    builder->at++;
}

/* Removes an earlier member of the name on top of the stack: a later member replaces it, even if that is null. */
static void drop_member(lua_State *L)
{
    lua_pushvalue(L, -1);
    lua_rawget(L, -3);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 2);
    } else {
        lua_pop(L, 1);
        lua_pushnil(L);
        lua_rawset(L, -3);
    }
}

/* Puts the value on top of the stack into the table that contains it. */
static void attach(struct oh_json_builder *builder)
{
    lua_State *L = builder->L;
    int *items;

    if (builder->depth <= 0)
        return;
    items = &builder->items[builder->depth - 1];
    if (*items != OBJECT) {
        *items += 1;
        lua_rawseti(L, -2, *items);
    } else if (!lua_isnil(L, -1)) {
        lua_rawset(L, -3);
    } else {
        lua_pop(L, 1);
        drop_member(L);
    }
}

void oh_json_build(struct oh_json_builder *builder)
{
    char first;

    do {
        first = first_of_next(builder);
        if (builder->depth > 0 && (first == ']' || first == '}')) {
            builder->at++;
            builder->depth--;
            attach(builder);
            continue;
        }
        if (in_object(builder)) {
            push_string(builder, OH_TEXT_NAME);
            first = first_of_next(builder);
        }
        if (first == '[' || first == '{') {
            begin(builder, first == '{');
        } else {
            push_scalar(builder, first);
            attach(builder);
        }
    } while (builder->depth > 0 && builder->at < builder->stop);
}

void oh_json_build_begin(struct oh_json_builder *builder, const struct oh_json_scan *scan)
{
    builder->at = scan->text;
    builder->end = builder->stop = scan->text + scan->length;
    builder->counts = scan->counts;
    builder->scratch = NULL;
    builder->texts = NULL;
    builder->secrets = NULL;
    builder->names_key = false;
    builder->flooded = false;
    builder->depth = 0;
}
