-- A prepared request: fields that are checked and encoded once, and sent by any number of calls.
local core = require "openhands.core"
local core_client = require "spec.support.core_client"
local raw_server = require "spec.support.raw_server"
local simulator = require "openhands.simulator"
local canary = require "spec.support.canary"

local ID = "0123456789abcdef0123456789abcdef"
local prompt = { initial_user_msg = "Fix the \"typo\".", conversation_id = ID }

local function new(options)
  local all = { base_url = "https://service.example/base", api_key = canary.key, external = true }
  for name, value in pairs(options or {}) do all[name] = value end
  return core.new(all)
end

local function outgoing(client, number, refusal)
  assert(number, refusal and refusal.reason)
  local found, request = client:outgoing()
  assert.equal(number, found)
  return request
end

local function raises(pattern, operate, ...)
  local good, problem = pcall(operate, ...)
  assert.is_false(good)
  assert.matches(pattern, tostring(core.argument_error(problem) or problem))
end

-- One of each place that a field can stand in. A multipart body has a boundary of its own each time.
local calls = {
  { "start", "v1", prompt },
  { "start", "v0", { initial_user_msg = "x", repository = "owner/repo" } },
  { "status", "v1", { conversation_id = ID } },
  { "status", "v0", "abc" },
  { "list", "v1", { limit = 3 } },
  { "request", nil, { method = "POST", path = "/a b", query = { q = { 1, true } }, body = { "x" } } },
}

describe("a prepared request", function()
  for _, call in ipairs(calls) do
    local name, api, fields = call[1], call[2], call[3]
    it(("sends the same bytes as its fields: %s (%s)"):format(name, api or "-"), function()
      local client = new()
      local prepared = assert(client:prepare(name, fields, api))
      local plain = outgoing(client, core[name](client, fields, { api = api }))
      for _ = 1, 2 do
        assert.same(plain, outgoing(client, core[name](client, prepared, { api = api })))
      end
      client:close()
    end)
  end

  it("keeps the boundary of its parts", function()
    local client = new()
    local prepared = assert(client:prepare("upload", { conversation_id = "abc", files = { ["a.txt"] = "x" } }, "v0"))
    local first = outgoing(client, core.upload(client, prepared, { api = "v0" }))
    assert.matches("a.txt", first.body, 1, true)
    assert.same(first, outgoing(client, core.upload(client, prepared, { api = "v0" })))
    client:close()
  end)

  it("is sent by libcurl, again and again, also while it is in flight", function()
    local server = simulator.spawn { pace = 0 }
    local client = core.new { base_url = server.address, api_key = canary.key }
    local prepared = assert(client:prepare("start", { initial_user_msg = ("x"):rep(300000) }, "v1"))
    for _ = 1, 2 do
      assert(core.start(client, prepared, { api = "v1" }))
      assert(core.start(client, prepared, { api = "v1" }))
      raw_server.turn(client, function() return client:in_flight() == 0 end)
      assert.is_table((select(2, core_client.next(client)))) -- the service repeats the long prompt
      assert.is_table((select(2, core_client.next(client))))
    end
    local requests = server:requests()
    assert.equal(4, #requests)
    for _, request in ipairs(requests) do
      assert.is_true(request.body:find(("x"):rep(300000), 1, true) ~= nil)
    end
    client:close()
    server:close()
  end)

  it("does not see what is done to its fields afterwards", function()
    local client, fields = new(), { initial_user_msg = "before" }
    local prepared = assert(client:prepare("start", fields, "v1"))
    fields.initial_user_msg = "after"
    assert.matches("before", outgoing(client, core.start(client, prepared, { api = "v1" })).body, 1, true)
    client:close()
  end)

  it("is sent by another client, too: it belongs to none", function()
    local client, other = new(), new { base_url = "https://other.example" }
    local prepared = assert(client:prepare("status", ID, "v1"))
    client:close()
    assert.matches("^/api/", outgoing(other, core.status(other, prepared, { api = "v1" })).path)
    other:close()
  end)

  it("carries the key of a header", function()
    local client = new()
    for _, row in ipairs(core.operations()) do
      local fields, has_header = {}, false
      for _, field in ipairs(row.fields) do
        has_header = has_header or field.place == "header"
        if field.required or field.place == "header" then fields[field.name] = "0123456789abcdef0123456789abcdef" end
      end
      if has_header then
        local options = { api = row.api, server = row.api == "agent" and "https://runtime.example" or nil }
        options.session_api_key = options.server and "a-session-key" or nil
        local prepared = assert(client:prepare(row.name, fields, row.api))
        local request = outgoing(client, core[row.name](client, prepared, options))
        assert.equal(ID, request.headers["x-session-api-key"])
      end
    end
    client:close()
  end)

  it("goes to a conversation's own server", function()
    local client = new()
    local there = { server = "https://runtime.example", session_api_key = "a-session-key" }
    local prepared = assert(client:prepare("request", { path = "/x" }, "agent"))
    assert.equal("/x", outgoing(client, core.request(client, prepared, there)).path)
    raises("request: needs a server", core.request, client, prepared, {})
    prepared = assert(client:prepare("request", { path = "/x" }))
    raises("request: is served by the service alone", core.request, client, prepared, there)
    client:close()
  end)
end)

describe("prepare", function()
  local client

  before_each(function() client = new() end)
  after_each(function()
    assert.is_nil((client:outgoing()))
    assert.equal(0, client:in_flight())
    client:close()
  end)

  it("raises for the caller's mistakes, as the call does", function()
    for _, wrong in ipairs {
      { "status", "../x", "v1", "'conversation_id' is not an id" },
      { "start", { initial_user_msg = {} }, "v1", "'initial_user_msg" },
      { "start", { prompt = "x" }, "v1", "'prompt' is not a field" },
      { "request", { path = "x" }, nil, "'path' must begin with" },
      { "request", { path = "/x", method = "HEAD" }, nil, "'method' must be" },
      { "status", ID, "v2", "api must be" },
      { "status", ID, nil, "api must be" },
      { "no_such_call", ID, "v1", "there is no operation 'no_such_call'" },
    } do
      raises(wrong[4], client.prepare, client, wrong[1], wrong[2], wrong[3])
      collectgarbage()
    end
  end)

  it("refuses what this dialect cannot take, as the call does", function()
    for _, refused in ipairs {
      { "status", "abc", "v1", "invalid" },
      { "start", { initial_user_msg = "x", plugins = {} }, "v0", "unsupported" },
      { "answer_batch", ID, "agent", "unsupported" },
      { "start_streaming", { initial_user_msg = "x" }, "v0", "unsupported" },
    } do
      if core[refused[1]] then
        local prepared, err = client:prepare(refused[1], refused[2], refused[3])
        assert.is_nil(prepared)
        assert.equal(refused[4], err.kind)
        local _, same = core[refused[1]](client, refused[2], { api = refused[3] })
        assert.same(same, err)
      end
    end
  end)

  it("makes what another operation, another dialect or a free request does not take", function()
    local prepared = assert(client:prepare("start", prompt, "v1"))
    raises("^status %(v1%): this request was prepared for start %(v1%)$", core.status, client, prepared, { api = "v1" })
    raises("^start %(v0%): this request was prepared for start %(v1%)$", core.start, client, prepared, { api = "v0" })
    raises("^request: this request was prepared for start %(v1%)$", core.request, client, prepared, {})
    local free = assert(client:prepare("request", { path = "/x" }))
    raises("^start %(v1%): this request was prepared for request", core.start, client, free, { api = "v1" })
  end)

  it("takes no foreign userdata for a prepared request", function()
    for _, foreign in ipairs { io.stdout, core.null, client } do
      assert.is_false((pcall(core.start, client, foreign, { api = "v1" })))
      assert.is_false((pcall(core.request, client, foreign, {})))
    end
  end)
end)

describe("the end of a prepared request", function()
  it("may come while it is in flight", function()
    local client = new()
    local body = outgoing(client, core.start(client, prompt, { api = "v1" })).body
    local prepared = assert(client:prepare("start", prompt, "v1"))
    local number = assert(core.start(client, prepared, { api = "v1" }))
    prepared = nil -- luacheck: ignore 311
    collectgarbage()
    collectgarbage()
    assert.equal(body, outgoing(client, number).body)
    client:close()
  end)

  it("comes early by close, which leaves what is in flight alone", function()
    local client = new()
    local prepared = assert(client:prepare("start", prompt, "v1"))
    local number = assert(core.start(client, prepared, { api = "v1" }))
    assert.equal("openhands.prepared (start, v1)", tostring(prepared))
    prepared:close()
    prepared:close()
    assert.equal("openhands.prepared (start, v1, closed)", tostring(prepared))
    assert.matches("typo", outgoing(client, number).body, 1, true)
    raises("start: this prepared request is closed", core.start, client, prepared, { api = "v1" })
    client:close()
  end)

  it("may come after that of its client", function()
    local client = new()
    local prepared = assert(client:prepare("start", prompt, "v1"))
    assert(core.start(client, prepared, { api = "v1" }))
    client:close()
    raises("closed", core.start, client, prepared, { api = "v1" })
    raises("closed", client.prepare, client, "start", prompt, "v1")
    prepared:close()
  end)

  it("is not readable by Lua before", function()
    local client = new()
    local prepared = assert(client:prepare("start", prompt, "v1"))
    assert.is_false(getmetatable(prepared))
    assert.is_nil(prepared.body)
    client:close()
  end)
end)
