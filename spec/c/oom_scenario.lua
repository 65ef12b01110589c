-- What oom.c runs while memory fails: every function of the core that takes memory, on the network (a simulator at
-- OPENHANDS_BASE_URL) and with exchanges that Lua carries. Whatever fails must say that it is memory, leak nothing,
-- and work the next time.
local core

local url = assert(os.getenv "OPENHANDS_BASE_URL", "OPENHANDS_BASE_URL is not set")
local v0, v1 = { api = "v0" }, { api = "v1", timeout = 20 }

local function prepare()
  core = require "openhands.core"
end

local function new(external)
  return core.new {
    base_url = url, api_key = "a-key-for-the-simulator", user_agent = "oom", external = external,
    organization = "0f6f4c3e-1d2a-4b5c-8d9e-0a1b2c3d4e5f",
  }
end

-- The answer to an exchange, or nil and its error. Without memory it may end with an error that says so, or not begin.
local function await(client, number, refusal)
  if not number then error(refusal.reason, 0) end
  while client:in_flight() > 0 do client:step(0.05) end
  local finished, value, err = client:next()
  assert(finished == number, "another exchange has finished")
  if err and err.reason == "out of memory" then error(err.reason, 0) end
  return value, err
end

local function good(value, err)
  if not value then error(("%s: %s"):format(err.kind, err.reason), 0) end
  return value
end

local function over_the_network()
  local client = core.new { base_url = url, api_key = "a-key-for-the-simulator" }
  local id = core.uuid()
  local start = good(await(client, core.start(client, {
    initial_user_msg = "Fix the typo in \"README.md\".", repository = "owner/repo", conversation_id = id,
    pr_number = { 1, 2 }, secrets = { NAME = "value" }, suggested_task = { a = { 1, { b = true } }, c = 0.5 },
  }, v1)))
  assert(start.status, "a start without status")
  assert(type(good(await(client, core.status(client, { conversation_id = id }, v1)))) == "table")
  local nothing, err = await(client, core.status(client, { conversation_id = id }, {
    api = "v1", api_key = "another-key", organization = "not-a-uuid",
  }))
  assert(nothing or err.kind, "an error without kind")
  local number, refusal = core.status(client, { conversation_id = id }, v1)
  if number then client:cancel(number) end
  nothing, err = await(client, number, refusal)
  assert(not nothing and err.kind, "a cancelled exchange with a value")
  client:pollfd()
  client:timeout()
  client:close()
end

local function carried_by_lua()
  local client = new(true)
  local function answer(fields)
    local number = core.status(client, { conversation_id = "abc" }, v0)
    local outgoing, request = client:outgoing()
    assert(outgoing == number and request.method == "GET")
    client:answer(number, fields)
    return await(client, number)
  end
  local value = good(answer {
    status = 200, content_type = "application/json",
    body = [[{"conversation_id":"abc","title":"\u00e9","n":7,"x":1.5,"none":null,"list":[1,[],{"a":{}}],"ok":true}]],
  })
  assert(value.n == 7)
  local nothing, err = answer { status = 429, retry_after = "3", body = [[{"detail":"slow down"}]] }
  assert(not nothing and err.kind, "429")
  nothing, err = answer { status = 200, content_type = "text/html", body = "<html>" }
  assert(not nothing and err.kind, "HTML")
  nothing, err = answer { transport = "cut", sent = true, reason = "reset" }
  assert(not nothing and err.kind, "cut")
  client:redact("a text with a-key-for-the-simulator in it")
  client:check("start", { initial_user_msg = "x" })
  assert(not pcall(core.status, client, { conversation_id = "../x" }, v1), "a bad id was accepted")
  tostring(client)
  core.array {}
  core.operations()
  client:close()
end

return prepare, function()
  over_the_network()
  carried_by_lua()
end
