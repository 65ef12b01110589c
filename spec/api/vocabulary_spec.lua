-- Every row of the table of operations through everything that a user may call: the client, the conversation, the
-- module. What comes back is of the promised shape; a dialect that has no such call says so, and is sent nothing.

local calls = require "spec.support.calls"
local clients = require "openhands.client"
local canary = require "spec.support.canary"
local openhands = require "openhands"
local assertions = require "spec.support.assertions"
local unpack = table.unpack or unpack -- luacheck: ignore 143

local examples, shapes = calls.examples, calls.shapes

-- ---- what each gives ---------------------------------------------------------------------------------------------

-- What the service knows of several, by what was asked for.
local function found(count)
  return function(value, _, arguments)
    local asked, items = arguments[#arguments], 0
    for id, item in pairs(value) do
      items = items + 1
      assert.equal(type(asked) == "table" and asked[1] or asked, id)
      assert.equal("table", type(item))
    end
    assert.equal(count, items)
  end
end

-- Calls whose value is another than the shape of their row.
local promises = {
  delete = function(value)
    assert.is_true(value)
  end,
  ["start_tasks.get"] = found(1),
  ["sandboxes.get"] = found(1),
  ["sandbox_specs.get"] = found(1),
  ["shared.get"] = function(value, at)
    assert.equal("table", type(value[at.id]))
  end,
  event_batch = found(1),
  ["shared.event_batch"] = found(1),
  events = shapes.page,
  file = shapes.text,
}
for name in ("start start_streaming status update stop start_again"):gmatch "%S+" do
  promises[name] = assertions.assert_conversation
end

-- ---- the ways to a call ------------------------------------------------------------------------------------------

local ways = {}

function ways.client(at, name, arguments)
  return calls.call(at.client, name, arguments)
end

-- The module's own client is made when it is first needed; here it is the one of the stand-in.
function ways.module(at, name, arguments)
  local new = clients.new
  clients.new = function()
    return at.client
  end
  local group, leaf = name:match "^([^.]+)%.([^.]+)$"
  local call = group and openhands[group][leaf] or openhands[calls.public_names[name] or name]
  local good, value, err = pcall(call, unpack(arguments))
  clients.new = new
  assert(good, value)
  return value, err
end

local method_names = { status = "refresh", answer = "fetch_answer" }

function ways.conversation(at, name, arguments)
  return at.conversation[method_names[name] or name](at.conversation, unpack(arguments, 2))
end

local function is_method(name, arguments, at)
  return arguments[1] == at.conversation and not name:find(".", 1, true)
end

-- ---- the specs ---------------------------------------------------------------------------------------------------

describe("the vocabulary", function()
  after_each(function()
    openhands.close()
  end)

  it("has an example for every row", function()
    for _, name in ipairs(calls.names) do
      assert.is_function(examples[name], "no example for " .. name)
    end
    for name in pairs(examples) do
      assert.is_table(calls.rows[name], "no row for " .. name)
    end
  end)

  local function gives(name, row, way)
    local at = calls.service(row.api, name)
    local arguments = examples[name](at)
    if way ~= "conversation" or is_method(name, arguments, at) then
      local value, err = ways[way](at, name, arguments)
      assert.is_nil(err, tostring(err))
      local check = promises[name] or shapes[row.shape]
      check(value, at, arguments)
    end
    canary.assert_keys_apart(at.model)
    os.remove(at.target)
  end

  local function refuses(name, api)
    local at = calls.service(api, name)
    local value, err = calls.outcome(ways.client(at, name, examples[name](at)))
    assert.is_nil(value)
    assert.equal("unsupported", assertions.assert_error(err).kind)
    assert.equal(name, err.operation)
    assert.matches(("the %s API cannot do this"):format(api:upper()), err.message, 1, true)
    assert.equal(at.sent, #at.model.requests)
    assert.is_nil(io.open(at.target))
  end

  for _, name in ipairs(calls.names) do
    for _, api in ipairs { "v0", "v1" } do
      local row = calls.rows[name][api]
      for _, way in ipairs(row and { "client", "module", "conversation" } or {}) do
        it(("gives what is promised: %s on %s, by the %s"):format(name, api, way), function()
          gives(name, row, way)
        end)
      end
      if not row and name ~= "start_streaming" then
        it(("has no %s on %s, and sends nothing"):format(name, api), function()
          refuses(name, api)
        end)
      end
    end
  end

  it("streams a start on V1 alone, and sends nothing on V0", function()
    local at = calls.service("v0", "start_streaming")
    local conversation, err = ways.client(at, "start_streaming", examples.start_streaming(at))
    assert.is_nil(conversation)
    assert.equal("unsupported", assertions.assert_error(err).kind)
    assert.matches("V0", err.message)
    assert.equal(at.sent, #at.model.requests)
  end)

  -- Calls that are made of several operations; on V0, those that it has.
  local composed = {
    get = { about = "several", v0 = true },
    pause = {},
    resume = {},
    answer = { v0 = true },
    find_pull_requests = { v0 = true },
  }
  local answers = {
    get = function(value, at)
      assertions.assert_conversation(value[at.id])
    end,
    answer = shapes.text,
    find_pull_requests = shapes.list,
    pause = assertions.assert_conversation,
    resume = assertions.assert_conversation,
  }

  for name, call in pairs(composed) do
    for _, way in ipairs { "client", "module", "conversation" } do
      for _, api in ipairs(call.v0 and { "v0", "v1" } or { "v1" }) do
        it(("has %s on %s, by the %s"):format(name, api, way), function()
          local at = calls.service(api, name)
          if name == "answer" then
            assert.equal("finished", assert(at.client:wait(at.id)).state)
          end
          if way ~= "conversation" or call.about ~= "several" then
            local value, err = ways[way](at, name, { call.about and { at.id } or at.conversation })
            assert.is_nil(err, tostring(err))
            answers[name](value, at)
          end
          canary.assert_keys_apart(at.model)
        end)
      end
    end
  end

  it("is an error of kind not_found when there is no answer yet", function()
    for _, api in ipairs { "v0", "v1" } do
      local at = calls.service(api, "answer")
      local value, err = at.conversation:fetch_answer()
      assert.is_nil(value)
      assert.equal("not_found", assertions.assert_error(err).kind)
      assert.equal("answer", err.operation)
      assert.equal(assertions.comparable_id(at.id), assertions.comparable_id(err.conversation_id))
    end
  end)

  it("fails under the name that was called, whatever it is composed of", function()
    for name, call in pairs(composed) do
      local at = calls.service("v1", name)
      at.transport.faults = { { point = "before", class = "tls", count = -1 } }
      local value, err = ways.client(at, name, { call.about and { at.id } or at.conversation })
      assert.is_nil(value)
      assert.equal("tls", assertions.assert_error(err).kind)
      assert.equal(name, err.operation)
      assert.matches("^" .. name .. ": ", err.message)
    end
  end)

  describe("takes a request of the caller's own", function()
    local at

    before_each(function()
      at = calls.service("v1", "request")
    end)

    it("by the client and by the module", function()
      for _, way in ipairs { "client", "module" } do
        local account = assert(ways[way](at, "request", { { path = "/api/v1/users/me" } }))
        assert.is_string(account.id)
      end
    end)

    it("with a method, a query and a body", function()
      local request = {
        method = "PATCH",
        path = "/api/v1/app-conversations/" .. at.id,
        body = { title = "Own" },
      }
      assert.equal("Own", assert(at.client:request(request)).title)
      local query = { title__contains = "Own", limit = 1 }
      local page = assert(at.client:request { path = "/api/v1/app-conversations/search", query = query })
      assert.equal(assertions.comparable_id(at.id), page.items[1].id)
    end)

    it("with the errors of any other call", function()
      local value, err = at.client:request { path = "/api/v1/app-conversations/start-tasks", query = { ids = "x" } }
      assert.is_nil(value)
      assert.equal("invalid", assertions.assert_error(err).kind)
      assert.equal("request", err.operation)
      at.transport.faults = { { point = "before", class = "timeout", count = -1 } }
      value, err = at.client:request({ path = "/api/v1/users/me" }, { deadline = 5 })
      assert.is_nil(value)
      assert.equal("timeout", assertions.assert_error(err).kind)
    end)

    it("and raises an error for an invalid one", function()
      for _, wrong in ipairs {
        "/api/v1/users/me", {}, { path = "api" }, { path = "https://elsewhere.example/" }, { path = "/a/../b" },
        { path = "/x", method = "get" }, { path = "/x", body = {} }, { path = "/x", headers = {} },
      } do
        local good, message = pcall(at.client.request, at.client, wrong)
        assert.is_false(good)
        assert.matches("openhands.request: ", message, 1, true)
      end
      assert.equal(at.sent, #at.model.requests)
    end)
  end)
end)
