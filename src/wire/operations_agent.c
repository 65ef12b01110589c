/* The operations of the agent server, which runs in each sandbox. Its only credential is the session key of its
   conversations; their ids are UUIDs with dashes. */
#include "wire/operation_rows.h"

#define CONVERSATION PATH("conversation_id", UUID)

static const struct oh_field nothing[] = {LAST};
static const struct oh_field conversation[] = {CONVERSATION, LAST};

static const struct oh_field get[] = {NEEDED("conversation_id", "ids", IN_QUERY, UUIDS), LAST};
static const struct oh_field list[] = {QUERY("status", TEXT), QUERY("sort_order", TEXT), PAGED, LAST};
static const struct oh_field count[] = {QUERY("status", TEXT), LAST};
static const struct oh_field update[] = {CONVERSATION, BODY("title", TEXT), BODY("tags", TEXT_MAP), LAST};
static const struct oh_field set_secrets[] = {CONVERSATION, NEEDED("secrets", "secrets", IN_BODY, TEXT_MAP), LAST};
static const struct oh_field ask[] = {CONVERSATION, NEEDED("question", "question", IN_BODY, TEXT), LAST};

static const struct oh_field confirmation_policy[] = {
    CONVERSATION,
    NEEDED("policy", "policy", IN_BODY, OBJECT),
    LAST,
};

static const struct oh_field security_analyzer[] = {
    CONVERSATION,
    NEEDED("security_analyzer", "security_analyzer", IN_BODY, OBJECT),
    LAST,
};

static const struct oh_field switch_llm[] = {CONVERSATION, NEEDED("llm", "llm", IN_BODY, OBJECT), LAST};

static const struct oh_field switch_profile[] = {
    CONVERSATION,
    NEEDED("profile_name", "profile_name", IN_BODY, TEXT),
    LAST,
};

static const struct oh_field switch_model[] = {CONVERSATION, NEEDED("model", "model", IN_BODY, TEXT), LAST};

/* The caller may choose the id of the new conversation. */
static const struct oh_field fork_fields[] = {
    CONVERSATION,
    BODY("id", UUID),
    BODY("title", TEXT),
    BODY("tags", TEXT_MAP),
    BODY("reset_metrics", BOOLEAN),
    BODY("from_event_id", TEXT),
    LAST,
};

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

/* ---- the sandbox -------------------------------------------------------------------------------------------------
   Each operation exists twice: on the server, and on the conversation's own runtime, which may be another machine. */

#define COMMAND NEEDED("command", "command", IN_BODY, TEXT), BODY("cwd", TEXT), BODY("timeout", INTEGER)
#define BASH_EVENTS \
    QUERY("command_id__eq", TEXT), QUERY("order__gt", INTEGER), QUERY("kind__eq", TEXT), \
        QUERY("timestamp__gte", TEXT), QUERY("timestamp__lt", TEXT), QUERY("sort_order", TEXT), PAGED

static const struct oh_field server_command[] = {COMMAND, LAST};
static const struct oh_field own_command[] = {CONVERSATION, COMMAND, LAST};
static const struct oh_field server_bash_events[] = {BASH_EVENTS, LAST};
static const struct oh_field own_bash_events[] = {CONVERSATION, BASH_EVENTS, LAST};
static const struct oh_field server_command_id[] = {PATH("command_id", UUID), LAST};
static const struct oh_field own_command_id[] = {CONVERSATION, PATH("command_id", UUID), LAST};

/* File paths are query parameters: in the path of the URL a proxy would collapse their double slashes. */
#define FILE_PATH NEEDED("path", "path", IN_QUERY, TEXT)

#define UPLOAD FILE_PATH, NEEDED("contents", "file", IN_PARTS, FILE)
#define ARCHIVE \
    FILE_PATH, QUERY("format", TEXT), QUERY("base_ref", TEXT), QUERY("use_default_excludes", BOOLEAN), \
        QUERY("exclude", TEXTS)
#define CHANGES FILE_PATH, QUERY("ref", TEXT)
#define DIFF CHANGES, QUERY("commit", TEXT)
#define COMMITS FILE_PATH, QUERY("limit", INTEGER)
#define COMMIT_CHANGES PATH("sha", NAME), FILE_PATH

static const struct oh_field server_upload[] = {UPLOAD, LAST};
static const struct oh_field own_upload[] = {CONVERSATION, UPLOAD, LAST};
static const struct oh_field server_path[] = {FILE_PATH, LAST};
static const struct oh_field own_path[] = {CONVERSATION, FILE_PATH, LAST};
static const struct oh_field server_archive[] = {ARCHIVE, LAST};
static const struct oh_field own_archive[] = {CONVERSATION, ARCHIVE, LAST};
static const struct oh_field server_changes[] = {CHANGES, LAST};
static const struct oh_field own_changes[] = {CONVERSATION, CHANGES, LAST};
static const struct oh_field server_diff[] = {DIFF, LAST};
static const struct oh_field own_diff[] = {CONVERSATION, DIFF, LAST};
static const struct oh_field server_commits[] = {COMMITS, LAST};
static const struct oh_field own_commits[] = {CONVERSATION, COMMITS, LAST};
static const struct oh_field server_commit_changes[] = {COMMIT_CHANGES, LAST};
static const struct oh_field own_commit_changes[] = {CONVERSATION, COMMIT_CHANGES, LAST};

#define ROW(name, description, host, method, path, fields, shape, effect, timeout) \
    {name, description, OH_API_AGENT, OH_##host, method, path, fields, OH_SHAPE_##shape, OH_##effect, timeout}
#define GET(name, description, path, fields, shape) \
    ROW(name, description, AT_RUNTIME, "GET", path, fields, shape, READS, QUICK)
#define POST(name, description, path, fields, shape, effect) \
    ROW(name, description, AT_RUNTIME, "POST", path, fields, shape, effect, QUICK)

#define CONVERSATIONS "/api/conversations"
#define ONE CONVERSATIONS "/{conversation_id}"

#define SANDBOX(prefix, root, own) \
    POST(prefix "execute", "Runs a command and waits until it ends", \
        root "/bash/execute_bash_command", own##command, OBJECT, CREATES), \
        POST(prefix "start_command", "Starts a command (`agent:bash` follows it)", \
            root "/bash/start_bash_command", own##command, OBJECT, CREATES), \
        POST(prefix "stop_command", "Stops a running command", \
            root "/bash/bash_commands/{command_id}/stop", own##command_id, DONE, WRITES), \
        GET(prefix "command_events", "Lists the output of commands", \
            root "/bash/bash_events/search", own##bash_events, PAGE), \
        ROW(prefix "upload", "Uploads a file to the sandbox", \
            AT_RUNTIME, "POST", root "/file/upload", own##upload, ANY, WRITES, SCANNING), \
        ROW(prefix "download", "Saves a file of the sandbox (`download(path, target, { on_progress = … })`)", \
            AT_RUNTIME, "GET", root "/file/download", own##path, FILE, READS, CARRYING), \
        ROW(prefix "archive", "Saves a directory as an archive or a patch (`agent:archive(path, target)`)", \
            AT_RUNTIME, "GET", root "/file/archive", own##archive, FILE, READS, CARRYING), \
        POST(prefix "create_directory", "Creates a directory", \
            root "/file/create_directory", own##path, DONE, WRITES), \
        ROW(prefix "download_trajectory", "Saves the events as a zip file (`agent:download_trajectory(target)`)", \
            AT_RUNTIME, "GET", root "/file/download-trajectory/{conversation_id}", conversation, FILE, READS, \
            CARRYING), \
        GET(prefix "changes", "Lists the files of a repository that differ from git", \
            root "/git/changes", own##changes, LIST), \
        GET(prefix "diff", "Returns one file before and after its changes", root "/git/diff", own##diff, OBJECT), \
        GET(prefix "commits", "Lists the commits of a repository, newest first", \
            root "/git/commits", own##commits, OBJECT), \
        GET(prefix "commit_changes", "Lists the files that a commit changed", \
            root "/git/commits/{sha}/changes", own##commit_changes, LIST)

const struct oh_operation oh_operations_agent[] = {
    GET("alive", AS_IN_V1, "/alive", nothing, ANY),
    GET("health", AS_IN_V1, "/health", nothing, ANY),
    GET("ready", AS_IN_V1, "/ready", nothing, ANY),
    GET("server_info", "Returns the version and the uptime of the agent server", "/server_info", nothing, OBJECT),
    GET("info", "Returns the agent server's data about the conversation", ONE, conversation, OBJECT),
    GET("get", "Returns conversations of the sandbox by their ids", CONVERSATIONS, get, LIST),
    GET("list", "Lists the conversations of the sandbox", CONVERSATIONS "/search", list, PAGE),
    GET("count", "Counts the conversations of the sandbox", CONVERSATIONS "/count", count, INTEGER),
    ROW("update", "Changes the title and other fields of the conversation",
        AT_RUNTIME, "PATCH", ONE, update, DONE, WRITES, QUICK),
    ROW("delete", "Deletes the conversation", AT_RUNTIME, "DELETE", ONE, conversation, DONE, WRITES, QUICK),
    GET("final_response", "Returns the agent's last answer", ONE "/agent_final_response", conversation, OBJECT),
    POST("send", "Sends a message to the agent", ONE "/events", send, DONE, CREATES),
    POST("run", "Lets the agent continue", ONE "/run", conversation, DONE, WRITES),
    POST("pause", "Pauses the agent after its current step", ONE "/pause", conversation, DONE, WRITES),
    POST("interrupt", "Interrupts the agent at once", ONE "/interrupt", conversation, DONE, WRITES),
    POST("confirm", "Accepts or rejects an action that waits for confirmation",
        ONE "/events/respond_to_confirmation", confirm, DONE, CREATES),
    POST("set_secrets", "Sets secrets that the agent can use", ONE "/secrets", set_secrets, DONE, WRITES),
    POST("set_confirmation_policy", "Sets which actions need confirmation",
        ONE "/confirmation_policy", confirmation_policy, DONE, WRITES),
    POST("set_security_analyzer", "Sets the analyzer that rates the risk of the agent's actions",
        ONE "/security_analyzer", security_analyzer, DONE, WRITES),
    POST("switch_llm", "Switches the conversation to another model", ONE "/switch_llm", switch_llm, DONE, WRITES),
    POST("switch_profile", AS_IN_V1, ONE "/switch_profile", switch_profile, DONE, WRITES),
    POST("switch_model", AS_IN_V1, ONE "/switch_acp_model", switch_model, DONE, WRITES),
    ROW("fork", "Starts a new conversation with a copy of the events so far",
        AT_RUNTIME, "POST", ONE "/fork", fork_fields, OBJECT, CREATES, THINKING),
    ROW("ask", "Asks the agent a question without affecting its work",
        AT_RUNTIME, "POST", ONE "/ask_agent", ask, OBJECT, WRITES, THINKING),
    ROW("condense", "Condenses the agent's context",
        AT_RUNTIME, "POST", ONE "/condense", conversation, DONE, WRITES, THINKING),
    GET("events", "Lists the events of the conversation", ONE "/events/search", events, PAGE),
    GET("event_count", "Counts the events of the conversation", ONE "/events/count", event_count, INTEGER),
    GET("event", "Returns one event by its id", ONE "/events/{event_id}", event, OBJECT),
    SANDBOX("", "/api", server_),
    GET("runtime.info", "Returns the state of the conversation's own runtime", ONE "/runtime", conversation, OBJECT),
    SANDBOX("runtime.", ONE, own_),
    {NULL, NULL, OH_API_AGENT, OH_AT_RUNTIME, NULL, NULL, NULL, OH_SHAPE_OBJECT, OH_READS, 0},
};
