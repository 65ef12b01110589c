--- An example call for each row of the table of operations, and a service on which each of these calls succeeds.

local core = require "openhands.core"
local in_process = require "spec.support.in_process"
local files = require "spec.support.files"
local assert = require "luassert"
local unpack = table.unpack or unpack -- luacheck: ignore 143

local M = {}

--- The rows of the table, by name and dialect, and the names in order: of the service, and of the agent server.
M.rows, M.names, M.agent_rows, M.agent_names = {}, {}, {}, {}

for _, row in ipairs(core.operations()) do
  local rows, names = M.rows, M.names
  if row.api == "agent" then
    rows, names = M.agent_rows, M.agent_names
  end
  if not rows[row.name] then
    rows[row.name] = {}
    names[#names + 1] = row.name
  end
  rows[row.name][row.api] = row
end

-- ---- a service on which every call can succeed -------------------------------------------------------------------

-- What has to exist before a call, besides the running conversation that always exists.
local needs = {
  ["start_again"] = function(at) assert(at.client:stop(at.id)) end,
  queue_message = function(at) -- possible only while a conversation starts
    at.conversation = assert(at.client:start { initial_user_msg = "Fix it." })
    at.id = at.conversation.conversation_id
  end,
  ["secrets.update"] = function(at) assert(at.client.secrets:create { name = "TOKEN", value = "v" }) end,
  ["profiles.get"] = function(at) assert(at.client.profiles:save("fast", { llm = { model = "m" } })) end,
  ["shared.get"] = function(at) assert(at.client:update(at.id, { public = true })) end,
  ["settings.get"] = function(at) assert(at.client.settings:update { language = "en" }) end,
  ["keys.delete"] = function(at) at.key_id = assert(at.client.keys:create { name = "old" }).id end,
  ["device.token"] = function(at)
    at.device_code = assert(at.client.device:authorize()).device_code
    at.model:advance(20)
  end,
}
for name in ("secrets.list secrets.delete sandboxes.secret"):gmatch "%S+" do
  needs[name] = needs["secrets.update"]
end
for name in ("profiles.list profiles.delete profiles.activate profiles.rename"):gmatch "%S+" do
  needs[name] = needs["profiles.get"]
end
for name in ("shared.events shared.event_count shared.event_batch shared.event"):gmatch "%S+" do
  needs[name] = needs["shared.get"]
end

--- Makes a client, the model of its service, a running conversation, and everything else that the call needs.
---@param api "v0"|"v1"
---@param name string of the call
---@param settings table? of the client
---@return table at argument of an example: `client`, `model`, `transport`, `api`, `conversation`, its `id`, its first
--- `event_id`, `target` (path of a file that does not exist yet); `sent`: number of requests so far
function M.service(api, name, settings)
  local client, model, transport = in_process.simulated({ api = api }, settings)
  local at = { client = client, model = model, transport = transport, api = api, target = os.tmpname() }
  os.remove(at.target)
  at.id = assert(client:start { initial_user_msg = "Fix it.", repository = "acme/widgets" }).conversation_id
  model:advance(25)
  at.conversation = assert(client:status(at.id))
  at.event_id = api == "v1" and assert(client:events(at.id):page())[1].id or nil
  if needs[name] and M.rows[name] and M.rows[name][api] then
    needs[name](at)
  end
  at.sent = #model.requests
  return at
end

-- ---- how each is called ------------------------------------------------------------------------------------------

local function about(...)
  local rest = { ... }
  return function(at)
    return { at.conversation, unpack(rest) }
  end
end

local function with(...)
  local all = { ... }
  return function()
    return all
  end
end

local PLAN = "PLAN.md"
local PROJECT = "/workspace/project"

-- The arguments after the receiver, by name of the row.
local examples = {
  start = with { initial_user_msg = "x" },
  start_streaming = with { initial_user_msg = "x", stream = true },
  status = about(),
  list = with {},
  count = with(),
  update = about { title = "Docs" },
  delete = about(),
  stop = about(),
  start_again = about(),
  send = about "Go on.",
  queue_message = about "Go on.",
  switch_profile = about "fast",
  switch_model = about "claude",
  add_event = about { action = "message", args = { content = "Go on." } },
  events = about { limit = 2 },
  event_count = about(),
  event_batch = function(at)
    return { at.conversation, { at.event_id or "1" } }
  end,
  trajectory = about(),
  files = about(),
  file = function(at)
    return { at.conversation, at.api == "v1" and PROJECT .. "/" .. PLAN or PLAN }
  end,
  changes = function(at)
    return { at.conversation, at.api == "v1" and PROJECT or nil }
  end,
  diff = about(PROJECT .. "/README.md"),
  upload = about { ["notes.txt"] = "a\0b" },
  download = function(at)
    return { at.conversation, at.target }
  end,
  configuration = about(),
  vscode_url = about(),
  web_hosts = about(),
  skills = about(),
  hooks = about(),
  web_client_config = with(),
  alive = with(),
  health = with(),
  ready = with(),
  server_info = with(),
  marketplace_skills = with { { name = "default", source = "github:OpenHands/extensions" } },
  ["secrets.set_git_providers"] = with { provider_tokens = { github = { token = "t" } } },
  ["secrets.delete_git_providers"] = with(),
  ["start_tasks.get"] = function(at)
    return { at.conversation.start_task_id or "c2a9e8b7d6f5443c92b1a0f9e8d7c6b5" }
  end,
  ["start_tasks.list"] = with {},
  ["start_tasks.count"] = with(),
  ["sandboxes.get"] = function(at)
    return { at.conversation.sandbox_id or "sandbox" }
  end,
  ["sandboxes.list"] = with(),
  ["sandboxes.start"] = with(),
  ["sandboxes.secrets"] = function(at)
    return { at.conversation.sandbox_id or "sandbox", at.conversation.session_api_key or "session-key" }
  end,
  ["sandboxes.secret"] = function(at)
    local fields = { name = "TOKEN", session_api_key = at.conversation.session_api_key or "session-key" }
    return { at.conversation.sandbox_id or "sandbox", fields }
  end,
  ["sandbox_specs.list"] = with(),
  ["sandbox_specs.get"] = with "ghcr.io/openhands/agent-server:simulated",
  me = with(),
  credits = with(),
  quota = with(),
  ["keys.list"] = with(),
  ["keys.current"] = with(),
  ["keys.llm"] = with(),
  ["keys.create"] = with { name = "ci" },
  ["keys.delete"] = function(at)
    return { at.key_id or 1 }
  end,
  ["settings.get"] = with(),
  ["settings.update"] = with { language = "en" },
  ["profiles.list"] = with(),
  ["profiles.save"] = with("fast", { llm = { model = "m" } }),
  ["profiles.rename"] = with("fast", "faster"),
  ["secrets.list"] = with(),
  ["secrets.create"] = with { name = "NEW", value = "v" },
  ["secrets.update"] = with("TOKEN", { description = "d" }),
  ["secrets.delete"] = with "TOKEN",
  ["git.identity"] = with(),
  ["git.organizations"] = with(),
  ["git.installations"] = with "github",
  ["git.repositories"] = with { provider = "github" },
  ["git.branches"] = with { provider = "github", repository = "acme/widgets", query = "" },
  ["git.suggested_tasks"] = with(),
  models = with(),
  providers = with(),
  available_skills = with(),
  ["shared.get"] = function(at)
    return { { at.id } }
  end,
  ["shared.events"] = about(),
  ["shared.event_count"] = about(),
  ["shared.event_batch"] = function(at)
    return { at.conversation, { at.event_id or "1" } }
  end,
  ["shared.event"] = function(at)
    return { at.conversation, at.event_id or "1" }
  end,
  ["device.authorize"] = with(),
  ["device.token"] = function(at)
    return { at.device_code or "made-up" }
  end,
}
examples.download_workspace = examples.download
for _, leaf in ipairs { "get", "delete", "activate" } do
  examples["profiles." .. leaf] = with "fast"
end
for _, leaf in ipairs { "pause", "resume", "delete" } do
  examples["sandboxes." .. leaf] = examples["sandboxes.get"]
end
--- Rows that users call by another name.
M.public_names = { start_streaming = "start" }

local agent_examples = {
  alive = with(),
  health = with(),
  ready = with(),
  server_info = with(),
  info = with(),
  get = function(at)
    return { { at.id } }
  end,
  list = with(),
  count = with(),
  update = with "Docs",
  delete = with(),
  final_response = with(),
  send = with "Go on.",
  run = with(),
  pause = with(),
  interrupt = with(),
  confirm = with { accept = true },
  set_secrets = with { TOKEN = "t" },
  ask = with "Why?",
  condense = with(),
  events = with { limit = 2 },
  event_count = with(),
  event = function(at)
    return { at.event_id }
  end,
  execute = with "echo hello",
  start_command = with "echo hello",
  command_events = with {},
  upload = with("/workspace/project/notes.txt", "a\0b"),
  download = function(at)
    return { PROJECT .. "/" .. PLAN, at.target }
  end,
  download_trajectory = function(at)
    return { at.target }
  end,
  changes = with(PROJECT),
  diff = with(PROJECT .. "/README.md"),
  stop_command = function(at)
    return { at.command_id }
  end,
  archive = function(at)
    return { PROJECT, at.target }
  end,
  create_directory = with(PROJECT .. "/notes"),
  commits = with(PROJECT),
  commit_changes = with("0123456", { path = PROJECT }),
  set_confirmation_policy = with { kind = "AlwaysConfirm" },
  set_security_analyzer = with { kind = "LLMSecurityAnalyzer" },
  switch_llm = with { model = "local-model" },
  switch_profile = with "fast",
  switch_model = with "claude",
  fork = with { title = "Another way" },
  ["runtime.info"] = with(),
}
for name in ("execute start_command stop_command command_events upload download archive create_directory "
  .. "download_trajectory changes diff commits commit_changes"):gmatch "%S+" do
  agent_examples["runtime." .. name] = agent_examples[name]
end

local agent_needs = {
  stop_command = function(at)
    assert(at.agent:bash("sleep 60"):page())
    for output in at.agent:command_events { kind__eq = "BashOutput" } do at.command_id = output.command_id end
  end,
  run = function(at) at.model:advance(60) end,
  command_events = function(at) assert(at.client:agent(at.id):execute "echo hello") end,
}
agent_needs.confirm = agent_needs.run
for name in ("command_events stop_command"):gmatch "%S+" do agent_needs["runtime." .. name] = agent_needs[name] end

M.examples, M.agent_examples = examples, agent_examples

--- Makes a service for a call to the agent server.
---@param name string of the call
---@param settings table? of the client
---@return table at as of `service`, with `agent`
function M.sandbox(name, settings)
  local at = M.service("v1", "agent", settings)
  at.agent = at.client:agent(at.id)
  if agent_needs[name] then
    agent_needs[name](at)
  end
  at.sent = #at.model.requests
  return at
end

--- Makes the call of a row by a client, the module or the agent object.
---@param receiver table
---@param name string
---@param arguments any[]
---@return any value, openhands.Error?
function M.call(receiver, name, arguments)
  local group, leaf = name:match "^([^.]+)%.([^.]+)$"
  if group then
    return receiver[group][leaf](receiver[group], unpack(arguments))
  end
  name = M.public_names[name] or name
  return receiver[name](receiver, unpack(arguments))
end

--- Returns the result of a call; of a collection, its first page.
---@return any value, openhands.Error?
function M.outcome(value, err)
  if value ~= nil and type(value) == "table" and getmetatable(value) and value.page then
    return value:page()
  end
  return value, err
end

-- ---- what each returns -------------------------------------------------------------------------------------------

local function is_list(value)
  local count = 0
  for _ in pairs(value) do
    count = count + 1
  end
  return count == #value
end

local function assert_list(value)
  assert.is_true(type(value) == "table" and is_list(value))
end

local shapes = {
  object = function(value)
    assert.is_true(type(value) == "table" and (next(value) == nil or not is_list(value)))
  end,
  list = assert_list,
  page = function(pages)
    local items, err = pages:page()
    assert.is_nil(err)
    assert_list(items)
    assert.is_true(#items > 0)
  end,
  texts = function(value)
    assert_list(value)
    assert.equal("string", type(value[1]))
  end,
  text = function(value)
    assert.is_true(type(value) == "string" and value ~= "")
  end,
  integer = function(value)
    assert.is_true(type(value) == "number" and value == math.floor(value))
  end,
  any = function(value)
    assert.is_not_nil(value)
  end,
  file = function(value, at)
    assert.equal(at.target, value.path)
    assert.equal(value.bytes, #files.read(at.target))
  end,
}
shapes.bytes, shapes["object_or_null"] = shapes.text, shapes.object
shapes["object_or_nothing"], shapes["boolean_or_nothing"] = shapes.object, shapes.any

--- Checks for the value of a call, by the shape of its row.
M.shapes = shapes

return M
