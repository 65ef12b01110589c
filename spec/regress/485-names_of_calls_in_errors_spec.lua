-- Errors of calls that consist of several requests named one of these requests, which the user had not called:
-- `agent:bash` failed with "start_command: …", a wait with "status: …", a streaming start with "start_streaming: …".

local in_process = require "spec.support.in_process"

local ID = "5618fbb4-8b6c-4d2e-9f0a-1b2c3d4e5f60"
local UP = ('{"id":"%s","sandbox_id":"s","sandbox_status":"RUNNING","execution_status":"running",'
  .. '"conversation_url":"https://sandbox.example/api/conversations/%s","session_api_key":"session-key-0123456789"}')
  :format(ID, ID)

-- Returns the error of a call to a service that refuses the requests whose method and path match a pattern. It answers
-- all others as `answers` says, by a pattern of their paths; else it gives the conversation, which is up.
local function error_of(call, refused, answers)
  local client = in_process.scripted(function(request)
    local words = request.method .. " " .. request.path
    if words:find(refused) then
      return in_process.json('{"detail":"no"}', 403)
    end
    for pattern, body in pairs(answers or {}) do
      if words:find(pattern) then
        return in_process.json(body)
      end
    end
    return in_process.json(request.path:find "search" and '{"items":[]}' or "[" .. UP .. "]")
  end, { api = "v1", retries = 0 })
  local value, err = call(client)
  assert.is_nil(value)
  return err
end

local function assert_named(name, err)
  assert.equal(name, err.operation)
  assert.equal(name .. ":", err.message:match "^[^ ]+")
  assert.equal(ID, err.conversation_id)
end

local bash = {
  ["start_bash_command$"] = '{"id":"7"}',
  ["server_info$"] = "{}",
}

local function page_of_bash(client)
  local output, err = client:agent(ID):bash "ls"
  if not output then
    return nil, err
  end
  return output:page()
end

local calls = {
  { "bash", page_of_bash, "start_bash_command" },
  { "bash", page_of_bash, "bash_events", bash },
  { "bash", page_of_bash, "GET /api/v1/app%-conversations" },
  { "command_events", function(client) return client:agent(ID).runtime:command_events():page() end, "bash_events" },
  { "start", function(client) return client:start { initial_user_msg = "x", conversation_id = ID } end, "." },
  { "start", function(client)
    return client:start({ initial_user_msg = "x", conversation_id = ID }, { stream = true })
  end, "POST", { ["GET /api/v1/app%-conversations$"] = "[null]", ["start%-tasks$"] = "[null]" } },
  { "status", function(client) return client:status(ID) end, "start%-tasks", {
    ["GET /api/v1/app%-conversations$"] = "[null]" } },
  { "wait", function(client) return client:wait(ID) end, "." },
  { "wait_any", function(client) return client:wait_any { ID } end, "." },
  { "events", function(client) return client:events(ID, { after = "x" }):page() end, "." },
  { "events", function(client) return client:events(ID):page() end, "GET /api/v1/app%-conversations" },
  { "events", function(client) return client:events(ID, { follow = true }):page() end,
    "GET /api/v1/app%-conversations" },
  { "update", function(client) return client:update(ID, { title = "x" }) end, "nothing", { PATCH = '{"id":"other"}' } },
  -- "send", because the conversation is up, and only the message failed.
  { "send", function(client) return client:resume(ID, { send = "x" }) end, "message",
    { ["/resume$"] = '{"success":true}' } },
}

describe("the error of a call of several requests", function()
  for place, row in ipairs(calls) do
    it(("names the call: %s (%d)"):format(row[1], place), function()
      assert_named(row[1], error_of(row[2], row[3], row[4]))
    end)
  end

  it("names `start_again` on V0", function()
    local client = in_process.scripted(function()
      return in_process.json(('{"conversation_id":"%s"}'):format("not an id"))
    end, { api = "v0", retries = 0 })
    local _, err = client:start_again(ID)
    assert_named("start_again", err)
  end)

  it("names `bash` where the caller has made a mistake", function()
    local agent = in_process.scripted(function() error "nothing is sent" end, { api = "v1" }):agent(ID)
    for _, run in ipairs {
      function() agent:bash() end,
      function() agent:bash(7) end,
      function() agent:bash { command = "ls", nosuch = 1 } end,
      function() agent:bash("ls", { nosuch = 1 }) end,
    } do
      local _, message = pcall(run)
      assert.matches("openhands.bash: ", message)
    end
  end)
end)
