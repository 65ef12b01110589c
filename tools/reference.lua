-- Writes what is said of the operations from the core's own table of them.
--   lua tools/reference.lua table     doc/operations.md: each operation, the dialects that have it, its fields
--   lua tools/reference.lua types     lua/openhands/types/operations.lua: the same for editors
-- `make reference` writes both; a spec holds the files against this.
local ascii = require "openhands.ascii"
local core = require "openhands.core"

local M = {}

-- What each operation does, in one line. One without a line here is an error.
local purposes = {
  start = "starts a conversation (`openhands.start`)",
  start_streaming = "the same with each step of the start told (`start{on_progress = …}`)",
  status = "how conversations stand (`openhands.status`, `wait`, `get`)",
  list = "conversations of the account, newest first",
  count = "how many there are",
  update = "renames a conversation and the like; gives the conversation",
  delete = "deletes a conversation",
  send = "sends a message to a conversation that runs",
  queue_message = "leaves a message for a conversation that still starts (its id, or its start task's), and only then",
  stop = "stops the runtime of a conversation",
  start_again = "starts the runtime of a stopped conversation again",
  switch_profile = "goes on with another model profile",
  switch_model = "goes on with another model (ACP agents)",
  ["start_tasks.get"] = "how starts go, by the ids of their tasks",
  ["start_tasks.list"] = "recent start tasks",
  ["start_tasks.count"] = "how many there are",
  events = "what has happened in a conversation; `after` and `follow` besides (see README)",
  event = "one event by its id",
  event_count = "how many events there are",
  event_batch = "events by their ids",
  add_event = "adds a raw action to the events",
  trajectory = "all events in one answer",
  changes = "files that differ from git",
  diff = "one file before and after",
  file = "the text of a file in the workspace; on V1 an empty text may also be a missing file",
  files = "names of files in the workspace",
  upload = "puts files into the workspace",
  download = "makes a file (`download(…, target, { on_progress = … })`): on V1 the conversation's events as a zip, "
    .. "from the agent server any file of the sandbox",
  download_workspace = "makes a zip file of the workspace (`download_workspace(conversation, target)`)",
  download_trajectory = "makes a zip file of the conversation's events (`agent:download_trajectory(target)`)",
  skills = "skills that the agent has",
  hooks = "hooks that are set",
  configuration = "configuration of the runtime",
  vscode_url = "address of the editor; it holds a secret",
  web_hosts = "addresses of what the workspace serves",
  ["sandboxes.list"] = "sandboxes of the account",
  ["sandboxes.get"] = "sandboxes by their ids",
  ["sandboxes.start"] = "starts an empty sandbox",
  ["sandboxes.pause"] = "puts a sandbox to sleep, with all its conversations",
  ["sandboxes.resume"] = "wakes a sandbox",
  ["sandboxes.delete"] = "deletes a sandbox",
  ["sandboxes.secrets"] = "names of the secrets of a sandbox",
  ["sandboxes.secret"] = "the value of one of them",
  ["sandbox_specs.list"] = "kinds of sandboxes",
  ["sandbox_specs.get"] = "kinds of sandboxes by their ids",
  me = "the account",
  credits = "what is left to spend",
  quota = "how many conversations may still be started today",
  ["keys.list"] = "API keys of the account, without their values",
  ["keys.current"] = "the key in use, and the organisation it acts for",
  ["keys.llm"] = "the account's key for models; a secret",
  ["keys.create"] = "makes an API key; its value is shown this once",
  ["keys.delete"] = "deletes an API key",
  ["settings.get"] = "settings of the account",
  ["settings.update"] = "changes them; objects within them by `agent_settings_diff` and `conversation_settings_diff`",
  ["profiles.list"] = "model profiles",
  ["profiles.get"] = "one of them",
  ["profiles.save"] = "makes or changes one",
  ["profiles.delete"] = "deletes one",
  ["profiles.activate"] = "makes one the default",
  ["profiles.rename"] = "renames one",
  ["secrets.list"] = "names of the account's secrets",
  ["secrets.create"] = "makes a secret",
  ["secrets.update"] = "changes its description",
  ["secrets.delete"] = "deletes it",
  ["git.identity"] = "who the account is to its git host",
  ["git.organizations"] = "organisations there",
  ["git.installations"] = "installations of the git host's app",
  ["git.repositories"] = "repositories in reach",
  ["git.branches"] = "branches of a repository; `query` may be empty, but is needed",
  ["git.suggested_tasks"] = "what could be done next, as the service sees it",
  models = "models that can be chosen",
  providers = "providers of models",
  available_skills = "skills that can be used",
  marketplace_skills = "what marketplaces of skills offer; the list of marketplaces is sent as it is",
  ["secrets.set_git_providers"] = "connects git hosts by tokens",
  ["secrets.delete_git_providers"] = "disconnects them",
  web_client_config = "how the service is set up, for its web page; no key is sent",
  ["shared.get"] = "public conversations by their ids; no key is sent",
  ["shared.events"] = "their events",
  ["shared.event_count"] = "how many events there are",
  ["shared.event_batch"] = "events by their ids",
  ["shared.event"] = "one event",
  ["device.authorize"] = "begins a login in the browser; no key is sent",
  ["device.token"] = "asks whether that login is done",
  alive = "whether the server answers",
  health = "whether it is well",
  ready = "whether it takes calls",
  server_info = "its version",
  info = "the conversation as the agent server has it",
  get = "conversations of the sandbox by their ids",
  final_response = "the agent's last answer",
  run = "lets the agent go on",
  pause = "stops the agent after its present step",
  interrupt = "stops the agent at once",
  confirm = "answers a question for permission",
  set_secrets = "gives the agent secrets",
  ask = "asks the agent something beside its work",
  condense = "makes the agent shorten its memory",
  execute = "runs a command and waits for its end",
  start_command = "starts a command (`agent:bash` follows it)",
  command_events = "output of commands",
  stop_command = "ends a command that runs",
  archive = "makes a file of a directory: a patch, or all of it (`agent:archive(path, target)`)",
  create_directory = "makes a directory",
  commits = "commits of a repository, newest first",
  commit_changes = "files that a commit has changed",
  set_confirmation_policy = "says when the agent has to ask before it acts",
  set_security_analyzer = "says who judges the risk of what the agent does",
  switch_llm = "goes on with another model",
  fork = "makes a conversation of its own of what has happened so far",
  ["runtime.info"] = "how the conversation's own runtime is",
}

local titles = { v0 = "V0", v1 = "V1", agent = "agent server" }
local dialects = { "v0", "v1", "agent" }

-- Operations in the order of the table, each with its rows by dialect.
local function collect(of_agent)
  local names, rows = {}, {}
  for _, row in ipairs(core.operations()) do
    if (row.api == "agent") == of_agent then
      if not rows[row.name] then
        rows[row.name] = {}
        names[#names + 1] = row.name
      end
      rows[row.name][row.api] = row
    end
  end
  table.sort(names, function(one, other)
    local grouped, other_grouped = one:find(".", 1, true) ~= nil, other:find(".", 1, true) ~= nil
    if grouped ~= other_grouped then
      return not grouped
    end
    return ascii.is_before(one, other)
  end)
  return names, rows
end

local function purpose(name)
  local plain = name:gsub("^runtime%.", "")
  return purposes[name] or purposes[plain] or error("tools/reference.lua says nothing of the operation " .. name)
end

-- Fields of all rows of an operation, each with the dialects that have it.
local function fields_of(rows)
  local list, by_name = {}, {}
  for _, api in ipairs(dialects) do
    for _, field in ipairs(rows[api] and rows[api].fields or {}) do
      local known = by_name[field.name]
      if not known then
        known = { name = field.name, type = field.type, required = field.required, apis = {} }
        by_name[field.name] = known
        list[#list + 1] = known
      end
      known.apis[api] = true
      known.required = known.required or field.required
    end
  end
  return list
end

local function count(set)
  local number = 0
  for _ in pairs(set) do
    number = number + 1
  end
  return number
end

-- " (V1)" for a field that not every dialect of the operation has.
local function restriction(field, rows)
  if count(field.apis) == count(rows) then
    return ""
  end
  for _, api in ipairs(dialects) do
    if field.apis[api] then
      return (" (%s)"):format(titles[api])
    end
  end
end

-- ---- the table ---------------------------------------------------------------------------------------------------

local function field_words(rows)
  local words = {}
  for _, field in ipairs(fields_of(rows)) do
    local name = field.required and ("**`%s`**"):format(field.name) or ("`%s`"):format(field.name)
    words[#words + 1] = name .. restriction(field, rows)
  end
  return table.concat(words, ", ")
end

local function route(row)
  return row and ("`%s %s`"):format(row.method, row.path) or "–"
end

function M.table()
  local lines = {
    "# Operations",
    "",
    "<!-- Written by `make reference` from the core's table of operations. -->",
    "",
    "Every call that is one request, with the dialects that have it. What a dialect has not comes back as an error of",
    "kind `unsupported`. Fields in bold are needed (of two spellings, one). What a call is about comes first, then its",
    "fields, then options; the first needed field may stand alone: `openhands.file(id, \"README.md\")`. A name with a",
    "dot is in a group: `openhands.secrets.list{}`, `client.secrets:list{}`.",
    "",
    "| call | does | V0 | V1 | fields |",
    "|---|---|---|---|---|",
  }
  local names, rows = collect(false)
  for _, name in ipairs(names) do
    lines[#lines + 1] = ("| `%s` | %s | %s | %s | %s |"):format(name, purpose(name), route(rows[name].v0),
      route(rows[name].v1), field_words(rows[name]))
  end
  local more = {
    "",
    "## The agent server",
    "",
    "`conversation:agent()` speaks to the sandbox of a V1 conversation itself. The conversation's id is filled in.",
    "",
    "| call | does | request | fields |",
    "|---|---|---|---|",
  }
  for _, line in ipairs(more) do
    lines[#lines + 1] = line
  end
  names, rows = collect(true)
  for _, name in ipairs(names) do
    lines[#lines + 1] = ("| `%s` | %s | %s | %s |"):format(name, purpose(name), route(rows[name].agent),
      field_words(rows[name]))
  end
  return table.concat(lines, "\n") .. "\n"
end

-- ---- types -------------------------------------------------------------------------------------------------------

local types = {
  ["a UUID or a list of at most 99"] = "string|string[]",
  ["a name or a list of at most 99"] = "string|string[]",
  ["an integer"] = "integer",
  ["a boolean"] = "boolean",
  ["a list of strings"] = "string[]",
  ["a list of integers"] = "integer[]",
  ["a table from string to string"] = "table<string, string>",
  ["a table from file name to contents"] = "table<string, string>",
  ["a table with string keys"] = "table",
  ["a list"] = "table[]",
  ["a string or a message table"] = "string|table",
  ["a string or a list of content blocks"] = "string|table[]",
}

local shapes = {
  page = "openhands.Pages",
  integer = "integer?",
  ["boolean or nothing"] = "boolean?",
  text = "string?",
  texts = "string[]?",
  bytes = "string?",
  any = "any",
  file = "{ path: string, bytes: number }?",
  list = "table[]?",
  stream = "table[]?",
}

local inner = { start = true, start_streaming = true, status = true }

-- Composed calls take the place of these rows, or give more than the row says; types.lua has them.
local composed = {
  update = true,
  delete = true,
  stop = true,
  start_again = true,
  list = true,
  events = true,
  file = true,
  download = true,
  download_workspace = true,
}

local agent_composed = {
  events = true,
  upload = true,
  download = true,
  archive = true,
  download_trajectory = true,
  set_confirmation_policy = true,
}

local function add(lines, format, ...)
  lines[#lines + 1] = format:format(...)
end

local function lua_type(field)
  return types[field.type] or "string"
end

-- The fields that a user gives in a table: without the subject of the call.
-- A name that is a word of the annotations' own stands in brackets.
local function field_name(name)
  return name == "public" and '["public"]' or name
end

local function add_fields(lines, class, name, rows, subject)
  local fields = {}
  for _, field in ipairs(fields_of(rows)) do
    fields[#fields + 1] = field.name ~= subject and field or nil
  end
  if #fields == 0 then
    return nil
  end
  add(lines, "")
  add(lines, "--- Fields of `%s`: %s", name, purpose(name))
  add(lines, "---@class %s", class)
  for _, field in ipairs(fields) do
    add(lines, "---@field %s%s %s%s", field_name(field.name), field.required and "" or "?", lua_type(field),
      restriction(field, rows))
  end
  return fields
end

local function subject_parameter(operation)
  if not operation.subject then
    return nil
  elseif operation.subject == "conversation_id" then
    return operation.is_batch and "conversations: string|(string|openhands.Conversation)[]"
      or "conversation: string|openhands.Conversation"
  end
  return ("%s: %s"):format(operation.subject, operation.is_batch and "string|string[]"
    or operation.subject == "key_id" and "integer" or "string")
end

local function fields_parameter(operation, class, fields)
  if not fields then
    return nil
  end
  if operation.whole then
    return operation.whole .. ": table"
  end
  local needed, lone = false, nil
  for _, field in ipairs(fields) do
    needed = needed or field.required
    lone = field.name == operation.lone and lua_type(field) or lone
  end
  return ("fields: %s%s%s"):format(class, lone and "|" .. lone or "", needed and "" or "|nil")
end

-- Parameters after `self`, and whether the first is a conversation.
local function parameters(operation, class, fields)
  local list = {}
  list[#list + 1] = subject_parameter(operation)
  list[#list + 1] = fields_parameter(operation, class, fields)
  list[#list + 1] = "options: openhands.Settings|nil"
  return list
end

local function result_of(operation)
  if operation.shape == "page" then
    return "openhands.Pages"
  elseif operation.is_batch or operation.items then
    return "table<string, table>?, openhands.Error?"
  end
  return (shapes[operation.shape] or "table?") .. ", openhands.Error?"
end

local function signature(self_type, list, first, result)
  local words = { self_type and "self: " .. self_type or nil }
  for i = first, #list do
    words[#words + 1] = list[i]
  end
  return ("fun(%s): %s"):format(table.concat(words, ", "), result)
end

-- Adds a call to the classes of a client (or group) and of the module, and to conversations if it is about one.
local function add_call(classes, name, operation, class, fields)
  local group, leaf = name:match "^([%w_]+)%.([%w_]+)$"
  local list, result = parameters(operation, class, fields), result_of(operation)
  local client = group and "openhands.Client." .. group or "openhands.Client"
  local module = group and "openhands." .. group or "openhands"
  local function put(owner, text)
    if not classes[owner] then
      classes[owner] = {}
      classes[#classes + 1] = owner
    end
    table.insert(classes[owner], ("---@field %s %s"):format(leaf or name, text))
  end
  put(client, signature(client, list, 1, result))
  put(module, signature(nil, list, 1, result))
  if operation.subject == "conversation_id" and not operation.is_batch and not group then
    put("openhands.Conversation", signature("openhands.Conversation", list, 2, result))
  end
end

local function add_groups(lines)
  local seen, names = {}, {}
  for _, row in ipairs(core.operations()) do
    local group = row.name:match "^([%w_]+)%."
    if group and row.api ~= "agent" and not seen[group] then
      seen[group], names[#names + 1] = true, group
    end
  end
  table.sort(names, ascii.is_before)
  for _, owner in ipairs { "openhands.Client", "openhands" } do
    add(lines, "")
    add(lines, "---@class (partial) %s", owner)
    for _, group in ipairs(names) do
      add(lines, "---@field %s %s.%s", group, owner, group)
    end
  end
end

function M.types()
  local operations = require "openhands.api.rows"
  local lines, classes = {
    "---@meta",
    "--- Types of the calls that are one request each, for editors. Written by `make reference` from the core's table;",
    "--- the calls that are composed of several are in types.lua.",
  }, {}
  local all = operations.all(false)
  local names, rows = collect(false)
  for _, name in ipairs(names) do
    if not inner[name] then
      local class = ("openhands.%s.Fields"):format(name)
      local fields = add_fields(lines, class, name, rows[name], all[name].subject)
      if not composed[name] then
        add_call(classes, name, all[name], class, fields)
      end
    end
  end
  for _, owner in ipairs(classes) do
    add(lines, "")
    add(lines, "---@class (partial) %s", owner)
    for _, line in ipairs(classes[owner]) do
      add(lines, "%s", line)
    end
  end
  add_groups(lines)
  names, rows = collect(true)
  local agents = require("openhands.api.agent").operations
  local methods = {}
  for _, name in ipairs(names) do
    if not name:find "^runtime%." then -- these are reached by the calls of the same name
      local class = ("openhands.agent.%s.Fields"):format(name)
      local fields = add_fields(lines, class, name, rows[name], agents[name].subject or "conversation_id")
      local list = parameters(agents[name], class, fields)
      methods[#methods + 1] = not agent_composed[name] and ("---@field %s %s"):format(name,
        signature("openhands.Agent", list, 1, result_of(agents[name]))) or nil
    end
  end
  add(lines, "")
  add(lines, "---@class (partial) openhands.Agent")
  for _, line in ipairs(methods) do
    add(lines, "%s", line)
  end
  return table.concat(lines, "\n") .. "\n"
end

if arg and arg[0] and arg[0]:find("reference%.lua$") then
  io.write(M[arg[1]]())
end

return M
