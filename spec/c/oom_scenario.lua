-- The scenarios that oom.c runs while allocations fail. They cover the functions of the core that allocate, over the
-- network (a simulator at OPENHANDS_BASE_URL) and with an external transport, and a start with the whole library. They
-- leave out `operations`, which makes thousands of tables and owns nothing, and `poll`, which allocates only for more
-- than 64 clients. Each error must name memory, nothing may leak, and the next call must work.

-- LuaJIT's compiler crashes when allocations fail.
if rawget(_G, "jit") then
  require("jit").off()
end

local core, file

local url = assert(os.getenv "OPENHANDS_BASE_URL", "OPENHANDS_BASE_URL is not set")
local v0, v1 = { api = "v0" }, { api = "v1", timeout = 20 }

local function prepare()
  core = require "openhands.core"
  file = os.tmpname()
end

local function new(external)
  return core.new {
    base_url = url, api_key = "a-key-for-the-simulator", user_agent = "oom", external = external,
    organization = "0f6f4c3e-1d2a-4b5c-8d9e-0a1b2c3d4e5f",
  }
end

-- Returns the value of an exchange, or nil and its error. Raises if it could not begin, or if it ran out of memory.
local function await(client, number, refusal)
  if not number then error(refusal.reason, 0) end
  while client:in_flight() > 0 do client:step(0.05) end
  local finished, value, err = client:next()
  assert(finished == number, "another exchange has finished")
  if err and err.reason == "out of memory" then error(err.reason, 0) end
  return value, err
end

-- The same with `finish`.
local function await_alone(client, number, refusal)
  if not number then error(refusal.reason, 0) end
  local finished, value, err
  repeat finished, value, err = client:finish(number) until finished
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
  assert(type(good(await_alone(client, core.status(client, { conversation_id = id }, v1)))) == "table")
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

-- Makes calls to a conversation's own server, uploads and downloads, a stream, and a free request.
local function beside_the_service()
  local client = core.new { base_url = url, api_key = "a-key-for-the-simulator" }
  local function call(operation, fields, options)
    return good(await(client, core[operation](client, fields, options)))
  end
  local number, refusal = core.start_streaming(client, { initial_user_msg = "x" }, v1)
  if not number then error(refusal.reason, 0) end
  local taken = 0
  while client:in_flight() > 0 do
    client:step(0.05)
    while client:take(number) do taken = taken + 1 end
  end
  local tasks = good(await(client, number))
  assert(taken == #tasks and taken > 0, "elements were lost")
  local id = tasks[#tasks].app_conversation_id
  local found = call("request", { path = "/api/v1/app-conversations", query = { ids = { id } } }, {})[1]
  local agent = {
    api = "agent", server = found.conversation_url:match "^(.*)/api/conversations/", timeout = 20,
    session_api_key = found.session_api_key,
  }
  call("info", id, agent)
  call("upload", { path = "/workspace/oom.txt", contents = "the contents" }, agent)
  agent.download = file
  assert(call("download", "/workspace/oom.txt", agent).bytes == 12, "not what was sent")
  agent.download = nil
  local nothing, err = core.info(client, id, { api = "agent", server = "no address", session_api_key = "x" })
  assert(not nothing and err.kind == "protocol", "an address that is none")
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
  local sent = assert(core.upload(client, { conversation_id = "abc", files = { ["a.txt"] = "x" } }, v0))
  assert(core.request(client, { method = "POST", path = "/a b", query = { q = { 1, true } }, body = { "x" } }, {}))
  local saved = assert(core.download_workspace(client, "abc", { api = "v0", download = file }))
  while client:outgoing() do end
  client:answer(sent, { status = 200, content_type = "application/json", body = "{}" })
  client:answer(sent + 1, { status = 200, content_type = "text/plain", body = "words" })
  client:answer(saved, { status = 200, content_type = "application/zip", body = "zip" })
  assert(type(good(await(client, sent))) == "table")
  assert(good(await(client, sent + 1)) == "words")
  assert(good(await(client, saved)).bytes == 3)
  client:redact_line(client:redact "a text with a-key-for-the-simulator in it", 100)
  local prepared = client:prepare("start", { initial_user_msg = "x" }, "v1")
  for _ = 1, 2 do assert(core.start(client, prepared, v1)) end
  prepared:close()
  while client:outgoing() do end
  assert(not pcall(core.status, client, { conversation_id = "../x" }, v1), "a bad id was accepted")
  tostring(client)
  core.array {}
  client:close()
end

-- Responses whose decoding takes memory besides that of their values: many tables, a long text with escapes, many
-- levels. They are built while no allocation fails: after a failure, string buffers of Lua 5.4.4 stay broken.
local bodies = {
  "[" .. ("{},"):rep(150) .. "[]]", '{"text":"' .. ("\\n\\u20ac"):rep(100) .. '"}',
  ("["):rep(40) .. "12345678901234567890" .. ("]"):rep(40),
  '["' .. ("x"):rep(66000) .. '"]', '[{"a":1,"b":null,"a":null}]',
  "[" .. ("{},"):rep(200) .. '[[["' .. ("x"):rep(600000) .. '"]]],"\\n"]', -- so long that it is read in slices
}

-- Answers an exchange and returns its result. A call of `next` that raises can be repeated.
local function result_of(client, number, response)
  client:outgoing()
  client:answer(number, response)
  local told, finished, value, err
  repeat
    told, finished, value, err = pcall(client.next, client)
    if not told then
      local first = finished
      told, finished, value, err = pcall(client.next, client)
      if not told then error(first, 0) end
    end
  until finished or not select(2, client:in_flight())
  if err and err.kind == "memory" then error(err.reason, 0) end
  assert(finished == number, "not the answer")
  return value, err
end

local function answers_of_every_shape()
  local client = new(true)
  for i = 1, #bodies do
    local number = assert(core.request(client, { path = "/x" }, {}))
    local value = result_of(client, number, { status = 200, content_type = "application/json", body = bodies[i] })
    assert(type(value) == "table", "not the answer")
  end
  client:close()
end

-- Bodies with session keys, decoded and searched, short and long.
local keys = {
  '[{"session_api_key":"session-0001"},{"session_api_key":"session\\u002d0002"}]',
  '{"session_api_key":"session-0003","cut":"',
  '{"session_api_key":"session-0004","long":"' .. ("x"):rep(300000) .. '","list":[{"session_api_key":"session-0005"}]}',
  '{"session_api_key":"session-0006","cut":"' .. ("x"):rep(300000),
}
local learnt = { { 1, 2 }, { 3 }, { 4, 5 }, { 6 } }

local function session_keys()
  for _, status in ipairs { 200, 500 } do
    local client = new(true)
    for i = 1, #keys do
      local number = assert(core.request(client, { path = "/x" }, { api_key = "key-of-the-call" }))
      local value, err = result_of(client, number,
        { status = status, content_type = "application/json", body = keys[i] })
      assert(value or err.kind == (status == 200 and "protocol" or "server"), "another error")
      for _, index in ipairs(learnt[i]) do
        assert(client:redact("session-000" .. index) == "[redacted]", "a key is not known")
      end
    end
    client:close()
  end
  local client = new(true)
  local number = assert(core.start_streaming(client, { initial_user_msg = "x" }, v1))
  client:outgoing()
  client:answer(number, { status = 200, content_type = "application/json", body = keys[1] })
  local taken = 0
  while client:take(number) do
    taken = taken + 1
    assert(client:redact("session-000" .. taken) == "[redacted]", "a key is not known")
  end
  good(await(client, number))
  assert(taken == 2, "elements were lost")
  client:close()
end

-- A start with the whole library, and a transport that allocates nothing: whichever allocation fails, the id of the
-- conversation that was posted must be known.
local openhands, whole, posted, known

local answer = {
  status = 200, headers = { { "Content-Type", "application/json" } },
  body = [[{"id":"c2a9e8b7d6f5443c92b1a0f9e8d7c6b5","status":"WORKING"}]],
}

local function note(id)
  assert(not posted, "told too late")
  known = id
end

local function start()
  assert(not posted or known, "posted, and its id is lost")
  posted, known = false, nil
  local conversation, err = whole:start({ initial_user_msg = "x" }, { on_id = note })
  assert((conversation or err).conversation_id == known, "a start ended without the id")
  if not posted then error(err.message, 0) end
end

local function prepare_start()
  openhands = require "openhands"
  whole = openhands.new {
    api = "v1", api_key = "any", retries = 0, grace = 0, transport = {
      request = function()
        posted = true
        return answer
      end,
    },
  }
  start()
end

local function is_there(name)
  local found = io.open(name)
  if found then found:close() end
  return found ~= nil
end

-- Wraps a scenario with checks and clean-up of the files of downloads.
local function scenario(operate)
  return function()
    collectgarbage() -- collects a client that the last run could not close
    assert(not is_there(file .. ".part"), "a part was left")
    operate()
    os.remove(file)
  end
end

local function prepare_all()
  prepare()
  prepare_start()
end

return prepare_all, scenario(over_the_network), scenario(beside_the_service), scenario(carried_by_lua),
  scenario(answers_of_every_shape), scenario(session_keys), scenario(start)
