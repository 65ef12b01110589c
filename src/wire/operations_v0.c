/* The operations of the V0 API. Its POST requests reject unknown fields. On the public service only the conversation's
   own server handles files and messages. */
#include "wire/operation_rows.h"

#define CONVERSATION PATH("conversation_id", IDENTIFIER)

static const struct oh_field nothing[] = {LAST};
static const struct oh_field conversation[] = {CONVERSATION, LAST};

static const struct oh_field start[] = {
    NEEDED("initial_user_msg", "initial_user_msg", IN_BODY, MESSAGE_TEXT),
    NEEDED("initial_message", "initial_user_msg", IN_BODY, MESSAGE_TEXT),
    BODY("repository", TEXT),
    FIELD("selected_repository", "repository", IN_BODY, TEXT),
    BODY("selected_branch", TEXT),
    BODY("git_provider", TEXT),
    BODY("image_urls", TEXTS),
    BODY("replay_json", TEXT),
    BODY("suggested_task", OBJECT),
    BODY("create_microagent", OBJECT),
    BODY("conversation_instructions", TEXT),
    BODY("mcp_config", OBJECT),
    LAST,
};

static const struct oh_field list[] = {
    QUERY("selected_repository", TEXT),
    FIELD("repository", "selected_repository", IN_QUERY, TEXT),
    QUERY("conversation_trigger", TEXT),
    QUERY("include_sub_conversations", BOOLEAN),
    PAGED,
    LAST,
};

static const struct oh_field update[] = {CONVERSATION, NEEDED("title", "title", IN_BODY, TEXT), LAST};

static const struct oh_field send[] = {CONVERSATION, NEEDED("content", "message", IN_BODY, CONTENT_TEXT), LAST};

static const struct oh_field start_again[] = {CONVERSATION, BODY("providers_set", TEXTS), LAST};

static const struct oh_field events[] = {
    CONVERSATION,
    QUERY("start_id", INTEGER),
    QUERY("end_id", INTEGER),
    QUERY("reverse", BOOLEAN),
    QUERY("limit", INTEGER),
    LAST,
};

static const struct oh_field add_event[] = {CONVERSATION, NEEDED("event", "event", AS_BODY, OBJECT), LAST};

static const struct oh_field files[] = {CONVERSATION, QUERY("path", TEXT), LAST};

static const struct oh_field file[] = {CONVERSATION, NEEDED("path", "file", IN_QUERY, TEXT), LAST};

static const struct oh_field diff[] = {CONVERSATION, NEEDED("path", "path", IN_QUERY, TEXT), LAST};

static const struct oh_field upload[] = {CONVERSATION, NEEDED("files", "files", IN_PARTS, FILES), LAST};

static const struct oh_field secret[] = {
    NEEDED("name", "name", IN_BODY, TEXT),
    NEEDED("value", "value", IN_BODY, SECRET),
    BODY("description", TEXT),
    LAST,
};

/* The service needs the name twice: in the path, as secret_id, and in the body. */
static const struct oh_field secret_update[] = {
    NEEDED("name", "secret_id", IN_PATH, NAME),
    NEEDED("name", "name", IN_BODY, TEXT),
    BODY("description", TEXT),
    LAST,
};

static const struct oh_field secret_name[] = {NEEDED("name", "secret_id", IN_PATH, NAME), LAST};

#define ROW(name, description, host, method, path, fields, shape, effect, timeout) \
    {name, description, OH_API_V0, OH_##host, method, path, fields, OH_SHAPE_##shape, OH_##effect, timeout}
#define CONVERSATIONS "/api/conversations"
#define ONE CONVERSATIONS "/{conversation_id}"

const struct oh_operation oh_operations_v0[] = {
    ROW("start", AS_IN_V1, AT_SERVICE, "POST", CONVERSATIONS, start, OBJECT, CREATES, THINKING),
    ROW("status", AS_IN_V1, AT_SERVICE, "GET", ONE, conversation, OBJECT_OR_NULL, READS, QUICK),
    ROW("list", AS_IN_V1, AT_SERVICE, "GET", CONVERSATIONS, list, PAGE, READS, QUICK),
    ROW("update", AS_IN_V1, AT_SERVICE, "PATCH", ONE, update, DONE_TRUE, WRITES, QUICK),
    ROW("delete", AS_IN_V1, AT_SERVICE, "DELETE", ONE, conversation, DONE_TRUE, WRITES, QUICK),
    ROW("stop", "Stops the runtime of a conversation",
        AT_SERVICE, "POST", ONE "/stop", conversation, DONE, WRITES, QUICK),
    ROW("start_again", "Restarts the runtime of a stopped conversation",
        AT_SERVICE, "POST", ONE "/start", start_again, DONE, WRITES, THINKING),
    ROW("send", AS_IN_V1, AT_RUNTIME, "POST", ONE "/message", send, DONE, CREATES, QUICK),
    ROW("events", AS_IN_V1, AT_RUNTIME, "GET", ONE "/events", events, OBJECT, READS, QUICK),
    ROW("add_event", "Adds a raw action to the events",
        AT_RUNTIME, "POST", ONE "/events", add_event, DONE, CREATES, QUICK),
    ROW("trajectory", "Returns all events in one response",
        AT_RUNTIME, "GET", ONE "/trajectory", conversation, OBJECT, READS, SCANNING),
    ROW("files", AS_IN_V1, AT_RUNTIME, "GET", ONE "/list-files", files, TEXTS, READS, QUICK),
    ROW("file", AS_IN_V1, AT_RUNTIME, "GET", ONE "/select-file", file, OBJECT, READS, QUICK),
    ROW("changes", AS_IN_V1, AT_RUNTIME, "GET", ONE "/git/changes", conversation, LIST, READS, QUICK),
    ROW("diff", AS_IN_V1, AT_RUNTIME, "GET", ONE "/git/diff", diff, OBJECT, READS, QUICK),
    ROW("upload", "Uploads files to the workspace",
        AT_RUNTIME, "POST", ONE "/upload-files", upload, DONE, WRITES, SCANNING),
    ROW("download_workspace", "Saves the workspace as a zip file (`download_workspace(conversation, target)`)",
        AT_RUNTIME, "GET", ONE "/zip-directory", conversation, FILE, READS, CARRYING),
    ROW("configuration", "Returns the configuration of the runtime",
        AT_RUNTIME, "GET", ONE "/config", conversation, OBJECT, READS, QUICK),
    ROW("vscode_url", "Returns the URL of the editor; it contains a secret",
        AT_RUNTIME, "GET", ONE "/vscode-url", conversation, OBJECT, READS, QUICK),
    ROW("web_hosts", "Returns the URLs of the web servers in the workspace",
        AT_RUNTIME, "GET", ONE "/web-hosts", conversation, OBJECT, READS, QUICK),
    ROW("secrets.list", AS_IN_V1, AT_SERVICE, "GET", "/api/secrets", nothing, PAGE, READS, QUICK),
    ROW("secrets.create", AS_IN_V1, AT_SERVICE, "POST", "/api/secrets", secret, ANY, CREATES, QUICK),
    ROW("secrets.update", AS_IN_V1, AT_SERVICE, "PUT", "/api/secrets/{secret_id}", secret_update, ANY, WRITES, QUICK),
    ROW("secrets.delete", AS_IN_V1, AT_SERVICE, "DELETE", "/api/secrets/{secret_id}", secret_name, ANY, WRITES, QUICK),
    ROW("alive", AS_IN_V1, AT_PUBLIC, "GET", "/alive", nothing, ANY, READS, QUICK),
    ROW("health", AS_IN_V1, AT_PUBLIC, "GET", "/health", nothing, ANY, READS, QUICK),
    ROW("server_info", AS_IN_V1, AT_PUBLIC, "GET", "/server_info", nothing, OBJECT, READS, QUICK),
    {NULL, NULL, OH_API_V0, OH_AT_SERVICE, NULL, NULL, NULL, OH_SHAPE_OBJECT, OH_READS, 0},
};
