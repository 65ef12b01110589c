/* The operations of the V1 API. It silently ignores unknown fields, so only those listed here are sent. */
#include "wire/operation_rows.h"

#define CONVERSATION PATH("conversation_id", UUID)

static const struct oh_field nothing[] = {LAST};
static const struct oh_field paged[] = {PAGED, LAST};
static const struct oh_field conversation[] = {CONVERSATION, LAST};

/* ---- conversations -------------------------------------------------------------------------------------------- */

static const struct oh_field start[] = {
    NEEDED("initial_user_msg", "initial_message", IN_BODY, MESSAGE),
    NEEDED("initial_message", "initial_message", IN_BODY, MESSAGE),
    FIELD("repository", "selected_repository", IN_BODY, TEXT),
    BODY("selected_repository", TEXT),
    BODY("selected_branch", TEXT),
    BODY("git_provider", TEXT),
    BODY("conversation_id", UUID),
    BODY("llm_model", TEXT),
    BODY("agent_profile_id", TEXT),
    BODY("agent_type", TEXT),
    BODY("title", TEXT),
    BODY("trigger", TEXT),
    BODY("pr_number", INTEGERS),
    BODY("parent_conversation_id", UUID),
    BODY("sandbox_id", TEXT),
    BODY("public", BOOLEAN),
    BODY("suggested_task", OBJECT),
    BODY("plugins", LIST),
    BODY("secrets", TEXT_MAP),
    BODY("system_message_suffix", TEXT),
    BODY("observability_metadata", OBJECT),
    BODY("observability_tags", TEXTS),
    BODY("observability_span_name", TEXT),
    LAST,
};

/* V1 has no GET of a single conversation: a batch of one takes its place. */
static const struct oh_field status[] = {NEEDED("conversation_id", "ids", IN_QUERY, UUIDS), LAST};

#define CONVERSATION_FILTER \
    QUERY("title__contains", TEXT), QUERY("created_at__gte", TEXT), QUERY("created_at__lt", TEXT), \
        QUERY("updated_at__gte", TEXT), QUERY("updated_at__lt", TEXT), QUERY("sandbox_id__eq", TEXT)

static const struct oh_field list[] = {CONVERSATION_FILTER, QUERY("include_sub_conversations", BOOLEAN), PAGED, LAST};
static const struct oh_field count[] = {CONVERSATION_FILTER, LAST};

static const struct oh_field update[] = {
    CONVERSATION,
    BODY("title", TEXT),
    BODY("public", BOOLEAN),
    FIELD("repository", "selected_repository", IN_BODY, TEXT),
    BODY("selected_repository", TEXT),
    BODY("selected_branch", TEXT),
    BODY("git_provider", TEXT),
    LAST,
};

static const struct oh_field send[] = {
    CONVERSATION,
    NEEDED("content", "content", IN_BODY, CONTENT),
    BODY("run", BOOLEAN),
    LAST,
};

/* The id may be that of a start task: the service keeps the message until the conversation exists. */
static const struct oh_field queue_message[] = {
    PATH("conversation_id", IDENTIFIER),
    NEEDED("content", "content", IN_BODY, CONTENT),
    LAST,
};

static const struct oh_field switch_profile[] = {
    CONVERSATION,
    NEEDED("profile_name", "profile_name", IN_BODY, TEXT),
    LAST,
};

static const struct oh_field switch_model[] = {CONVERSATION, NEEDED("model", "model", IN_BODY, TEXT), LAST};

static const struct oh_field start_tasks_get[] = {NEEDED("start_task_id", "ids", IN_QUERY, UUIDS), LAST};

#define START_TASK_FILTER QUERY("created_at__gte", TEXT), QUERY("conversation_id__eq", UUID)

static const struct oh_field start_tasks_list[] = {START_TASK_FILTER, QUERY("sort_order", TEXT), PAGED, LAST};
static const struct oh_field start_tasks_count[] = {START_TASK_FILTER, LAST};

/* ---- events --------------------------------------------------------------------------------------------------- */

#define EVENT_FILTER QUERY("kind__eq", TEXT), QUERY("timestamp__gte", TEXT), QUERY("timestamp__lt", TEXT)
#define EVENT_PAGED QUERY("sort_order", TEXT), PAGED

static const struct oh_field events[] = {CONVERSATION, EVENT_FILTER, EVENT_PAGED, LAST};
static const struct oh_field event_count[] = {CONVERSATION, EVENT_FILTER, LAST};
static const struct oh_field event_batch[] = {CONVERSATION, NEEDED("event_id", "id", IN_QUERY, NAMES), LAST};

/* In calls about events, the id of a shared conversation is a query parameter, except for a single event; the id of the
   account's own conversation is in the path. */
#define SHARED NEEDED("conversation_id", "conversation_id", IN_QUERY, UUID)

static const struct oh_field shared_events[] = {SHARED, EVENT_FILTER, EVENT_PAGED, LAST};
static const struct oh_field shared_event_count[] = {SHARED, EVENT_FILTER, LAST};
static const struct oh_field shared_event_batch[] = {SHARED, NEEDED("event_id", "id", IN_QUERY, NAMES), LAST};
static const struct oh_field shared_event[] = {CONVERSATION, PATH("event_id", NAME), LAST};

/* ---- the workspace -------------------------------------------------------------------------------------------- */

static const struct oh_field changes[] = {
    CONVERSATION,
    NEEDED("path", "path", IN_QUERY, TEXT),
    QUERY("ref", TEXT),
    LAST,
};

static const struct oh_field file[] = {CONVERSATION, NEEDED("path", "file_path", IN_QUERY, TEXT), LAST};
static const struct oh_field files[] = {CONVERSATION, QUERY("path", TEXT), LAST};

/* ---- sandboxes ------------------------------------------------------------------------------------------------ */

static const struct oh_field sandbox[] = {PATH("sandbox_id", NAME), LAST};
static const struct oh_field sandboxes_get[] = {NEEDED("sandbox_id", "id", IN_QUERY, NAMES), LAST};
static const struct oh_field sandboxes_start[] = {QUERY("sandbox_spec_id", TEXT), LAST};

/* The service needs the id twice, under two names. */
static const struct oh_field sandboxes_delete[] = {
    NEEDED("sandbox_id", "id", IN_PATH, NAME),
    NEEDED("sandbox_id", "sandbox_id", IN_QUERY, TEXT),
    LAST,
};

#define SESSION_KEY FIELD("session_api_key", "X-Session-API-Key", IN_HEADER, SECRET)

static const struct oh_field sandboxes_secrets[] = {PATH("sandbox_id", NAME), SESSION_KEY, LAST};

static const struct oh_field sandboxes_secret[] = {
    PATH("sandbox_id", NAME),
    NEEDED("name", "secret_name", IN_PATH, NAME),
    SESSION_KEY,
    LAST,
};

static const struct oh_field sandbox_specs_get[] = {NEEDED("sandbox_spec_id", "id", IN_QUERY, NAMES), LAST};

/* ---- the account ---------------------------------------------------------------------------------------------- */

static const struct oh_field settings_update[] = {NEEDED("settings", "settings", AS_BODY, OBJECT), LAST};

static const struct oh_field profile[] = {PATH("name", NAME), LAST};

static const struct oh_field profiles_save[] = {
    PATH("name", NAME),
    BODY("llm", OBJECT),
    BODY("include_secrets", BOOLEAN),
    BODY("preserve_existing_api_key", BOOLEAN),
    LAST,
};

static const struct oh_field profiles_rename[] = {
    PATH("name", NAME),
    NEEDED("new_name", "new_name", IN_BODY, TEXT),
    LAST,
};

static const struct oh_field secrets_list[] = {QUERY("name__contains", TEXT), PAGED, LAST};

static const struct oh_field secrets_create[] = {
    NEEDED("name", "name", IN_BODY, TEXT),
    NEEDED("value", "value", IN_BODY, SECRET),
    BODY("description", TEXT),
    LAST,
};

/* The service needs the name twice: in the path, as secret_id, and in the body. */
static const struct oh_field secrets_update[] = {
    NEEDED("name", "secret_id", IN_PATH, NAME),
    NEEDED("name", "name", IN_BODY, TEXT),
    BODY("description", TEXT),
    LAST,
};

static const struct oh_field secrets_delete[] = {NEEDED("name", "secret_id", IN_PATH, NAME), LAST};

static const struct oh_field set_git_providers[] = {
    NEEDED("provider_tokens", "provider_tokens", IN_BODY, OBJECT),
    BODY("mcp_config", OBJECT),
    LAST,
};

static const struct oh_field marketplaces[] = {NEEDED("marketplaces", "marketplaces", AS_BODY, LIST), LAST};

static const struct oh_field keys_create[] = {
    BODY("name", TEXT),
    BODY("not_before", TEXT),
    BODY("expires_at", TEXT),
    BODY("org_id", UUID),
    LAST,
};

static const struct oh_field key[] = {PATH("key_id", INTEGER), LAST};

static const struct oh_field device_token[] = {NEEDED("device_code", "device_code", IN_FORM, SECRET), LAST};

/* ---- git and models ------------------------------------------------------------------------------------------- */

#define PROVIDER NEEDED("provider", "provider", IN_QUERY, TEXT)

static const struct oh_field installations[] = {PROVIDER, PAGED, LAST};

static const struct oh_field repositories[] = {
    PROVIDER,
    QUERY("query", TEXT),
    QUERY("installation_id", TEXT),
    QUERY("sort_order", TEXT),
    PAGED,
    LAST,
};

static const struct oh_field branches[] = {
    PROVIDER,
    NEEDED("repository", "repository", IN_QUERY, TEXT),
    NEEDED("query", "query", IN_QUERY, TEXT),
    PAGED,
    LAST,
};

static const struct oh_field providers[] = {QUERY("query", TEXT), QUERY("verified__eq", BOOLEAN), PAGED, LAST};

static const struct oh_field models[] = {
    QUERY("query", TEXT),
    QUERY("verified__eq", BOOLEAN),
    QUERY("provider__eq", TEXT),
    PAGED,
    LAST,
};

/* ---- the rows ------------------------------------------------------------------------------------------------- */

#define ROW(name, description, host, method, path, fields, shape, effect, timeout) \
    {name, description, OH_API_V1, OH_##host, method, path, fields, OH_SHAPE_##shape, OH_##effect, timeout}
#define GET(name, description, path, fields, shape) \
    ROW(name, description, AT_SERVICE, "GET", path, fields, shape, READS, QUICK)
#define POST(name, description, path, fields, shape, effect) \
    ROW(name, description, AT_SERVICE, "POST", path, fields, shape, effect, QUICK)
#define REMOVE(name, description, path, fields, shape) \
    ROW(name, description, AT_SERVICE, "DELETE", path, fields, shape, WRITES, QUICK)

#define CONVERSATIONS "/api/v1/app-conversations"
#define ONE CONVERSATIONS "/{conversation_id}"
#define EVENTS "/api/v1/conversation/{conversation_id}/events"
#define SANDBOXES "/api/v1/sandboxes"
#define PROFILES "/api/v1/settings/profiles"

const struct oh_operation oh_operations_v1[] = {
    ROW("start", "Starts a conversation (`openhands.start`)",
        AT_SERVICE, "POST", CONVERSATIONS, start, OBJECT, CREATES, THINKING),
    ROW("start_streaming", "Starts a conversation and reports each step of the start (`start{on_progress = …}`)",
        AT_SERVICE, "POST", CONVERSATIONS "/stream-start", start, STREAM, CREATES, STREAMING),
    GET("status", "Returns the state of conversations (`openhands.status`, `wait`, `get`)",
        CONVERSATIONS, status, LIST),
    GET("list", "Lists the conversations of the account, newest first", CONVERSATIONS "/search", list, PAGE),
    GET("count", "Counts the conversations of the account", CONVERSATIONS "/count", count, INTEGER),
    ROW("update", "Changes the title and other fields of a conversation; returns the conversation",
        AT_SERVICE, "PATCH", ONE, update, DONE, WRITES, QUICK),
    REMOVE("delete", "Deletes a conversation", ONE, conversation, DONE),
    POST("send", "Sends a message to a running conversation", ONE "/send-message", send, DONE, CREATES),
    POST("queue_message", "Queues a message for a starting conversation; takes its id or that of its start task",
        "/api/v1/conversations/{conversation_id}/pending-messages", queue_message, DONE, CREATES),
    POST("switch_profile", "Switches the conversation to another model profile",
        ONE "/switch_profile", switch_profile, DONE, WRITES),
    POST("switch_model", "Switches the conversation to another model (ACP agents)",
        ONE "/switch_acp_model", switch_model, DONE, WRITES),
    GET("start_tasks.get", "Returns start tasks by their ids", CONVERSATIONS "/start-tasks", start_tasks_get, LIST),
    GET("start_tasks.list", "Lists recent start tasks", CONVERSATIONS "/start-tasks/search", start_tasks_list, PAGE),
    GET("start_tasks.count", "Counts the start tasks", CONVERSATIONS "/start-tasks/count", start_tasks_count, INTEGER),

    ROW("events", "Lists the events of a conversation; also takes `after` and `follow` (see `doc/service.md`)",
        AT_SERVICE, "GET", EVENTS "/search", events, PAGE, READS, SCANNING),
    ROW("event_count", "Counts the events of a conversation",
        AT_SERVICE, "GET", EVENTS "/count", event_count, INTEGER, READS, SCANNING),
    GET("event_batch", "Returns events by their ids", EVENTS, event_batch, LIST),

    GET("changes", "Lists the files that differ from git", ONE "/git/changes", changes, LIST),
    GET("diff", "Returns one file before and after its changes", ONE "/git/diff", changes, OBJECT),
    GET("file", "Returns the text of a file in the workspace; on V1 a missing file may also give an empty text",
        ONE "/file", file, TEXT),
    GET("files", "Lists the names of files in the workspace", ONE "/files", files, TEXTS),
    GET("skills", "Lists the skills of the agent", ONE "/skills", conversation, OBJECT),
    GET("hooks", "Lists the hooks of the conversation", ONE "/hooks", conversation, OBJECT),
    ROW("download", "Saves the events as a zip file (`download(conversation, target, { on_progress = … })`)",
        AT_SERVICE, "GET", ONE "/download", conversation, FILE, READS, CARRYING),

    GET("sandboxes.list", "Lists the sandboxes of the account", SANDBOXES "/search", paged, PAGE),
    GET("sandboxes.get", "Returns sandboxes by their ids", SANDBOXES, sandboxes_get, LIST),
    ROW("sandboxes.start", "Starts an empty sandbox",
        AT_SERVICE, "POST", SANDBOXES, sandboxes_start, OBJECT, CREATES, THINKING),
    POST("sandboxes.pause", "Pauses a sandbox with all its conversations",
        SANDBOXES "/{sandbox_id}/pause", sandbox, DONE, WRITES),
    POST("sandboxes.resume", "Resumes a paused sandbox", SANDBOXES "/{sandbox_id}/resume", sandbox, DONE, WRITES),
    REMOVE("sandboxes.delete", "Deletes a sandbox", SANDBOXES "/{id}", sandboxes_delete, DONE),
    GET("sandboxes.secrets", "Lists the names of the secrets of a sandbox",
        SANDBOXES "/{sandbox_id}/settings/secrets", sandboxes_secrets, ANY),
    GET("sandboxes.secret", "Returns the value of one secret of a sandbox",
        SANDBOXES "/{sandbox_id}/settings/secrets/{secret_name}", sandboxes_secret, BYTES),
    GET("sandbox_specs.list", "Lists the sandbox specifications", "/api/v1/sandbox-specs/search", paged, PAGE),
    GET("sandbox_specs.get", "Returns sandbox specifications by their ids",
        "/api/v1/sandbox-specs", sandbox_specs_get, LIST),

    GET("me", "Returns the account", "/api/v1/users/me", nothing, OBJECT),
    GET("credits", "Returns the remaining credits", "/api/billing/credits", nothing, OBJECT),
    GET("quota", "Returns how many conversations can still be started today", "/api/quota/status", nothing, OBJECT),
    GET("keys.list", "Lists the API keys of the account, without their values", "/api/keys", nothing, LIST),
    GET("keys.current", "Returns the API key in use and its organisation", "/api/keys/current", nothing, OBJECT),
    GET("keys.llm", "Returns the account's key for language models; it is a secret",
        "/api/keys/llm/byor", nothing, OBJECT),
    POST("keys.create", "Creates an API key; its value is returned only here",
        "/api/keys", keys_create, OBJECT, CREATES),
    REMOVE("keys.delete", "Deletes an API key", "/api/keys/{key_id}", key, DONE),
    GET("settings.get", "Returns the settings of the account", "/api/v1/settings", nothing, OBJECT),
    POST("settings.update", "Changes settings; `agent_settings_diff` and `conversation_settings_diff` change objects",
        "/api/v1/settings", settings_update, DONE, WRITES),
    GET("profiles.list", "Lists the model profiles", PROFILES, nothing, OBJECT),
    GET("profiles.get", "Returns one model profile", PROFILES "/{name}", profile, OBJECT),
    POST("profiles.save", "Creates or changes a model profile", PROFILES "/{name}", profiles_save, DONE, WRITES),
    REMOVE("profiles.delete", "Deletes a model profile", PROFILES "/{name}", profile, DONE),
    POST("profiles.activate", "Makes a model profile the default", PROFILES "/{name}/activate", profile, DONE, WRITES),
    POST("profiles.rename", "Renames a model profile", PROFILES "/{name}/rename", profiles_rename, DONE, WRITES),
    GET("secrets.list", "Lists the names of the account's secrets", "/api/v1/secrets/search", secrets_list, PAGE),
    POST("secrets.create", "Creates a secret; the service may overwrite one of that name",
        "/api/v1/secrets", secrets_create, DONE, CREATES),
    ROW("secrets.update", "Changes the description of a secret",
        AT_SERVICE, "PUT", "/api/v1/secrets/{secret_id}", secrets_update, DONE, WRITES, QUICK),
    REMOVE("secrets.delete", "Deletes a secret", "/api/v1/secrets/{secret_id}", secrets_delete, DONE),
    POST("secrets.set_git_providers", "Connects git hosts by access tokens",
        "/api/v1/secrets/git-providers", set_git_providers, DONE, WRITES),
    REMOVE("secrets.delete_git_providers", "Disconnects all git hosts", "/api/v1/secrets/git-providers", nothing, DONE),

    GET("git.identity", "Returns the account's user on its git host", "/api/v1/users/git-info", nothing, OBJECT),
    GET("git.organizations", "Lists the account's organisations on its git host",
        "/api/v1/users/git-organizations", nothing, OBJECT),
    GET("git.installations", "Lists the installations of the git host's app",
        "/api/v1/git/installations/search", installations, PAGE),
    GET("git.repositories", "Lists the repositories that the account can access",
        "/api/v1/git/repositories/search", repositories, PAGE),
    GET("git.branches", "Lists the branches of a repository; `query` is required but may be empty",
        "/api/v1/git/branches/search", branches, PAGE),
    GET("git.suggested_tasks", "Lists the tasks that the service suggests",
        "/api/v1/git/suggested-tasks/search", paged, PAGE),
    GET("models", "Lists the available models", "/api/v1/config/models/search", models, PAGE),
    GET("providers", "Lists the providers of models", "/api/v1/config/providers/search", providers, PAGE),
    GET("available_skills", "Lists the available skills", "/api/v1/skills/search", paged, PAGE),
    ROW("marketplace_skills", "Lists the skills of marketplaces; the list of marketplaces is sent as the body",
        AT_SERVICE, "POST", "/api/v1/skills/marketplace-skills", marketplaces, OBJECT, WRITES, SCANNING),

    ROW("shared.get", "Returns public conversations by their ids; no key is sent",
        AT_PUBLIC, "GET", "/api/shared-conversations", status, LIST, READS, QUICK),
    ROW("shared.events", "Lists the events of a public conversation",
        AT_PUBLIC, "GET", "/api/shared-events/search", shared_events, PAGE, READS, SCANNING),
    ROW("shared.event_count", "Counts the events of a public conversation",
        AT_PUBLIC, "GET", "/api/shared-events/count", shared_event_count, INTEGER, READS, SCANNING),
    ROW("shared.event_batch", "Returns events of a public conversation by their ids",
        AT_PUBLIC, "GET", "/api/shared-events", shared_event_batch, LIST, READS, QUICK),
    ROW("shared.event", "Returns one event of a public conversation",
        AT_PUBLIC, "GET", "/api/shared-events/{conversation_id}/{event_id}", shared_event, OBJECT_OR_NULL, READS,
        QUICK),
    ROW("web_client_config", "Returns the configuration of the service's web client; no key is sent",
        AT_PUBLIC, "GET", "/api/v1/web-client/config", nothing, OBJECT, READS, QUICK),
    ROW("alive", "Checks that the server responds", AT_PUBLIC, "GET", "/alive", nothing, ANY, READS, QUICK),
    ROW("health", "Checks that the server is healthy", AT_PUBLIC, "GET", "/health", nothing, ANY, READS, QUICK),
    ROW("ready", "Checks that the server is ready for calls", AT_PUBLIC, "GET", "/ready", nothing, ANY, READS, QUICK),
    ROW("server_info", "Returns the uptime and the resources of the server",
        AT_PUBLIC, "GET", "/server_info", nothing, OBJECT, READS, QUICK),
    ROW("device.authorize", "Begins a login in the browser (device flow); no key is sent",
        AT_PUBLIC, "POST", "/oauth/device/authorize", nothing, OBJECT, CREATES, QUICK),
    ROW("device.token", "Checks whether a login in the browser is complete",
        AT_PUBLIC, "POST", "/oauth/device/token", device_token, OBJECT, WRITES, QUICK),
    {NULL, NULL, OH_API_V1, OH_AT_SERVICE, NULL, NULL, NULL, OH_SHAPE_OBJECT, OH_READS, 0},
};
