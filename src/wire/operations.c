/* Looking things up in the table of operations. Must not know Lua or libcurl. */
#include "wire/operations.h"

#include <string.h>

const struct oh_operation *oh_operations_at(size_t i)
{
    static const struct oh_operation *const dialects[] = {oh_operations_v0, oh_operations_v1, oh_operations_agent};
    const struct oh_operation *row;
    size_t dialect;

    for (dialect = 0; dialect < sizeof dialects / sizeof dialects[0]; dialect++)
        for (row = dialects[dialect]; row->name != NULL; row++)
            if (i-- == 0)
                return row;
    return NULL;
}

const struct oh_operation *oh_operations_find(const char *name, enum oh_api api)
{
    const struct oh_operation *row = api == OH_API_V0   ? oh_operations_v0
                                     : api == OH_API_V1 ? oh_operations_v1
                                                        : oh_operations_agent;

    while (row->name != NULL && strcmp(row->name, name) != 0)
        row++;
    return row->name != NULL ? row : NULL;
}

const char *oh_operation_description(const struct oh_operation *operation)
{
    const struct oh_operation *v1;

    if (operation->description != NULL)
        return operation->description;
    v1 = oh_operations_find(operation->name, OH_API_V1);
    return v1 != NULL ? v1->description : NULL;
}

bool oh_operation_uses(const struct oh_operation *operation, enum oh_place place)
{
    const struct oh_field *field = operation->fields;

    while (field->name != NULL && field->place != place)
        field++;
    return field->name != NULL;
}

const struct oh_field *oh_operation_field(const struct oh_operation *operation, const char *name)
{
    const struct oh_field *field;

    for (field = operation->fields; field->name != NULL; field++)
        if (strcmp(field->name, name) == 0)
            return field;
    return NULL;
}

#define LONGEST_NAME 40
#define SHORTEST_BEGINNING 3 /* letters of a name that tell which one is meant */

/* Edit distance; names longer than any of ours are as far as can be. */
static size_t distance(const char *a, const char *b)
{
    size_t row[LONGEST_NAME + 1];
    size_t la = strlen(a), lb = strlen(b), i, j;

    if (la > LONGEST_NAME || lb > LONGEST_NAME)
        return (size_t)-1;
    for (j = 0; j <= lb; j++)
        row[j] = j;
    for (i = 1; i <= la; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (j = 1; j <= lb; j++) {
            size_t above = row[j], best = diagonal + (a[i - 1] != b[j - 1]);
            if (above + 1 < best)
                best = above + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
            diagonal = above;
        }
    }
    return row[lb];
}

/* What others call a field. */
static const char *synonym_of(const char *name)
{
    static const char *const synonyms[][2] = {
        {"prompt", "initial_user_msg"}, {"message", "initial_user_msg"}, {"task", "initial_user_msg"},
        {"text", "content"},            {"branch", "selected_branch"},   {"model", "llm_model"},
        {"provider", "git_provider"},   {"id", "conversation_id"},
    };
    size_t i;

    for (i = 0; i < sizeof synonyms / sizeof synonyms[0]; i++)
        if (strcmp(synonyms[i][0], name) == 0)
            return synonyms[i][1];
    return "";
}

const char *oh_operations_nearest(const char *operation, const char *name)
{
    const struct oh_operation *row;
    const struct oh_field *field;
    const char *nearest = NULL, *synonym = synonym_of(name);
    size_t length = strlen(name), best = length / 2 + 1; /* farther than half of the word is another word */
    size_t i;

    for (i = 0; (row = oh_operations_at(i)) != NULL; i++) {
        if (strcmp(row->name, operation) != 0)
            continue;
        for (field = row->fields; field->name != NULL; field++) {
            bool begins = length >= SHORTEST_BEGINNING && strncmp(field->name, name, length) == 0;
            size_t far = strcmp(field->name, synonym) == 0 ? 0 : begins ? 1 : distance(name, field->name);
            if (far < best) {
                best = far;
                nearest = field->name;
            }
        }
    }
    return nearest;
}

/* ---- the words for it ----------------------------------------------------------------------------------------- */

static const char *const api_names[] = {"v0", "v1", "agent"};

const char *oh_api_name(enum oh_api api)
{
    return api_names[api];
}

bool oh_api_from_name(const char *name, enum oh_api *api)
{
    size_t i;

    for (i = 0; i < sizeof api_names / sizeof api_names[0]; i++)
        if (strcmp(api_names[i], name) == 0) {
            *api = (enum oh_api)i;
            return true;
        }
    return false;
}

const char *oh_type_name(enum oh_type type)
{
    static const char *const names[] = {
        "a string",
        "an id (1 to 128 of A-Z a-z 0-9 _ -)",
        "a UUID",
        "a UUID or a list of at most 99",
        "a name (1 to 255 bytes, not . or ..)",
        "a name or a list of at most 99",
        "an integer",
        "a boolean",
        "a list of strings",
        "a list of integers",
        "a table from string to string",
        "a table with string keys",
        "a list",
        "a string or a message table",
        "a string or a message table",
        "a string or a list of content blocks",
        "a string or a list of content blocks",
        "a string",
        "a string",
        "a table from file name to contents",
    };

    return names[type];
}

const char *oh_place_name(enum oh_place place)
{
    static const char *const names[] = {"path", "query", "body", "form", "multipart", "header", "whole"};

    return names[place];
}

const char *oh_shape_name(enum oh_shape shape)
{
    static const char *const names[] = {"object", "object or null", "object or nothing", "boolean or nothing",
                                        "page",   "list",           "texts",             "integer",
                                        "text",   "any",            "bytes",             "file",
                                        "stream"};

    return names[shape];
}

const char *oh_effect_name(enum oh_effect effect)
{
    static const char *const names[] = {"reads", "writes", "creates"};

    return names[effect];
}

const char *oh_host_name(enum oh_host host)
{
    static const char *const names[] = {"service", "runtime", "public"};

    return names[host];
}
