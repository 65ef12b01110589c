/* Redacts Lua values. The result is a copy: the answer that a program reads is not changed. */
#include "lua/redact_values.h"

#include <string.h>

#include "wire/secret_name.h"

#define LONGEST_TEXT 4096      /* bytes of one string in a value */
#define LONGEST_NAME 128       /* bytes of a field's name */
#define MOST_TEXT (64 * 1024)  /* bytes of a value in all, names included */
#define MOST_VALUES 2000
#define DEEPEST 20             /* levels of tables inside the value */
#define SHORT_TEXT 256         /* bytes; such texts come first */
#define LONGEST_ALONE 16384    /* bytes of a string that is not in a table */
#define LONGEST_LINE 1000      /* bytes of a line, unless the caller gives a number */

struct budget {
    size_t bytes, values;
};

void oh_redact_values_push_text(lua_State *L, const struct oh_secrets *known, const char *text, size_t length,
                                enum oh_redact_form form, size_t most)
{
    size_t size;
    void *memory = lua_newuserdata(L, oh_redact_capacity(length, most)); /* owned by Lua: a push may throw */
    const char *redacted = oh_redact(known, text, length, form, most, memory, &size);

    lua_pushlstring(L, redacted, size);
    lua_remove(L, -2);
}

/* Pushes the string at `index`, redacted and as long as the budget allows. */
static void push_text(lua_State *L, const struct oh_secrets *known, int index, size_t most, struct budget *budget)
{
    size_t length, cost;
    const char *text = lua_tolstring(L, index, &length);

    most = most < budget->bytes ? most : budget->bytes;
    if (most < OH_REDACT_LEAST)
        most = OH_REDACT_LEAST;
    oh_redact_values_push_text(L, known, text, length, OH_REDACT_TEXT, most);
    cost = length < most ? length : most; /* bytes read; redaction may have made the text shorter */
    budget->bytes -= cost < budget->bytes ? cost : budget->bytes;
}

/* Returns whether the field of that name must not be shown. */
static bool is_secret(lua_State *L, int name)
{
    size_t length;
    const char *text = lua_type(L, name) == LUA_TSTRING ? lua_tolstring(L, name, &length) : NULL;

    /* A validation error quotes the input that it refuses: in the worst case, the whole request. */
    return text != NULL && (strcmp(text, "input") == 0 || oh_secret_name(text, length) != OH_NAME_ORDINARY);
}

static bool is_short(lua_State *L, int index)
{
    return !lua_istable(L, index) && (lua_type(L, index) != LUA_TSTRING || oh_rawlen(L, index) <= SHORT_TEXT);
}

static void push_copy(lua_State *L, const struct oh_secrets *known, int index, int depth, struct budget *budget);

/* Pushes the name at `name` and the value at `name` + 1, both redacted. */
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

/* Copies short values first: otherwise long texts, e.g. quotations of the request, could use up the budget. */
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

    luaL_argcheck(L, most >= OH_REDACT_LEAST && most <= LONGEST_ALONE, index + 1,
                  "not a number of bytes from 32 to 16384");
    oh_redact_values_push_text(L, known, text, length, OH_REDACT_LINE, (size_t)most);
    return 1;
}

static const struct oh_secrets none;

/*** Copies a value from outside without its secrets: values of fields with secret names, and in texts `key: …`,
`tkn=…`, `Bearer …`, `scheme://user:password@`. Also without the values of fields named `input`, in which the service
quotes requests. A string outside a table is cut to 16384 bytes. A table keeps at most 2000 values, 20 levels of tables
inside it, and 65536 bytes of strings, each cut to 4096 bytes. A string that was cut ends with "…".
@function redact
@param value
@return a copy; redacting it again changes nothing */
static int l_redact(lua_State *L)
{
    return oh_redact_values_redact(L, &none, 1);
}

/*** Makes one line of a text from outside, without its secrets.
@function redact_line
@tparam string text
@tparam[opt=1000] number most bytes of the line, 32 to 16384
@treturn string */
static int l_redact_line(lua_State *L)
{
    return oh_redact_values_line(L, &none, 1);
}

void oh_redact_values_add_functions(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"redact", l_redact}, {"redact_line", l_redact_line}, {NULL, NULL},
    };

    oh_setfuncs(L, functions, 0);
}
