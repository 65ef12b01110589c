-- The core by itself: what it sends for a table, what it makes of an answer. Exchanges are carried by hand.

local core = require "openhands.core"

local ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"
local KEY = "sk-canary-0123456789"

local function new(options)
  local all = { base_url = "https://service.example", api_key = KEY, external = true }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  return core.new(all)
end

-- What one call puts on the wire.
local function sent(operation, fields, api, options)
  local client = new(options)
  assert(core[operation](client, fields, { api = api }))
  local _, request = client:outgoing()
  client:close()
  return request
end

-- What one answer becomes.
local function received(operation, api, answer)
  local client = new()
  local number = assert(core[operation](client, operation ~= "me" and ID or nil, { api = api }))
  client:outgoing()
  assert.is_true(client:answer(number, answer))
  local finished, value, err = client:next()
  assert.equal(number, finished)
  assert.is_nil((client:next()))
  client:close()
  return value, err
end

local function json(body, status)
  return { status = status or 200, body = body, content_type = "application/json" }
end

local function raises(pattern, operation, fields, api)
  local client = new()
  local good, message = pcall(core[operation], client, fields, { api = api or "v1" })
  assert.is_false(good)
  assert.matches(pattern, message)
  assert.is_nil((client:outgoing())) -- nothing was sent
  client:close()
end

describe("what is sent", function()
  it("is V0's start, as its documentation has it", function()
    local fields = { initial_user_msg = "Check README.md.", repository = "yourusername/your-repo" }
    local request = sent("start", fields, "v0")
    assert.equal("POST", request.method)
    assert.equal("/api/conversations", request.path)
    assert.equal("application/json", request.headers["content-type"])
    local body = require("cjson").decode(request.body)
    assert.same(fields, body)
  end)

  it("is V0's status, as its documentation has it", function()
    local request = sent("status", "abc1234", "v0")
    assert.equal("GET", request.method)
    assert.equal("/api/conversations/abc1234", request.path)
    assert.equal("", request.query)
    assert.equal("", request.body)
  end)

  it("is a message of one text block on V1", function()
    local request = sent("start", { initial_user_msg = "Hi", repository = "o/r", conversation_id = ID }, "v1")
    assert.equal("/api/v1/app-conversations", request.path)
    assert.same({
      initial_message = { role = "user", content = { { type = "text", text = "Hi" } } },
      selected_repository = "o/r",
      conversation_id = ID,
    }, require("cjson").decode(request.body))
  end)

  it("takes V1's own spellings in both dialects", function()
    local message = { role = "user", content = { { type = "text", text = "a" }, { type = "text", text = "b" } } }
    local fields = { initial_message = message, selected_repository = "o/r" }
    assert.same(
      { initial_message = message, selected_repository = "o/r" },
      require("cjson").decode(sent("start", fields, "v1").body)
    )
    assert.same(
      { initial_user_msg = "a\nb", repository = "o/r" },
      require("cjson").decode(sent("start", fields, "v0").body)
    )
  end)

  it("repeats the key for a list of ids", function()
    local request = sent("status", { ID, ID }, "v1")
    assert.equal(("ids=%s&ids=%s"):format(ID, ID), request.query)
  end)

  it("percent-encodes what is not unreserved", function()
    local request = sent("start_tasks.list", { created_at__gte = "2026-08-20T09:15:02+00:00", limit = 100 }, "v1")
    assert.equal("created_at__gte=2026-08-20T09%3A15%3A02%2B00%3A00&limit=100", request.query)
  end)

  it("keeps the base URL's path before the operation's", function()
    assert.equal("/prefix/api/v1/users/me", sent("me", nil, "v1", { base_url = "https://x.example/prefix/" }).path)
  end)

  it("never shows the key to a carrier", function()
    assert.is_nil(sent("me", nil, "v1").headers.authorization:find(KEY, 1, true))
  end)

  it("writes numbers exactly", function()
    local function written(number)
      local fields = { initial_user_msg = "x", plugins = { { n = number } } }
      return sent("start", fields, "v1").body:match('"n":([^}]*)}')
    end
    assert.equal("7", written(7))
    assert.equal("-1", written(-1))
    assert.equal("1234567890123456", written(1234567890123456))
    assert.equal("9007199254740991", written(9007199254740991))
    assert.equal("0.1", written(0.1))
    assert.equal("1e+300", written(1e300))
  end)

  it("writes lists and tables as what they are, empty ones too", function()
    local fields = {
      initial_user_msg = "x",
      pr_number = {},
      secrets = {},
      plugins = { { list = core.array {}, table = {}, null = core.null, yes = true, no = false, inner = { 1, "2" } } },
    }
    local body = sent("start", fields, "v1").body
    assert.matches('"pr_number":%[%]', body)
    assert.matches('"secrets":{}', body)
    assert.matches('"list":%[%]', body)
    assert.matches('"table":{}', body)
    assert.matches('"null":null', body)
    assert.matches('"yes":true', body)
    assert.matches('"no":false', body)
    assert.matches('"inner":%[1,"2"%]', body)
  end)

  it("keeps every byte of a text", function()
    local text = ("%s\0\1\31\"\\/\127äöü€\240\159\153\130"):format(("x"):rep(100))
    local body = sent("start", { initial_user_msg = text }, "v0").body
    assert.equal(text, require("cjson").decode(body).initial_user_msg)
  end)

  it("writes the same bytes for the same table", function()
    local fields = { initial_user_msg = "x", repository = "o/r", selected_branch = "main", llm_model = "m" }
    assert.equal(sent("start", fields, "v1").body, sent("start", fields, "v1").body)
  end)
end)

describe("the caller's mistakes", function()
  it("names a misspelt field and the nearest right one", function()
    raises("start: 'initial_user_mesg' is not a field of this call %(did you mean 'initial_user_msg'%?%)", "start",
      { initial_user_mesg = "x" })
    raises("did you mean 'repository'", "start", { initial_user_msg = "x", repositry = "o/r" })
    raises("'qqqqqqqqqqqqqqq' is not a field of this call$", "start", { initial_user_msg = "x", qqqqqqqqqqqqqqq = 1 })
  end)

  it("names a missing, a doubled and an empty field", function()
    raises("'initial_user_msg' is missing", "start", {})
    raises("'initial_user_msg' is missing", "start", { initial_user_msg = core.null })
    raises("'initial_user_msg' is missing", "start", nil)
    raises("'conversation_id' is missing", "status", nil)
    raises("'initial_user_msg' and 'initial_message' are two spellings of one field", "start",
      { initial_user_msg = "x", initial_message = "y" })
    raises("'repository' and 'selected_repository' are two spellings", "start",
      { initial_user_msg = "x", repository = "a/b", selected_repository = "a/b" })
    raises("'initial_user_msg' is empty", "start", { initial_user_msg = "" })
  end)

  it("names a field of the wrong type", function()
    for _, value in ipairs { 7, true, print } do
      raises("'initial_user_msg' must be a string", "start", { initial_user_msg = value })
      raises("'repository' must be a string", "start", { initial_user_msg = "x", repository = value })
    end
    raises("'public' must be a boolean, not a string", "start", { initial_user_msg = "x", public = "yes" })
    raises("'pr_number' must be a list of integers", "start", { initial_user_msg = "x", pr_number = 7 })
    raises("'pr_number%[2%]' is not an integer", "start", { initial_user_msg = "x", pr_number = { 1, 1.5 } })
    raises("'secrets.TOKEN' must be a string", "start", { initial_user_msg = "x", secrets = { TOKEN = 1 } })
    raises("'plugins' must be a list", "start", { initial_user_msg = "x", plugins = { source = "x" } })
    raises("'limit' is not an integer", "events", { conversation_id = ID, limit = 0 / 0 })
  end)

  it("refuses a list in place of a table with string keys, and the other way round", function()
    raises("'suggested_task' must be a table with string keys", "start",
      { initial_user_msg = "x", suggested_task = { 1, 2 } })
    raises("'initial_message.content' must be a list", "start", { initial_message = { "a", "b" } })
    raises("'initial_message.content' is empty", "start", { initial_message = { content = {} } })
  end)

  it("refuses ids that are none", function()
    local long, huge = ("x"):rep(129), ("x"):rep(1e7)
    for _, id in ipairs { "", "../x", "a/b", "%2e%2e", "a b", "a?b", "a#b", "ä", "a\0b", long, huge } do
      raises("'conversation_id' is not an id", "status", id, "v0")
      raises("'conversation_id' is not an id", "status", id, "v1")
      raises("'conversation_id' is not an id", "start", { initial_user_msg = "x", conversation_id = id })
    end
    raises("'conversation_id' must be an id", "status", 7, "v0")
    raises("must hold 1 to 99 ids, not 0", "status", { conversation_id = {} }, "v1")
    local many = {}
    for i = 1, 100 do
      many[i] = ID
    end
    raises("must hold 1 to 99 ids, not 100", "status", many, "v1")
  end)

  it("names the place of what JSON cannot hold", function()
    local function plugin(value)
      return { initial_user_msg = "x", plugins = { { parameters = { here = value } } } }
    end
    local cycle = {}
    cycle.again = { cycle }
    raises("'plugins%[1%]%.parameters%.here%.again%[1%]' contains itself", "start", plugin(cycle))
    local deep = {}
    local last = deep
    for _ = 1, 10000 do
      last.x = {}
      last = last.x
    end
    raises("'plugins%[1%]%.parameters%.here%.x.*' is nested deeper than 64 tables", "start", plugin(deep))
    raises("'plugins%[1%]%.parameters%.here' is a list with holes", "start", plugin { 1, nil, 3 })
    raises("'plugins%[1%]%.parameters%.here' is a list with holes", "start", plugin { [1e15] = 1 })
    raises("'plugins%[1%]%.parameters%.here' mixes list items with named fields", "start", plugin { 1, a = 2 })
    raises("'plugins%[1%]%.parameters%.here' has a key that is neither", "start", plugin { [0] = 1 })
    raises("'plugins%[1%]%.parameters%.here' has a boolean as a key", "start", plugin { [true] = 1 })
    raises("'plugins%[1%]%.parameters%.here' is not a finite number", "start", plugin(0 / 0))
    raises("'plugins%[1%]%.parameters%.here' is not a finite number", "start", plugin(1 / 0))
    raises("'plugins%[1%]%.parameters%.here' is a function", "start", plugin(print))
    raises("'plugins%[1%]%.parameters%.here' is a userdata", "start", plugin(io.stdout))
    raises("'plugins%[1%]%.parameters%.here' is a thread", "start", plugin(coroutine.create(function() end)))
    raises("'plugins%[1%]%.parameters%.here' is not UTF%-8 %(byte 2%)", "start", plugin "x\255")
  end)

  it("runs no metamethod of the caller's", function()
    local function never()
      error "a metamethod ran"
    end
    local hostile = { __index = never, __newindex = never, __pairs = never, __len = never, __tostring = never }
    raises("the table of fields has a metatable", "start", setmetatable({ initial_user_msg = "x" }, hostile))
    local plugins = { setmetatable({}, hostile) }
    raises("'plugins%[1%]' has a metatable", "start", { initial_user_msg = "x", plugins = plugins })
    raises("'secrets' has a metatable", "start", { initial_user_msg = "x", secrets = setmetatable({}, hostile) })
  end)

  it("refuses a request larger than 32 MiB", function()
    raises("larger than 33554432 bytes", "start", { initial_user_msg = ("x"):rep(33554432) })
  end)

  it("is refused without raising where only another dialect could take it", function()
    local client = new()
    local number, err = core.start(client, { initial_user_msg = "x", llm_model = "m" }, { api = "v0" })
    assert.is_nil(number)
    assert.equal("unsupported", err.kind)
    assert.matches("'llm_model'", err.reason)
    number, err = core.status(client, "abc1234", { api = "v1" })
    assert.is_nil(number)
    assert.equal("invalid", err.kind)
    number, err = core.start(client, { initial_message = { content = { { type = "image" } } } }, { api = "v0" })
    assert.is_nil(number)
    assert.equal("unsupported", err.kind)
    assert.is_nil((client:outgoing()))
    client:close()
  end)

  it("is seen in the options of a client", function()
    local function refused(pattern, options)
      local good, message = pcall(new, options)
      assert.is_false(good)
      assert.matches(pattern, core.argument_error(message))
      assert.is_nil(tostring(message):find(KEY, 1, true))
    end
    refused("must begin with https://", { base_url = "http://service.example" })
    refused("must begin with https://", { base_url = "ftp://service.example" })
    refused("must not carry a user name", { base_url = "https://u:p@service.example" })
    refused("must not carry a query", { base_url = "https://service.example/?x=1" })
    refused("base_url", { base_url = "" })
    refused("base_url", { base_url = "https://" })
    refused("NUL", { base_url = "https://service.example\0.evil" })
    refused("unknown option 'apikey'", { apikey = "x" })
    refused("connect_timeout must be a number of seconds", { connect_timeout = -1 })
    refused("connect_timeout must be a number of seconds", { connect_timeout = 0 / 0 })
    refused("max_body must be a number of bytes", { max_body = 0 })
    refused("user_agent contains a byte", { user_agent = "x\r\nX-Evil: 1" })
    refused("organization is not an id", { organization = "a b" })
    for _, host in ipairs { "127.0.0.1", "localhost", "[::1]", "127.8.9.10:8080" } do
      new({ base_url = "http://" .. host }):close()
    end
  end)

  it("is seen in every byte of a key", function()
    for byte = 0, 255 do
      local good, message = pcall(new, { api_key = "sk-" .. string.char(byte) .. "x" })
      assert.equal(byte >= 0x21 and byte <= 0x7e, good, ("byte %d: %s"):format(byte, tostring(message)))
      assert.is_true(good or core.argument_error(message):find("api_key ", 1, true) ~= nil)
    end
    assert.is_false((pcall(new, { api_key = "" })))
    assert.is_false((pcall(new, { api_key = ("x"):rep(513) })))
  end)
end)

describe("what is received", function()
  it("has null absent in objects, kept in lists, and whole numbers whole", function()
    local value = received("status", "v1", json '[{"id":"x","a":null,"n":7,"f":1.5,"l":[null,1],"o":{"b":null}},null]')
    assert.is_nil(value[1].a)
    assert.is_nil(value[1].o.b)
    assert.equal(core.null, value[1].l[1])
    assert.equal(core.null, value[2])
    assert.equal("7", tostring(value[1].n))
    assert.equal(1.5, value[1].f)
  end)

  it("keeps large numbers and ids of digits", function()
    local value = received("status", "v0", json '{"conversation_id":"00123","n":9007199254740991,"m":-3000000000}')
    assert.equal("00123", value.conversation_id)
    assert.equal(9007199254740991, value.n)
    assert.equal("-3000000000", ("%.0f"):format(value.m))
  end)

  it("is null for a conversation that V0 does not know", function()
    assert.equal(core.null, (received("status", "v0", json "null")))
  end)

  local unusable = {
    ["a page"] = { status = 200, body = "<!doctype html><html>", content_type = "text/html; charset=utf-8" },
    ["a page that says it is JSON"] = json "<html>",
    ["nothing"] = json "",
    ["no content"] = { status = 204 },
    ["cut JSON"] = json '[{"id":"x"',
    ["trailing bytes"] = json "[] x",
    ["another shape"] = json '{"items":[]}',
    ["a list of something else"] = json "[1]",
    ["a number"] = json "17",
    ["a string"] = json '"x"',
    ["bad UTF-8"] = json '["\255"]',
    ["a lone surrogate in UTF-8"] = json '["\237\160\128"]',
    ["a byte order mark"] = json "\239\187\191[]",
    ["NaN"] = json "[NaN]",
    ["a status that HTTP does not have"] = json("[]", 299 + 400),
    ["a redirect"] = json("", 302),
  }
  for name, answer in pairs(unusable) do
    it("is an error of kind protocol for " .. name, function()
      local value, err = received("status", "v1", answer)
      assert.is_nil(value)
      assert.equal("protocol", err.kind)
      assert.is_false(err.retryable)
    end)
  end

  it("has a kind for each status", function()
    local kinds = {
      [400] = "invalid", [401] = "authentication", [402] = "permission", [403] = "permission", [404] = "not_found",
      [405] = "protocol", [408] = "timeout", [409] = "conflict", [410] = "not_found", [413] = "invalid",
      [422] = "invalid", [429] = "throttled", [451] = "invalid", [500] = "server", [502] = "server", [503] = "server",
      [301] = "protocol", [303] = "protocol", [307] = "protocol", [100] = "protocol",
    }
    for status, kind in pairs(kinds) do
      local value, err = received("status", "v1", json('{"detail":"words"}', status))
      assert.is_nil(value)
      assert.equal(kind, err.kind, tostring(status))
      assert.equal(status, err.status)
      assert.same({ detail = "words" }, err.detail)
      assert.equal(kind == "throttled" or kind == "server" or kind == "timeout", err.retryable)
    end
  end)

  it("says of a start whether it certainly did not happen", function()
    local function verdict(answer)
      local client = new()
      local number = core.start(client, { initial_user_msg = "x" }, { api = "v1" })
      client:outgoing()
      client:answer(number, answer)
      local _, _, err = client:next()
      client:close()
      return err.effect == "unknown" or err.effect == "done", err.retryable, err.effect
    end
    for _, status in ipairs { 400, 401, 403, 404, 405, 409, 413, 422, 429, 301, 302, 307, 308 } do
      assert.is_false((verdict(json("{}", status))), tostring(status))
    end
    for _, status in ipairs { 408, 500, 502, 503, 504, 303, 200, 201, 204, 100 } do
      local unclear, retryable = verdict(json("x", status))
      assert.is_true(unclear, tostring(status))
      assert.is_false(retryable, tostring(status))
    end
    for _, status in ipairs { 200, 201, 204 } do
      assert.equal("done", (select(3, verdict(json("x", status)))))
    end
    assert.equal("refused", (select(3, verdict(json("{}", 400)))))
    assert.equal("unknown", (select(3, verdict(json("{}", 500)))))
    for _, class in ipairs { "connect", "timeout", "tls", "cut", "else" } do
      assert.is_true((verdict { transport = class }), class)
      assert.is_false((verdict { transport = class, sent = false }), class)
    end
    assert.same({ false, true, "none" }, { verdict { transport = "connect", sent = false } })
    assert.same({ false, true, "refused" }, { verdict(json("{}", 429)) })
  end)

  it("reads Retry-After", function()
    local function seconds(header)
      local _, err = received("status", "v1", { status = 429, body = "{}", retry_after = header })
      return err.retry_after
    end
    assert.equal(7, seconds "7")
    assert.equal(1, seconds "0")
    assert.equal(99999999, seconds "99999999")
    assert.equal(1e9, seconds "99999999999999999999")
    assert.equal(1, seconds "Sun, 06 Nov 1994 08:49:37 GMT")
    assert.is_true(seconds "Sun, 06 Nov 2094 08:49:37 GMT" > 1e9)
    assert.equal(1, seconds "-5")
    assert.equal(1, seconds "-0")
    assert.equal(1000, seconds "1e3")
    assert.equal(1e9, seconds "1e999999999999")
    assert.equal(1, seconds "1e-999999999999")
    assert.equal(2.5, seconds "2.5")
    assert.equal(25, seconds "2.5E+1")
    assert.equal(7, seconds " 7")
    for _, junk in ipairs { "", "-", "e3", "1e", "1e+", "7 s", "0x10", "soon", "Sun, 99 Foo 1994 08:49:37 GMT" } do
      assert.is_nil(seconds(junk), junk)
    end
  end)

  it("leaves the key out where an error quotes it", function()
    for _, echo in ipairs {
      KEY,
      (KEY:gsub("%-", "%%2D")),
      (KEY:gsub("%-", "\\-")),
      "c2stY2FuYXJ5LTAxMjM0NTY3", -- base64 of most of it
    } do
      local _, err = received("status", "v1", { status = 500, body = "the key is " .. echo .. "!" })
      assert.equal("the key is [redacted]!", err.detail)
    end
  end)

  it("caps what it quotes and keeps it printable", function()
    local _, err = received("status", "v1", { status = 500, body = "a\27[31m\0\n\255b" .. ("x"):rep(1000) })
    assert.is_true(#err.detail <= 200)
    assert.equal("a [31m ?bxxx", err.detail:sub(1, 12))
    assert.equal("x…", err.detail:sub(-4))
  end)

  it("caps an answer at max_body", function()
    local client = new { max_body = 10 }
    local number = core.me(client, nil, { api = "v1" })
    client:outgoing()
    client:answer(number, json '{"id":"0123456789"}')
    local _, value, err = client:next()
    assert.is_nil(value)
    assert.equal("too_large", err.kind)
    assert.equal("its body is larger than 10 bytes (max_body)", err.reason)
    assert.is_false(err.retryable)
    number = core.me(client, nil, { api = "v1" })
    client:outgoing()
    client:answer(number, json('{"detail":"0123456789"}', 503))
    _, value, err = client:next()
    assert.is_nil(value)
    assert.equal("server", err.kind)
    client:close()
  end)
end)

describe("the client userdata", function()
  it("says what it is and never shows its key", function()
    local client = new()
    assert.equal("openhands.core (https://service.example, 0 in flight)", tostring(client))
    assert.equal("x [redacted] y", client:redact_line("x\n" .. KEY .. " y"))
    assert.same({ "x\n[redacted]" }, client:redact { "x\n" .. KEY })
    client:close()
    assert.equal("openhands.core (closed)", tostring(client))
    assert.is_false(getmetatable(client))
  end)

  it("refuses to work once it is closed, and may be closed again", function()
    local client = new()
    client:close()
    client:close()
    for _, method in ipairs { "step", "next", "pollfd", "events", "timeout", "outgoing", "in_flight" } do
      local good, message = pcall(client[method], client)
      assert.is_false(good)
      assert.matches("closed", message)
    end
  end)

  it("gives cancelled exchanges back", function()
    local client = new()
    local number = core.me(client, nil, { api = "v1" })
    assert.equal(1, client:in_flight())
    assert.is_true(client:cancel(number))
    assert.is_false(client:cancel(number))
    local finished, value, err = client:next()
    assert.equal(number, finished)
    assert.is_nil(value)
    assert.equal("cancelled", err.kind)
    assert.equal(0, client:in_flight())
    client:close()
  end)

  it("cancels an exchange by its number, which is whole", function()
    local client = new()
    core.me(client, nil, { api = "v1" })
    assert.is_false((pcall(client.cancel, client, 1.5)))
    assert.is_true(client:cancel(1))
    client:close()
  end)

  it("is refused where another userdata is meant", function()
    local client = new()
    assert.is_false((pcall(client.step, io.stdout)))
    assert.is_false((pcall(client.step, {})))
    client:close()
  end)
end)

describe("sleeping for several clients", function()
  local most = 0.1 -- seconds of one sleep

  -- Whether one of many sleeps ended before its time: a busy machine can only make a sleep longer.
  local function wakes(clients)
    for _ = 1, 20 do
      local before = core.monotonic()
      assert.equal(0, select("#", core.poll(clients, most)))
      if core.monotonic() - before < most / 2 then return true end
    end
    return false
  end

  local function sleeps(clients, seconds)
    local before = core.monotonic()
    core.poll(clients, seconds)
    return core.monotonic() - before
  end

  -- Clients with nothing to do.
  local function idle(count)
    local clients = {}
    for index = 1, count do clients[index] = new { external = false } end
    return clients
  end

  it("takes its time where nobody wants anything, and never much of it", function()
    assert.is_true(sleeps({}, 0.02) >= 0.02)
    assert.is_true(sleeps({}, 1e300) >= most)
    assert.is_true(sleeps(idle(2), 0.02) >= 0.02)
    assert.is_true(sleeps({ new() }, 0.02) >= 0.02)
    for _, none in ipairs { 0, -1, 0 / 0 } do core.poll({}, none) end
    core.poll {}
    assert.is_true(wakes { new(), (function() -- one that was cancelled, say: its end can be taken
      local client = new()
      client:cancel(core.me(client, nil, { api = "v1" }))
      return client
    end)() })
  end)

  it("does not sleep on while an exchange waits for its carrier, and looks again soon when one is with it", function()
    local client = new()
    core.me(client, nil, { api = "v1" })
    assert.is_true(wakes { client })
    client:outgoing()
    assert.is_true(wakes { client })
    client:pollfd() -- tells of its timers only
    assert.is_true(wakes { client })
    client:close()
  end)

  it("ends when something has come for one of them, and leaves the step to the caller", function()
    local raw_server = require "spec.support.raw_server"
    local connection
    local server = raw_server.new(function(_, from) connection = from end)
    for _, place in ipairs { 1, 2, 64, 65, 130 } do -- the last ones are beyond what has room on the stack
      local client, clients = new { base_url = server.address, external = false }, idle(place + 1)
      for _, other in ipairs(clients) do other:pollfd() end
      clients[place] = client
      connection = nil
      core.me(client, nil, { api = "v1" })
      raw_server.turn(client, function() return connection and client:timeout() > 5 end)
      assert.is_true(sleeps(clients, 0.02) >= 0.02) -- it waits for its answer
      local gone_out = false
      connection:write(raw_server.answer '{"id":"here"}', function() gone_out = true end)
      raw_server.turn_loop(function() return gone_out end)
      assert.is_true(wakes(clients), "client " .. place)
      assert.equal(1, client:in_flight())
      raw_server.turn(client, function() return client:in_flight() == 0 end)
      assert.equal("here", (select(2, client:next())).id)
      for _, other in ipairs(clients) do other:close() end
    end
    server:close()
  end)

  it("ends when a time-out is over", function()
    local raw_server = require "spec.support.raw_server"
    local server = raw_server.new(function() end)
    local client = new { base_url = server.address, external = false }
    local seconds = 0.15
    repeat -- where the machine holds all up, it may be over before anything was sent
      client:next()
      seconds = 2 * seconds
      local before = #server.requests
      core.me(client, nil, { api = "v1", timeout = seconds })
      raw_server.turn(client, function() return #server.requests > before or client:in_flight() == 0 end)
    until client:in_flight() == 1 or seconds > 5
    assert.equal(1, client:in_flight())
    assert.is_true(wakes { client })
    raw_server.turn(client, function() return client:in_flight() == 0 end)
    assert.equal("timeout", (select(3, client:next())).kind)
    server:close()
    client:close()
  end)

  it("refuses what cannot be used", function()
    local closed, good = new(), new()
    closed:close()
    local function refused(pattern, ...)
      local well, message = pcall(core.poll, ...)
      assert.is_false(well)
      assert.matches(pattern, message)
    end
    refused("closed", { good, closed }, 0)
    refused("%[2%] is not a client", { good, {} }, 0)
    refused("%[1%] is not a client", { io.stdout }, 0)
    refused("%[1%] is not a client", { false, good }, 0)
    refused("table expected", good, 0)
    refused("number expected", { good }, "soon")
    good:close()
  end)
end)

describe("ids", function()
  it("are random UUIDs of version 4", function()
    local seen = {}
    for _ = 1, 100 do
      local id = core.uuid()
      assert.matches("^%x%x%x%x%x%x%x%x%-%x%x%x%x%-4%x%x%x%-[89ab]%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$", id)
      assert.is_nil(seen[id])
      seen[id] = true
    end
  end)
end)
