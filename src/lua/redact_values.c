/* Foreign values made fit to be shown. A copy: what a program reads of an answer stays as it is. */
#include "lua/redact_values.h"

#include <string.h>

#include "wire/secret_name.h"

#define LONGEST_TEXT 4096      /* bytes of one string in a value */
#define LONGEST_NAME 128       /* bytes of a field's name */
#define MOST_TEXT (64 * 1024)  /* bytes of a value in all, names included */
#define MOST_VALUES 2000
#define DEEPEST 20
#define SHORT_TEXT 256         /* bytes; what is no longer comes before what is */
#define LONGEST_ALONE 16384    /* bytes of a string that is no part of a table */
#define LONGEST_LINE 1000

struct budget {
    size_t bytes, values;
};

void oh_redact_values_push_text(lua_State *L, const struct oh_secrets *known, const char *text, size_t length,
                      enum oh_redact_form form, size_t most)
{
    size_t cleaned;
    void *room = lua_newuserdata(L, oh_redact_capacity(length, most));
    const char *clean = oh_redact(known, text, length, form, most, room, &cleaned);

    lua_pushlstring(L, clean, cleaned);
    lua_remove(L, -2);
}

/* Pushes the string at `index`, cleaned, as far as the budget goes. */
static void push_text(lua_State *L, const struct oh_secrets *known, int index, size_t most, struct budget *budget)
{
    size_t length, cost;
    const char *text = lua_tolstring(L, index, &length);

    most = most < budget->bytes ? most : budget->bytes;
    if (most < OH_REDACT_LEAST)
        most = OH_REDACT_LEAST;
    oh_redact_values_push_text(L, known, text, length, OH_REDACT_TEXT, most);
    cost = length < most ? length : most; /* what was looked at, though it may have become less */
    budget->bytes -= cost < budget->bytes ? cost : budget->bytes;
}

static bool is_secret(lua_State *L, int name)
{
    size_t length;
    const char *text = lua_type(L, name) == LUA_TSTRING ? lua_tolstring(L, name, &length) : NULL;

    /* A validation error quotes the input that it refuses: all of the request, in the worst case. */
    return text != NULL && (strcmp(text, "input") == 0 || oh_secret_name(text, length) != OH_NAME_ORDINARY);
}

static bool is_short(lua_State *L, int index)
{
    return !lua_istable(L, index) && (lua_type(L, index) != LUA_TSTRING || oh_rawlen(L, index) <= SHORT_TEXT);
}

static void push_copy(lua_State *L, const struct oh_secrets *known, int index, int depth, struct budget *budget);

static void push_field(lua_State *L, const struct oh_secrets *known, int name, int depth, struct budget *budget)
{
    if (lua_type(L, name) == LUA_TSTRING)
        push_text(L, known, name, LONGEST_NAME, budget);
    else
        lua_pushvalue(L, name);
    if (is_secret(L, name) && lua_type(L, name + 1) != LUA_TBOOLEAN)
        lua_pushliteral(L, OH_REDACT_PLACEHOLDER);
    else
        push_copy(L, known, name + 1, depth + 1, budget);
}

/* What is short comes first: an answer's own words must not fall out because of what it quotes. */
static void push_table(lua_State *L, const struct oh_secrets *known, int index, int depth, struct budget *budget)
{
    int copy, pass;

    if (!lua_checkstack(L, 12)) /* its depth is bounded: only memory can be missing */
        luaL_error(L, "not enough memory");
    lua_newtable(L);
    copy = lua_gettop(L);
    for (pass = 0; pass < 2; pass++) {
        for (lua_pushnil(L); lua_next(L, index) != 0; lua_settop(L, copy + 1)) {
            if (is_short(L, copy + 2) != (pass == 0))
                continue;
            if (budget->values == 0 || budget->bytes == 0)
                break;
            budget->values--;
            push_field(L, known, copy + 1, depth, budget);
            lua_rawset(L, copy);
        }
        lua_settop(L, copy);
    }
}

static void push_copy(lua_State *L, const struct oh_secrets *known, int index, int depth, struct budget *budget)
{
    if (lua_type(L, index) == LUA_TSTRING)
        push_text(L, known, index, LONGEST_TEXT, budget);
    else if (!lua_istable(L, index))
        lua_pushvalue(L, index);
    else if (depth > DEEPEST)
        lua_pushliteral(L, "[too deep]");
    else
        push_table(L, known, index, depth, budget);
}

void oh_redact_values_push(lua_State *L, const struct oh_secrets *known, int index)
{
    struct budget budget = {MOST_TEXT, MOST_VALUES};

    push_copy(L, known, index, 0, &budget);
}

int oh_redact_values_redact(lua_State *L, const struct oh_secrets *known, int index)
{
    size_t length;
    const char *text;

    luaL_checkany(L, index);
    if (lua_type(L, index) == LUA_TSTRING) {
        text = lua_tolstring(L, index, &length);
        oh_redact_values_push_text(L, known, text, length, OH_REDACT_TEXT, LONGEST_ALONE);
    } else {
        oh_redact_values_push(L, known, index);
    }
    return 1;
}

int oh_redact_values_line(lua_State *L, const struct oh_secrets *known, int index)
{
    size_t length;
    const char *text = luaL_checklstring(L, index, &length);
    lua_Number most = luaL_optnumber(L, index + 1, LONGEST_LINE);

    luaL_argcheck(L, most >= OH_REDACT_LEAST && most <= LONGEST_ALONE, index + 1, "not a number of bytes from 32 to 16384");
    oh_redact_values_push_text(L, known, text, length, OH_REDACT_LINE, (size_t)most);
    return 1;
}
