/* What the agent server of a sandbox can do. It takes the session key of its own conversations and nothing else; ids
   are dashed UUIDs there. */
#include "operation_rows.h"

#define CONVERSATION PATH("conversation_id", UUID)

static const struct oh_field nothing[] = {LAST};
static const struct oh_field conversation[] = {CONVERSATION, LAST};

static const struct oh_field get[] = {NEEDED("conversation_id", "ids", IN_QUERY, UUIDS), LAST};
static const struct oh_field list[] = {QUERY("status", TEXT), QUERY("sort_order", TEXT), PAGED, LAST};
static const struct oh_field count[] = {QUERY("status", TEXT), LAST};
static const struct oh_field update[] = {CONVERSATION, NEEDED("title", "title", IN_BODY, TEXT), LAST};
static const struct oh_field set_secrets[] = {CONVERSATION, NEEDED("secrets", "secrets", IN_BODY, TEXT_MAP), LAST};
static const struct oh_field ask[] = {CONVERSATION, NEEDED("question", "question", IN_BODY, TEXT), LAST};

static const struct oh_field send[] = {
    CONVERSATION,
    NEEDED("content", "content", IN_BODY, CONTENT),
    BODY("role", TEXT),
    BODY("run", BOOLEAN),
    LAST,
};

static const struct oh_field confirm[] = {
    CONVERSATION,
    NEEDED("accept", "accept", IN_BODY, BOOLEAN),
    BODY("reason", TEXT),
    LAST,
};

#define EVENT_FILTER \
    QUERY("kind", TEXT), QUERY("source", TEXT), QUERY("body", TEXT), QUERY("timestamp__gte", TEXT), \
        QUERY("timestamp__lt", TEXT)

static const struct oh_field events[] = {CONVERSATION, EVENT_FILTER, QUERY("sort_order", TEXT), PAGED, LAST};
static const struct oh_field event_count[] = {CONVERSATION, EVENT_FILTER, LAST};
static const struct oh_field event[] = {CONVERSATION, PATH("event_id", NAME), LAST};

static const struct oh_field command[] = {
    NEEDED("command", "command", IN_BODY, TEXT),
    BODY("cwd", TEXT),
    BODY("timeout", INTEGER),
    LAST,
};

static const struct oh_field bash_events[] = {
    QUERY("command_id__eq", TEXT),
    QUERY("order__gt", INTEGER),
    QUERY("kind__eq", TEXT),
    QUERY("timestamp__gte", TEXT),
    QUERY("timestamp__lt", TEXT),
    QUERY("sort_order", TEXT),
    PAGED,
    LAST,
};

/* Paths are parameters: in the URL a proxy would collapse their double slashes. */
#define FILE_PATH NEEDED("path", "path", IN_QUERY, TEXT)

static const struct oh_field upload[] = {FILE_PATH, NEEDED("contents", "file", IN_PARTS, FILE), LAST};
static const struct oh_field path[] = {FILE_PATH, LAST};
static const struct oh_field changes[] = {FILE_PATH, QUERY("ref", TEXT), LAST};

#define ROW(name, host, method, path, fields, shape, effect, timeout) \
    {name, OH_API_AGENT, OH_##host, method, path, fields, OH_SHAPE_##shape, OH_##effect, timeout}
#define GET(name, path, fields, shape) ROW(name, AT_RUNTIME, "GET", path, fields, shape, READS, QUICK)
#define POST(name, path, fields, shape, effect) ROW(name, AT_RUNTIME, "POST", path, fields, shape, effect, QUICK)

#define CONVERSATIONS "/api/conversations"
#define ONE CONVERSATIONS "/{conversation_id}"

const struct oh_operation oh_operations_agent[] = {
    GET("alive", "/alive", nothing, ANY),
    GET("health", "/health", nothing, ANY),
    GET("ready", "/ready", nothing, ANY),
    GET("server_info", "/server_info", nothing, OBJECT),
    GET("info", ONE, conversation, OBJECT),
    GET("get", CONVERSATIONS, get, LIST),
    GET("list", CONVERSATIONS "/search", list, PAGE),
    GET("count", CONVERSATIONS "/count", count, INTEGER),
    ROW("update", AT_RUNTIME, "PATCH", ONE, update, DONE, WRITES, QUICK),
    ROW("delete", AT_RUNTIME, "DELETE", ONE, conversation, DONE, WRITES, QUICK),
    GET("final_response", ONE "/agent_final_response", conversation, OBJECT),
    POST("send", ONE "/events", send, DONE, CREATES),
    POST("run", ONE "/run", conversation, DONE, WRITES),
    POST("pause", ONE "/pause", conversation, DONE, WRITES),
    POST("interrupt", ONE "/interrupt", conversation, DONE, WRITES),
    POST("confirm", ONE "/events/respond_to_confirmation", confirm, DONE, CREATES),
    POST("set_secrets", ONE "/secrets", set_secrets, DONE, WRITES),
    ROW("ask", AT_RUNTIME, "POST", ONE "/ask_agent", ask, OBJECT, WRITES, THINKING),
    ROW("condense", AT_RUNTIME, "POST", ONE "/condense", conversation, DONE, WRITES, THINKING),
    GET("events", ONE "/events/search", events, PAGE),
    GET("event_count", ONE "/events/count", event_count, INTEGER),
    GET("event", ONE "/events/{event_id}", event, OBJECT),
    POST("execute", "/api/bash/execute_bash_command", command, OBJECT, CREATES),
    POST("start_command", "/api/bash/start_bash_command", command, OBJECT, CREATES),
    GET("command_events", "/api/bash/bash_events/search", bash_events, PAGE),
    ROW("upload", AT_RUNTIME, "POST", "/api/file/upload", upload, ANY, WRITES, SCANNING),
    ROW("download", AT_RUNTIME, "GET", "/api/file/download", path, FILE, READS, CARRYING),
    ROW("download_trajectory", AT_RUNTIME, "GET", "/api/file/download-trajectory/{conversation_id}", conversation, FILE,
        READS, CARRYING),
    GET("changes", "/api/git/changes", changes, LIST),
    GET("diff", "/api/git/diff", changes, OBJECT),
    {NULL, OH_API_AGENT, OH_AT_RUNTIME, NULL, NULL, NULL, OH_SHAPE_OBJECT, OH_READS, 0},
};
