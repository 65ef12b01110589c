/* Lookups in the table of operations, and the names of its enumerators. Must not know Lua or libcurl. */
#include "wire/operations.h"

#include <string.h>

#include "wire/ascii.h"
#include "wire/identifier.h"

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

/* ---- suggestions for misspelt names --------------------------------------------------------------------------- */

#define LONGEST_NAME 40
#define SHORTEST_PART 3 /* letters by which a name can be recognised */

/* Returns the edit distance of two names; the largest number if one is longer than LONGEST_NAME. */
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

/* Returns the field that other clients and SDKs call `name`, "" if there is none. */
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

/* Returns whether a name ends with another one, as a word of its own: `msg` in `initial_user_msg`. */
static bool ends_with_word(const char *name, const char *word)
{
    size_t rest = strlen(name), length = strlen(word);

    return length >= SHORTEST_PART && rest > length && name[rest - length - 1] == '_' &&
           strcmp(name + rest - length, word) == 0;
}

const char *oh_operations_nearest(const char *operation, const char *name)
{
    const struct oh_operation *row;
    const struct oh_field *field;
    const char *nearest = NULL, *synonym = synonym_of(name);
    size_t length = strlen(name), best = length / 2 + 1; /* names at this distance are different words */
    size_t i;

    for (i = 0; (row = oh_operations_at(i)) != NULL; i++) {
        if (strcmp(row->name, operation) != 0)
            continue;
        for (field = row->fields; field->name != NULL; field++) {
            bool is_prefix = length >= SHORTEST_PART && strncmp(field->name, name, length) == 0;
            bool is_part = is_prefix || ends_with_word(field->name, name);
            size_t apart = strcmp(field->name, synonym) == 0 ? 0 : is_part ? 1 : distance(name, field->name);
            if (apart < best) {
                best = apart;
                nearest = field->name;
            }
        }
    }
    return nearest;
}

/* ---- names of the enumerators ---------------------------------------------------------------------------------- */

static const char *const api_names[] = {
    [OH_API_V0] = "v0",
    [OH_API_V1] = "v1",
    [OH_API_AGENT] = "agent",
};

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

#define OR_LIST " or a list of at most " OH_DIGITS(OH_MOST_IDS)

static const struct {
    const char *name, *description;
} types[] = {
    [OH_TEXT] = {"text", "a string"},
    [OH_IDENTIFIER] = {"id", "an id (1 to " OH_DIGITS(OH_LONGEST_IDENTIFIER) " of A-Z a-z 0-9 _ -)"},
    [OH_UUID] = {"uuid", "a UUID"},
    [OH_UUIDS] = {"uuids", "a UUID" OR_LIST},
    [OH_NAME] = {"name", "a name (1 to " OH_DIGITS(OH_LONGEST_NAME) " bytes, not . or ..)"},
    [OH_NAMES] = {"names", "a name" OR_LIST},
    [OH_INTEGER] = {"integer", "an integer"},
    [OH_BOOLEAN] = {"boolean", "a boolean"},
    [OH_TEXTS] = {"texts", "a list of strings"},
    [OH_INTEGERS] = {"integers", "a list of integers"},
    [OH_TEXT_MAP] = {"text_map", "a table from string to string"},
    [OH_OBJECT] = {"object", "a table with string keys"},
    [OH_LIST] = {"list", "a list"},
    [OH_MESSAGE] = {"message", "a string or a message table"},
    [OH_MESSAGE_TEXT] = {"message_text", "a string or a message table"},
    [OH_CONTENT] = {"content", "a string or a list of content blocks"},
    [OH_CONTENT_TEXT] = {"content_text", "a string or a list of content blocks"},
    [OH_SECRET] = {"secret", "a string"},
    [OH_FILE] = {"file", "a string"},
    [OH_FILES] = {"files", "a table from file name to contents"},
};

const char *oh_type_name(enum oh_type type)
{
    return types[type].name;
}

const char *oh_type_description(enum oh_type type)
{
    return types[type].description;
}

const char *oh_place_name(enum oh_place place)
{
    static const char *const names[] = {
        [OH_IN_PATH] = "path",       [OH_IN_QUERY] = "query",   [OH_IN_BODY] = "body",   [OH_IN_FORM] = "form",
        [OH_IN_PARTS] = "multipart", [OH_IN_HEADER] = "header", [OH_AS_BODY] = "whole",
    };

    return names[place];
}

const char *oh_shape_name(enum oh_shape shape)
{
    static const char *const names[] = {
        [OH_SHAPE_OBJECT] = "object",
        [OH_SHAPE_OBJECT_OR_NULL] = "object_or_null",
        [OH_SHAPE_DONE] = "object_or_nothing",
        [OH_SHAPE_DONE_TRUE] = "boolean_or_nothing",
        [OH_SHAPE_PAGE] = "page",
        [OH_SHAPE_LIST] = "list",
        [OH_SHAPE_TEXTS] = "texts",
        [OH_SHAPE_INTEGER] = "integer",
        [OH_SHAPE_TEXT] = "text",
        [OH_SHAPE_ANY] = "any",
        [OH_SHAPE_BYTES] = "bytes",
        [OH_SHAPE_FILE] = "file",
        [OH_SHAPE_STREAM] = "stream",
    };

    return names[shape];
}

const char *oh_effect_name(enum oh_effect effect)
{
    static const char *const names[] = {[OH_READS] = "reads", [OH_WRITES] = "writes", [OH_CREATES] = "creates"};

    return names[effect];
}

const char *oh_host_name(enum oh_host host)
{
    static const char *const names[] = {
        [OH_AT_SERVICE] = "service", [OH_AT_RUNTIME] = "runtime", [OH_AT_PUBLIC] = "public",
    };

    return names[host];
}
