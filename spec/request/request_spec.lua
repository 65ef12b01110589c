local openhands = require "openhands"
local in_process = require "spec.support.in_process"

local ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"
local KEY = "sk-canary-0123456789"
local ACCOUNT = '{"id":"5a0c1d7e","email":"dev@example.com"}'

-- A service on which every path but users/me answers as V1 and V0 do for an unknown conversation.
local function service(me)
  return function(request)
    if request.path == "/api/v1/users/me" then
      return me
    elseif request.path:find("^/api/v1/") then
      return in_process.json(request.path:find("search") and '{"items":[]}' or "[null]")
    end
    return in_process.json "null"
  end
end

local function paths(requests)
  local list = {}
  for i, request in ipairs(requests) do
    list[i] = request.method .. " " .. request.path
  end
  return list
end

describe("the dialect", function()
  it("is V1 where the account answers, and is asked for once", function()
    local client, requests = in_process.scripted(service(in_process.json(ACCOUNT)))
    client:status(ID)
    client:status(ID)
    local asked = 0
    for _, path in ipairs(paths(requests)) do
      asked = asked + (path == "GET /api/v1/users/me" and 1 or 0)
    end
    assert.equal(1, asked)
    assert.equal("GET /api/v1/app-conversations", paths(requests)[2])
  end)

  local others = {
    ["a web page"] = { status = 200, headers = { { "Content-Type", "text/html" } }, body = "<!doctype html>" },
    ["404"] = in_process.json('{"detail":"Not Found"}', 404),
    ["other JSON"] = in_process.json '{"hello":"world"}',
    ["a list"] = in_process.json "[]",
    ["null"] = in_process.json "null",
    ["405"] = in_process.json('{"detail":"Method Not Allowed"}', 405),
  }
  for name, me in pairs(others) do
    it("is V0 where the account answers " .. name, function()
      local client, requests = in_process.scripted(service(me))
      client:status(ID)
      assert.equal("GET /api/conversations/" .. ID, paths(requests)[2])
    end)
  end

  local undecided = {
    authentication = in_process.json('{"error":"NoCredentialsError"}', 401),
    permission = in_process.json('{"detail":"no"}', 403),
    throttled = in_process.json('{"message":"Too many requests"}', 429),
    server = in_process.json("{}", 502),
    connect = { class = "connect", sent = false },
    timeout = { class = "timeout" },
    tls = { class = "tls", sent = false },
    protocol = in_process.json("", 302),
  }
  for kind, me in pairs(undecided) do
    it("stays open after an error of kind " .. kind, function()
      local answer = me
      local client, requests = in_process.scripted(function(request)
        return service(answer)(request)
      end)
      local conversation, err = client:start { initial_user_msg = "x" }
      assert.is_nil(conversation)
      assert.equal(kind, err.kind)
      for _, path in ipairs(paths(requests)) do
        assert.equal("GET /api/v1/users/me", path) -- nothing was ever posted to see what happens
      end
      answer = in_process.json(ACCOUNT)
      local _, later = client:status(ID)
      assert.equal("not_found", later.kind)
    end)
  end

  it("is as set, without a question", function()
    local client, requests = in_process.scripted(service(in_process.json(ACCOUNT)), { api = "v0" })
    client:status(ID)
    assert.same({ "GET /api/conversations/" .. ID }, paths(requests))
    client:status(ID, { api = "v1" })
    assert.equal("GET /api/v1/app-conversations", paths(requests)[2])
  end)
end)

describe("a read", function()
  it("is tried three times where that may help", function()
    local client, requests = in_process.scripted(function()
      return in_process.json("{}", 500)
    end, { api = "v0" })
    local conversation, err = client:status(ID)
    assert.is_nil(conversation)
    assert.equal("server", err.kind)
    assert.equal(3, #requests)
    client:status(ID, { retries = 0 })
    assert.equal(4, #requests)
  end)

  it("is not tried again where it does not help", function()
    for _, status in ipairs { 400, 401, 403, 404, 302 } do
      local client, requests = in_process.scripted(function()
        return in_process.json("{}", status)
      end, { api = "v0" })
      client:status(ID)
      assert.equal(1, #requests)
    end
  end)

  it("waits as Retry-After says, within the deadline", function()
    local client, requests = in_process.scripted(function(_, count)
      if count == 1 then
        return in_process.json("{}", 429, { { "Retry-After", "7" } })
      end
      return in_process.json "null"
    end, { api = "v0" })
    client:status(ID)
    assert.equal(2, #requests)
    assert.is_true(client:_now() >= 7)
    client, requests = in_process.scripted(function()
      return in_process.json("{}", 429, { { "Retry-After", "7" } })
    end, { api = "v0", deadline = 5 })
    local _, err = client:status(ID)
    assert.equal("throttled", err.kind)
    assert.equal(7, err.retry_after)
    assert.equal(1, #requests)
    assert.equal(0, client:_now())
  end)
end)

describe("the key", function()
  local getenv = os.getenv

  after_each(function()
    os.getenv = getenv -- luacheck: ignore 122
  end)

  local function without_environment(values)
    os.getenv = function(name) -- luacheck: ignore 122
      return values and values[name] or nil
    end
  end

  it("is missing: an error that names the variables, and nothing is sent", function()
    without_environment()
    local requests = 0
    local client = openhands.new {
      transport = {
        request = function()
          requests = requests + 1
          return in_process.json(ACCOUNT)
        end,
      },
    }
    local _, err = client:status(ID)
    assert.equal("authentication", err.kind)
    assert.matches("OPENHANDS_API_KEY or OPENHANDS_CLOUD_API_KEY", tostring(err))
    assert.equal(0, requests)
    openhands.close()
    for _, call in ipairs { "start", "run" } do
      local conversation
      conversation, err = openhands[call] { initial_user_msg = "x" }
      assert.is_nil(conversation)
      assert.equal("authentication", err.kind)
    end
    openhands.close()
  end)

  it("of the environment, when malformed, is an error that does not show it", function()
    without_environment { OPENHANDS_API_KEY = KEY .. "\n" }
    openhands.close()
    local conversation, err = openhands.status(ID)
    assert.is_nil(conversation)
    assert.equal("authentication", err.kind)
    assert.matches("OPENHANDS_API_KEY holds a key that contains a line break", tostring(err))
    assert.is_nil(tostring(err):find(KEY, 1, true))
    openhands.close()
  end)

  it("of the program, when malformed, is raised without showing it", function()
    for _, key in ipairs { "", KEY .. " ", KEY .. "\n", KEY .. "\0", KEY .. "\255", "a b" } do
      local good, message = pcall(openhands.new, { api_key = key })
      assert.is_false(good)
      assert.matches("api_key", message)
      assert.is_nil(message:find(KEY, 1, true))
    end
    assert.is_false((pcall(openhands.new, { api_key = 7 })))
  end)

  it("may be a function, asked before each exchange", function()
    local asked = 0
    local client = in_process.scripted(service(in_process.json(ACCOUNT)), {
      api = "v0",
      api_key = function()
        asked = asked + 1
        return asked < 3 and "key-" .. asked or nil
      end,
    })
    client:status(ID)
    client:status(ID)
    assert.equal(2, asked)
    local _, err = client:status(ID)
    assert.equal("authentication", err.kind)
    assert.matches("gave no usable key", tostring(err))
  end)

  it("that a function fails to give is an error that does not quote it", function()
    local client = in_process.scripted(service(in_process.json(ACCOUNT)), {
      api = "v0",
      api_key = function()
        error("vault down: " .. KEY)
      end,
    })
    local _, err = client:status(ID)
    assert.equal("authentication", err.kind)
    assert.is_nil(tostring(err):find(KEY, 1, true))
  end)

  it("is not kept after a call that raised", function()
    local client = in_process.scripted(service(in_process.json(ACCOUNT)), { api = "v0" })
    assert.is_false((pcall(client.status, client, ID, { api_key = "sk-canary b" })))
    assert.is_nil(client._options.api_key)
  end)

  it("shows nowhere", function()
    local lines = {}
    local client = in_process.scripted(function()
      return in_process.json(('{"detail":"your key %s is no good","session_api_key":"SESSION"}'):format(KEY), 500)
    end, {
      api = "v0",
      log = function(line)
        lines[#lines + 1] = line
      end,
    })
    local _, err = client:status(ID)
    assert.is_true(#lines > 0)
    for _, value in ipairs { err, client, client._core, err.detail.detail } do
      lines[#lines + 1] = tostring(value)
    end
    local text = table.concat(lines, "\n")
    assert.is_nil(text:find(KEY, 1, true))
    assert.is_nil(text:find("SESSION", 1, true))
    assert.equal("your key [redacted] is no good", err.detail.detail)
    for name, value in pairs(client._settings) do
      assert.is_true(value ~= KEY, name)
    end
    client:close()
  end)
end)

describe("a caller's mistake", function()
  local function refused(pattern, call, ...)
    local client, requests = in_process.scripted(service(in_process.json(ACCOUNT)))
    local good, message = pcall(client[call], client, ...)
    assert.is_false(good)
    assert.matches(pattern, message)
    assert.equal(0, #requests) -- not even the question for the dialect
    client:close()
  end

  it("is raised before anything is sent", function()
    refused("initial_user_msg", "start", { initial_user_mesg = "x" })
    refused("'initial_user_msg' is missing", "start", {})
    refused("needs a table of fields, not a string", "start", "x")
    refused("needs a table of fields, not a nil", "start")
    refused("unknown option", "start", { initial_user_msg = "x" }, { repository = "o/r" })
    refused("'plugins%[1%]' is a function", "start", { initial_user_msg = "x", plugins = { print } })
    refused("metatable", "start", setmetatable({ initial_user_msg = "x" }, { __index = error, __pairs = error }))
    for _, id in ipairs { "", "../x", "a/b", "%2e%2e", "a\0b", ("x"):rep(1e7) } do
      refused("not an id", "status", id)
      refused("not an id", "wait", id)
    end
    refused("needs a conversation or its id", "status", 7)
    refused("needs a conversation or its id", "status", {})
    refused("needs a conversation or its id", "status", setmetatable({}, { __index = error }))
  end)

  it("is a call on a closed client", function()
    local client = in_process.scripted(service(in_process.json(ACCOUNT)))
    client:close()
    client:close()
    for _, call in ipairs { "start", "status", "wait", "run" } do
      local good, message = pcall(client[call], client, ID)
      assert.is_false(good)
      assert.matches("this client is closed", message)
    end
  end)

  it("is a method called with a dot, or a loop that lacks a function", function()
    local client = in_process.scripted(service(in_process.json(ACCOUNT)))
    local good, message = pcall(client.status, ID)
    assert.is_false(good)
    assert.matches("with a colon", message)
    good, message = pcall(openhands.new, { api_key = "x", loop = {} })
    assert.is_false(good)
    assert.matches("the loop has no function 'now'", message)
  end)

  it("is a base URL in clear, or a loop that there is not", function()
    assert.has_error(function()
      openhands.new { api_key = "x", base_url = "http://service.example" }
    end)
    assert.has_error(function()
      openhands.new { api_key = "x", loop = "hula" }
    end)
  end)
end)

describe("a conversation", function()
  it("is asked for in the dialect in which it was started", function()
    local client = in_process.simulated()
    local conversation = assert(client:start({ initial_user_msg = "x" }, { api = "v0" }))
    assert.equal("v0", assert(client:status(conversation)).api)
    assert.equal("finished", assert(client:wait(conversation.conversation_id)).state)
  end)

  it("that another process left idle is seen to have finished", function()
    local client, model, transport = in_process.simulated({ api = "v1" })
    local conversation = assert(client:start { initial_user_msg = "[simulate: idle]" })
    model:advance(600)
    local other = openhands.new { transport = transport, api_key = "any" }
    local seen = assert(other:status(conversation.conversation_id))
    assert.same({ "finished", true }, { seen.state, seen.settled })
  end)

  -- Idle at 15 seconds; what its events tell is read so many seconds later.
  local function idle_until_its_events_are_read(prompt, seconds)
    local client, model, transport = in_process.simulated({ api = "v1" })
    local conversation = assert(client:start { initial_user_msg = prompt })
    local request = transport.request
    function transport.request(self, asked)
      if asked.path:find "/events/" and model:time() < 15 + seconds then
        model:advance(15 + seconds - model:time())
      end
      return request(self, asked)
    end
    model:advance(15)
    return client, conversation, transport
  end

  it("that was idle before its agent began is not taken for finished, whenever its events are read", function()
    local ends = { ["Fix it."] = "finished", ["[simulate: error]"] = "failed", ["[simulate: idle]"] = "finished" }
    for prompt, ends_as in pairs(ends) do
      for _, seconds in ipairs { 0, 1, 5, 10, 20, 29 } do
        local client, conversation, transport = idle_until_its_events_are_read(prompt, seconds)
        local seen = assert(client:status(conversation))
        local other = openhands.new { transport = transport, api_key = "any" }
        local truth = assert(other:status(conversation.conversation_id))
        assert.same({ prompt, seconds, seen.settled and truth.state or seen.state }, { prompt, seconds, seen.state })

        client, conversation = idle_until_its_events_are_read(prompt, seconds)
        local done = assert(client:wait(conversation, { timeout = 2000 }))
        assert.same({ prompt, seconds, ends_as }, { prompt, seconds, done.state })
        assert.truthy(done.answer or done.detail)
      end
    end
  end)

  it("whose agent has only been told what it is has not finished", function()
    local kinds = { "SystemPromptEvent" }
    local client = in_process.scripted(function(request)
      if request.path:find "/events/" then
        local events = {}
        for i, kind in ipairs(kinds) do
          events[i] = ('{"id": "%d", "kind": "%s", "source": "agent"}'):format(i, kind)
        end
        return in_process.json(('{"items": [%s]}'):format(table.concat(events, ", ")))
      end
      local id = ("1"):rep(32)
      return in_process.json(('[{"id": "%s", "sandbox_status": "RUNNING", "execution_status": "idle"}]'):format(id))
    end, { api = "v1" })
    local seen = assert(client:status(("1"):rep(32)))
    assert.same({ "starting", false }, { seen.state, seen.settled })
    kinds[2] = "ActionEvent"
    seen = assert(client:status(("1"):rep(32)))
    assert.same({ "finished", true }, { seen.state, seen.settled })
  end)
end)

describe("what a client remembers", function()
  it("is bounded", function()
    local client = in_process.scripted(service(in_process.json(ACCOUNT)))
    client:_remember("first").has_worked = true
    for i = 1, 2048 do
      client:_remember("a" .. i)
    end
    assert.is_true(client:_remember("FIRST").has_worked) -- asked for lately enough
    for i = 1, 5000 do
      client:_remember("b" .. i)
    end
    assert.is_nil(client:_remember("first").has_worked)
    local count = 0
    for _, generation in ipairs { client._young, client._old } do
      for _ in pairs(generation) do
        count = count + 1
      end
    end
    assert.is_true(count <= 4096)
  end)
end)
