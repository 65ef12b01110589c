/* The one table of operations. Must not know Lua or libcurl; adding an operation is adding a row. */
#include "operation.h"

#include <string.h>

#define QUICK 30.0    /* seconds for a read */
#define THINKING 150.0 /* seconds for a start: the service itself waits up to 120 s for a sandbox */

/* V0: POST /api/conversations forbids extra fields, so what is not listed here cannot be sent. */
static const struct oh_field v0_start[] = {
    {"initial_user_msg", "initial_user_msg", OH_IN_BODY, OH_MESSAGE_TEXT, true},
    {"initial_message", "initial_user_msg", OH_IN_BODY, OH_MESSAGE_TEXT, true},
    {"repository", "repository", OH_IN_BODY, OH_TEXT, false},
    {"selected_repository", "repository", OH_IN_BODY, OH_TEXT, false},
    {"selected_branch", "selected_branch", OH_IN_BODY, OH_TEXT, false},
    {"git_provider", "git_provider", OH_IN_BODY, OH_TEXT, false},
    {"image_urls", "image_urls", OH_IN_BODY, OH_TEXTS, false},
    {"replay_json", "replay_json", OH_IN_BODY, OH_TEXT, false},
    {"suggested_task", "suggested_task", OH_IN_BODY, OH_OBJECT, false},
    {"create_microagent", "create_microagent", OH_IN_BODY, OH_OBJECT, false},
    {"conversation_instructions", "conversation_instructions", OH_IN_BODY, OH_TEXT, false},
    {"mcp_config", "mcp_config", OH_IN_BODY, OH_OBJECT, false},
    {NULL, NULL, OH_IN_BODY, OH_TEXT, false},
};

static const struct oh_field v0_status[] = {
    {"conversation_id", "conversation_id", OH_IN_PATH, OH_IDENTIFIER, true},
    {NULL, NULL, OH_IN_BODY, OH_TEXT, false},
};

/* V1 ignores fields that it does not know: a misspelt one would be lost without a word. */
static const struct oh_field v1_start[] = {
    {"initial_user_msg", "initial_message", OH_IN_BODY, OH_MESSAGE, true},
    {"initial_message", "initial_message", OH_IN_BODY, OH_MESSAGE, true},
    {"repository", "selected_repository", OH_IN_BODY, OH_TEXT, false},
    {"selected_repository", "selected_repository", OH_IN_BODY, OH_TEXT, false},
    {"selected_branch", "selected_branch", OH_IN_BODY, OH_TEXT, false},
    {"git_provider", "git_provider", OH_IN_BODY, OH_TEXT, false},
    {"conversation_id", "conversation_id", OH_IN_BODY, OH_UUID, false},
    {"llm_model", "llm_model", OH_IN_BODY, OH_TEXT, false},
    {"agent_profile_id", "agent_profile_id", OH_IN_BODY, OH_TEXT, false},
    {"agent_type", "agent_type", OH_IN_BODY, OH_TEXT, false},
    {"title", "title", OH_IN_BODY, OH_TEXT, false},
    {"trigger", "trigger", OH_IN_BODY, OH_TEXT, false},
    {"pr_number", "pr_number", OH_IN_BODY, OH_INTEGERS, false},
    {"parent_conversation_id", "parent_conversation_id", OH_IN_BODY, OH_UUID, false},
    {"sandbox_id", "sandbox_id", OH_IN_BODY, OH_TEXT, false},
    {"public", "public", OH_IN_BODY, OH_BOOLEAN, false},
    {"suggested_task", "suggested_task", OH_IN_BODY, OH_OBJECT, false},
    {"plugins", "plugins", OH_IN_BODY, OH_LIST, false},
    {"secrets", "secrets", OH_IN_BODY, OH_TEXT_MAP, false},
    {"system_message_suffix", "system_message_suffix", OH_IN_BODY, OH_TEXT, false},
    {"observability_metadata", "observability_metadata", OH_IN_BODY, OH_OBJECT, false},
    {"observability_tags", "observability_tags", OH_IN_BODY, OH_TEXTS, false},
    {"observability_span_name", "observability_span_name", OH_IN_BODY, OH_TEXT, false},
    {NULL, NULL, OH_IN_BODY, OH_TEXT, false},
};

/* There is no GET of one V1 conversation: it is a batch of one. */
static const struct oh_field v1_status[] = {
    {"conversation_id", "ids", OH_IN_QUERY, OH_UUIDS, true},
    {NULL, NULL, OH_IN_BODY, OH_TEXT, false},
};

static const struct oh_field v1_start_tasks[] = {
    {"start_task_id", "ids", OH_IN_QUERY, OH_UUIDS, true},
    {NULL, NULL, OH_IN_BODY, OH_TEXT, false},
};

static const struct oh_field v1_search_start_tasks[] = {
    {"created_at__gte", "created_at__gte", OH_IN_QUERY, OH_TEXT, false},
    {"conversation_id__eq", "conversation_id__eq", OH_IN_QUERY, OH_UUID, false},
    {"sort_order", "sort_order", OH_IN_QUERY, OH_TEXT, false},
    {"page_id", "page_id", OH_IN_QUERY, OH_TEXT, false},
    {"limit", "limit", OH_IN_QUERY, OH_INTEGER, false},
    {NULL, NULL, OH_IN_BODY, OH_TEXT, false},
};

static const struct oh_field v1_search_events[] = {
    {"conversation_id", "conversation_id", OH_IN_PATH, OH_UUID, true},
    {"kind__eq", "kind__eq", OH_IN_QUERY, OH_TEXT, false},
    {"timestamp__gte", "timestamp__gte", OH_IN_QUERY, OH_TEXT, false},
    {"timestamp__lt", "timestamp__lt", OH_IN_QUERY, OH_TEXT, false},
    {"sort_order", "sort_order", OH_IN_QUERY, OH_TEXT, false},
    {"page_id", "page_id", OH_IN_QUERY, OH_TEXT, false},
    {"limit", "limit", OH_IN_QUERY, OH_INTEGER, false},
    {NULL, NULL, OH_IN_BODY, OH_TEXT, false},
};

static const struct oh_field nothing[] = {
    {NULL, NULL, OH_IN_BODY, OH_TEXT, false},
};

static const struct oh_operation operations[] = {
    {"start", OH_API_V0, "POST", "/api/conversations", v0_start, OH_SHAPE_OBJECT, true, THINKING},
    {"start", OH_API_V1, "POST", "/api/v1/app-conversations", v1_start, OH_SHAPE_OBJECT, true, THINKING},
    {"status", OH_API_V0, "GET", "/api/conversations/{conversation_id}", v0_status, OH_SHAPE_OBJECT_OR_NULL, false,
     QUICK},
    {"status", OH_API_V1, "GET", "/api/v1/app-conversations", v1_status, OH_SHAPE_LIST, false, QUICK},
    {"start_tasks", OH_API_V1, "GET", "/api/v1/app-conversations/start-tasks", v1_start_tasks, OH_SHAPE_LIST, false,
     QUICK},
    {"search_start_tasks", OH_API_V1, "GET", "/api/v1/app-conversations/start-tasks/search", v1_search_start_tasks,
     OH_SHAPE_OBJECT, false, QUICK},
    {"search_events", OH_API_V1, "GET", "/api/v1/conversation/{conversation_id}/events/search", v1_search_events,
     OH_SHAPE_OBJECT, false, QUICK},
    {"me", OH_API_V1, "GET", "/api/v1/users/me", nothing, OH_SHAPE_OBJECT, false, QUICK},
};

const struct oh_operation *oh_operation_at(size_t i)
{
    return i < sizeof operations / sizeof operations[0] ? &operations[i] : NULL;
}

const struct oh_operation *oh_operation_find(const char *name, enum oh_api api)
{
    const struct oh_operation *operation;
    size_t i;

    for (i = 0; (operation = oh_operation_at(i)) != NULL; i++)
        if (operation->api == api && strcmp(operation->name, name) == 0)
            return operation;
    return NULL;
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

const char *oh_operation_nearest(const char *operation, const char *name)
{
    const struct oh_operation *row;
    const struct oh_field *field;
    const char *nearest = NULL;
    size_t best = strlen(name) / 2 + 1; /* farther than half of the word is another word */
    size_t i;

    for (i = 0; (row = oh_operation_at(i)) != NULL; i++) {
        if (strcmp(row->name, operation) != 0)
            continue;
        for (field = row->fields; field->name != NULL; field++) {
            size_t far = distance(name, field->name);
            if (far < best) {
                best = far;
                nearest = field->name;
            }
        }
    }
    return nearest;
}

const char *oh_api_name(enum oh_api api)
{
    return api == OH_API_V0 ? "v0" : "v1";
}

bool oh_api_from_name(const char *name, enum oh_api *api)
{
    if (strcmp(name, "v0") == 0)
        *api = OH_API_V0;
    else if (strcmp(name, "v1") == 0)
        *api = OH_API_V1;
    else
        return false;
    return true;
}

const char *oh_type_name(enum oh_type type)
{
    switch (type) {
    case OH_TEXT: return "a string";
    case OH_IDENTIFIER: return "an id (1 to 128 of A-Z a-z 0-9 _ -)";
    case OH_UUID: return "a UUID";
    case OH_UUIDS: return "a UUID or a list of at most 99";
    case OH_INTEGER: return "an integer";
    case OH_BOOLEAN: return "a boolean";
    case OH_TEXTS: return "a list of strings";
    case OH_INTEGERS: return "a list of integers";
    case OH_TEXT_MAP: return "a table from string to string";
    case OH_OBJECT: return "a table with string keys";
    case OH_LIST: return "a list";
    case OH_MESSAGE:
    case OH_MESSAGE_TEXT: return "a string or a message table";
    }
    return "a value";
}
