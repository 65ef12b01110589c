--- Checks the library on an app server (V1) with its sandboxes, starting from a fresh account.
--   app.lua ADDRESS MODEL_ADDRESS
local openhands = require "openhands"
local checks = require "spec.real.checks"
local must, same, holds = checks.must, checks.same, checks.holds

local address, model_address = arg[1], arg[2]
local TURN_TIMEOUT = 300 -- seconds for a turn, with the start of its sandbox
local PROMPT_TURN = 12 -- seconds in which wait must return after a turn that ends at once

local client = openhands.new { base_url = address, api_key = "any", timeout = 120 }
local V1 = checks.new "app"
local id = openhands.uuid()
local started, done, directory

local function check(what, try)
  V1:check(what, try)
end

local function wait(subject, options)
  options = options or {}
  options.timeout = options.timeout or TURN_TIMEOUT
  return must(client:wait(subject, options))
end

check("a fresh server is V1", function()
  same(0, must(client:count()), "conversations")
  must(client:me())
end)

check("settings.update changes them", function()
  must(client.settings:update {
    agent_settings_diff = { llm = { model = "openai/stub", base_url = model_address, api_key = "stub" } },
  })
  same("openai/stub", must(client.settings:get()).agent_settings.llm.model, "model")
end)

check("settings.update{settings={...}} does so, too", function()
  must(client.settings:update { settings = { language = "fr" } })
  same("fr", must(client.settings:get()).language, "language")
end)

check("start", function()
  started = must(client:start {
    conversation_id = id,
    initial_user_msg = "Make a file. [run echo hello > README.md] [sleep 2]",
  })
  same("starting", started.state, "state")
  same(id, started.conversation_id, "id")
  same("v1", started.api, "api")
end)

check("a message before it is ready", function()
  must(client:queue_message(started, "And this was queued."))
end)

check("wait", function()
  done = wait(started)
  same("finished", done.state, "state")
  same(id, done.conversation_id, "id, as it was given")
  holds(done.answer, "Done: Make a file", "answer")
end)

-- Read from the agent server: the app server has the last events half a minute later.
check("the queued message arrived", function()
  for event in done:agent():events { kind = "MessageEvent", follow = true, timeout = TURN_TIMEOUT } do
    local message = event.llm_message
    if event.source == "user" and message and message.content[1].text == "And this was queued." then
      return
    end
  end
  error "no event contains it"
end)

check("answer", function()
  holds(must(done:fetch_answer()), "Done:", "answer")
end)

check("events", function()
  local kinds, count = {}, 0
  for event in client:events(done) do
    kinds[event.kind], count = true, count + 1
  end
  same(true, kinds.MessageEvent and kinds.ActionEvent and kinds.ObservationEvent, "kinds")
  same(count, must(client:event_count(done)), "events")
  return count .. " events"
end)

check("events of one kind", function()
  local list = must(client:events(done, { kind__eq = "MessageEvent" }):all())
  same(true, #list >= 1, "some")
  for _, event in ipairs(list) do
    same("MessageEvent", event.kind, "kind")
  end
end)

check("execute in the sandbox", function()
  local output = must(done:agent():execute "pwd")
  same(0, output.exit_code, "exit code")
  directory = output.stdout:match "^(/[^\n]*)"
end)

check("file by its whole path", function()
  same("hello\n", must(client:file(done, directory .. "/README.md")), "contents")
end)

check("file by a path from the workspace", function()
  local text, err = client:file(done, "README.md")
  if text ~= nil then
    same("hello\n", text, "contents")
  else
    same("invalid", err.kind, "kind")
    return tostring(err)
  end
end)

check("changes and diff", function()
  local found
  for _, change in ipairs(must(client:changes(done, directory))) do
    found = found or change.path == "README.md"
  end
  same(true, found, "README.md among the changes")
  holds(must(client:diff(done, directory .. "/README.md")).modified, "hello", "diff")
end)

check("the agent server's own events, of one kind", function()
  local list = must(done:agent():events({ kind = "MessageEvent" }):all())
  same(true, #list >= 1, "some")
end)

check("the agent server: info, final response, count", function()
  local agent = done:agent()
  same("finished", must(agent:info()).execution_status, "status")
  holds(must(agent:final_response()).response, "Done:", "response")
  same(true, must(agent:event_count()) > 5, "events")
end)

local function check_prompt_turn(what, message, answer)
  check(what, function()
    must(done:send(message))
    local began = os.time()
    local after = wait(done)
    same("finished", after.state, "state")
    holds(after.answer, answer, "answer")
    local seconds = os.time() - began
    if seconds > PROMPT_TURN then
      error(("took %d s"):format(seconds))
    end
    return seconds .. " s"
  end)
end

check_prompt_turn("the result of a second turn is returned soon", "Go on. [sleep 1]", "Done: Go on.")
check_prompt_turn("a third turn that the agent ends at once", "[say Only words.]", "Only words.")

check("pause after the end", function()
  must(client:pause(done))
  local after = wait(done)
  same("finished", after.state, "state")
  same("PAUSED", after.sandbox_status, "sandbox_status")
  holds(after.answer, "Only words.", "answer")
end)

check("a paused conversation refuses a message", function()
  local answer, err = client:send(done, "Hello?")
  same(nil, answer, "answer")
  same("conflict", err.kind, "kind")
end)

check("resume with a message, wait again", function()
  must(client:resume(done, { send = "Once more." }))
  local after = wait(done)
  same("finished", after.state, "state")
  holds(after.answer, "Done: Once more.", "answer")
end)

check("update, list", function()
  must(client:update(done, { title = "The title of the checks" }))
  for each in client:list { title__contains = "of the checks" } do
    if each.conversation_id:gsub("-", "") == id:gsub("-", "") then
      return
    end
  end
  error "it is not listed under its title"
end)

check("another client sees it as finished", function()
  local other = openhands.new { base_url = address, api_key = "any" }
  local seen = must(other:status(id))
  other:close()
  same("finished", seen.state, "state")
  same(id, seen.conversation_id, "id, as it was given")
end)

check("get returns conversations by the ids that it was given", function()
  same("finished", must(client:get { id })[id].state, "state")
end)

check("download", function()
  local path = os.tmpname()
  local file = must(client:download(done, path))
  local handle = assert(io.open(path, "rb"))
  local head = handle:read(2)
  handle:close()
  os.remove(path)
  same("PK", head, "the first bytes")
  return file.bytes .. " bytes"
end)

check("secrets", function()
  must(client.secrets:create { name = "CHECKS", value = "of no value" })
  local found
  for each in client.secrets:list() do
    found = found or each.name == "CHECKS"
  end
  same(true, found, "listed")
  must(client.secrets:delete "CHECKS")
end)

check("health checks and configuration, without a key", function()
  local keyless = openhands.new { base_url = arg[1], api = "v1", api_key = function() error "must not be called" end }
  for _, name in ipairs { "alive", "health", "ready", "server_info" } do
    must(keyless[name](keyless))
  end
  local mode = must(keyless:web_client_config()).app_mode
  keyless:close()
  return mode
end)

check("git hosts are disconnected, and no marketplace has skills", function()
  must(client.secrets:delete_git_providers())
  must(client:marketplace_skills {})
end)

check("profiles", function()
  must(client.profiles:save("checks", { llm = { model = "openai/stub" } }))
  must(client.profiles:get "checks")
  must(client.profiles:rename("checks", "renamed"))
  must(client.profiles:delete "renamed")
end)

local readings = {
  ["sandboxes.list"] = function() return client.sandboxes:list():all() end,
  ["sandbox_specs.list"] = function() return client.sandbox_specs:list():all() end,
  ["start_tasks.list"] = function() return client.start_tasks:list():all() end,
  ["start_tasks.count"] = function() return client.start_tasks:count() end,
  ["skills"] = function() return client:skills(done) end,
  ["hooks"] = function() return client:hooks(done) end,
  ["models"] = function() return client:models():page() end,
  ["providers"] = function() return client:providers():page() end,
  ["profiles.list"] = function() return client.profiles:list() end,
  ["event_batch"] = function()
    local event = client:events(done):next()
    return client:event_batch(done, { event.id })
  end,
}

for name, read in pairs(readings) do
  check("reading: " .. name, function()
    must(read())
  end)
end

-- Only the cloud has these.
for name, call in pairs {
  files = function() return client:files(done) end,
  credits = function() return client:credits() end,
  ["keys.list"] = function() return client.keys:list() end,
} do
  check("unsupported by this server: " .. name, function()
    local answer, err = call()
    same(nil, answer, "answer")
    same("unsupported", err.kind, "kind")
  end)
end

check("an unknown conversation", function()
  local answer, err = client:status(openhands.uuid())
  same(nil, answer, "answer")
  same("not_found", err.kind, "kind")
end)

check("a start whose model refuses: failed, and why", function()
  local failed = wait(must(client:start { initial_user_msg = "Fail, please. [refuse]" }))
  same("failed", failed.state, "state")
  -- Some releases also have a text for people.
  local detail = tostring(failed.detail)
  same(true, detail:find("budget is spent", 1, true) ~= nil or detail:find("LLM API key", 1, true) ~= nil, detail)
  client:delete(failed)
  return failed.detail
end)

check("run", function()
  local ran = must(client:run({ initial_user_msg = "Short. [say Hello.]" }, { timeout = TURN_TIMEOUT }))
  same("finished", ran.state, "state")
  holds(ran.answer, "Hello.", "answer")
  must(client:delete(ran))
end)

check("delete", function()
  must(client:delete(done))
  local answer, err = openhands.new({ base_url = address, api_key = "any" }):status(id)
  same(nil, answer, "answer")
  same("not_found", err.kind, "kind")
end)

client:close()
os.exit(V1:close() and 0 or 1, true)
