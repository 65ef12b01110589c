-- Waits for several conversations at once.
local in_process = require "spec.support.in_process"

local ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"
local UNKNOWN = ("0123456789abcdef"):rep(2)

local function start(client, prompt, api)
  return assert(client:start({ initial_user_msg = prompt }, { api = api }))
end

local function states_of(list)
  local states = {}
  for place, conversation in ipairs(list) do states[place] = conversation and conversation.state end
  return states
end

local function paths(model, first)
  local list = {}
  for place = first, #model.requests do list[#list + 1] = model.requests[place].path end
  return list
end

describe("wait_all", function()
  it("returns all in the order given, settled, with their answers", function()
    local client = in_process.simulated { api = "v1" }
    local list = {}
    for place, prompt in ipairs { "x", "[simulate: error]", "[simulate: idle]", "[simulate: waiting]" } do
      list[place] = start(client, prompt)
    end
    local all = assert(client:wait_all(list))
    assert.same({ "finished", "failed", "finished", "waiting" }, states_of(all))
    assert.equal("Done. Opened pull request 7.", all[1].answer)
    assert.matches("refused the key", all[2].detail)
    assert.equal("There was nothing to change.", all[3].answer)
    for place, conversation in ipairs(list) do
      assert.equal(conversation.conversation_id, all[place].conversation_id)
    end
  end)

  it("takes ids and conversations, of V0 and of V1", function()
    local client = in_process.simulated()
    local one, other = start(client, "x", "v0"), start(client, "x", "v1")
    local all = assert(client:wait_all { one.conversation_id, other })
    assert.same({ "v0", "v1" }, { all[1].api, all[2].api })
    assert.same({ "finished", "finished" }, states_of(all))
  end)

  it("requests a hundred in two batches", function()
    local client, model = in_process.simulated { api = "v1" }
    local list = {}
    for place = 1, 100 do list[place] = start(client, "[simulate: slow]") end
    model:advance(200)
    client:wait_all(list, { timeout = 0, interval = 1 }) -- now they are known to be ready
    local first = #model.requests + 1
    client:wait_all(list, { timeout = 0 })
    assert.same({ "/api/v1/app-conversations", "/api/v1/app-conversations" }, paths(model, first))
  end)

  it("asks for one that has become ready in the same moment", function()
    local client, model = in_process.simulated { api = "v1" }
    local list = { start(client, "x"), start(client, "x") }
    model:advance(17)
    local first = #model.requests + 1
    client:wait_all(list, { timeout = 0 })
    assert.same({ "/api/v1/app-conversations/start-tasks", "/api/v1/app-conversations" }, paths(model, first))
    assert.equal("running", client:status(list[1]).state)
  end)

  it("finds those that are not listed yet with one search", function()
    local client, model, transport = in_process.simulated { api = "v1" }
    local ids = {}
    for place = 1, 20 do ids[place] = start(client, "x").conversation_id end
    local other = in_process.simulated({ api = "v1" }, { transport = transport })
    local first = #model.requests + 1
    local _, err = other:wait_all(ids, { timeout = 0 })
    assert.equal("timeout", err.kind)
    for _, conversation in ipairs(err.conversations) do assert.equal("starting", conversation.state) end
    assert.equal(4, #paths(model, first)) -- listed? a task's id? one of its requests? and before that, the dialect
  end)

  it("goes on when one fails, and says which and why", function()
    local client = in_process.simulated { api = "v1" }
    local list = { start(client, "x"), UNKNOWN, start(client, "[simulate: idle]") }
    local all, err = client:wait_all(list)
    assert.is_nil(all)
    assert.same({ "not_found", false, "wait_all" }, { err.kind, err.retryable, err.operation })
    assert.same({ "finished", false, "finished" }, states_of(err.conversations))
    assert.is_nil(err.errors[1])
    assert.same({ "not_found", UNKNOWN }, { err.errors[2].kind, err.errors[2].conversation_id })
    assert.matches("1 of 3 conversations have not settled", err.message)
  end)

  it("that runs out of time keeps what it has", function()
    local client, model = in_process.simulated { api = "v1" }
    local list = { start(client, "[simulate: error]"), start(client, "[simulate: slow]") }
    local all, err = client:wait_all(list, { timeout = 50 })
    assert.is_nil(all)
    assert.same({ "timeout", true }, { err.kind, err.retryable })
    assert.same({ "failed", "starting" }, states_of(err.conversations))
    assert.matches("refused the key", err.conversations[1].detail)
    assert.same({ "timeout" }, { err.errors[2].kind })
    assert.equal(50, model:time())
    assert.same({ "failed", "finished" }, states_of(assert(client:wait_all(list))))
  end)

  it("has the kind of the one that failed rather than of those without time", function()
    local client = in_process.simulated { api = "v1" }
    local _, err = client:wait_all({ start(client, "[simulate: slow]"), UNKNOWN }, { timeout = 20 })
    assert.equal("not_found", err.kind)
    assert.equal("timeout", err.errors[1].kind)
  end)

  it("reads the answers of what settled, though its time is over by then", function()
    local client = in_process.simulated { api = "v1" }
    local list = {}
    for place = 1, 20 do list[place] = start(client, "x") end
    local all = assert(client:wait_all(list, { timeout = 75 }))
    for _, conversation in ipairs(all) do assert.is_string(conversation.answer) end
  end)

  it("tells on_change of each", function()
    local client = in_process.simulated { api = "v1" }
    local list, seen = { start(client, "x"), start(client, "[simulate: error]") }, {}
    assert(client:wait_all(list, {
      on_change = function(now, previous)
        local place = now.conversation_id == list[1].conversation_id and 1 or 2
        seen[#seen + 1] = ("%d %s>%s"):format(place, previous, now.state)
      end,
    }))
    table.sort(seen)
    assert.same({
      "1 running>finished", "1 starting>running", "2 running>failed", "2 starting>running",
    }, seen)
  end)

  it("gives a failed batch's error to each, as one of its own", function()
    local client, _, transport = in_process.simulated { api = "v1" }
    local list = { start(client, "x"), start(client, "x") }
    local refusal = in_process.json('{"error":"NoCredentialsError"}', 401)
    transport.faults = { { point = "before", response = refusal, count = -1 } }
    local _, err = client:wait_all(list)
    assert.same({ "authentication", 401 }, { err.kind, err.status })
    assert.equal(list[1].conversation_id, err.errors[1].conversation_id)
    assert.equal(list[2].conversation_id, err.errors[2].conversation_id)
  end)

  it("outlives batches that fail for a while", function()
    local client, model, transport = in_process.simulated { api = "v1" }
    local list = { start(client, "x"), start(client, "x") }
    transport.faults = {
      { point = "before", response = in_process.json("x", 500), count = 5 },
      { point = "before", response = in_process.json("{}", 429, { { "Retry-After", "7" } }), count = 5 },
      { point = "before", class = "timeout", count = 5 },
    }
    assert.same({ "finished", "finished" }, states_of(assert(client:wait_all(list))))
    local longest = 0
    for place = 4, 18 do longest = math.max(longest, model.requests[place].time - model.requests[place - 1].time) end
    assert.is_true(longest >= 7 and longest < 15, longest)
  end)

  it("keeps an id that V1 refuses out of the batches of the others", function()
    local client = in_process.simulated { api = "v1" }
    local _, err = client:wait_all { start(client, "x"), "no-uuid" }
    assert.equal("finished", err.conversations[1].state)
    assert.equal("invalid", err.errors[2].kind)
  end)

  it("takes a batch whose answer is short, long or in disorder for what it holds", function()
    local item = '{"id":"%s","sandbox_id":"s","sandbox_status":"RUNNING","execution_status":"finished"}'
    local ids = {}
    for place = 1, 3 do ids[place] = ("%032x"):format(place) end
    for _, order in ipairs { { 3, 1, 2 }, { 2, 3, 1, 1 }, { 1, 2, 3, 3, 3 } } do
      local client = in_process.scripted(function(request)
        if request.path:find "/events/" then return in_process.json '{"items":[],"next_page_id":null}' end
        local items = {}
        for place, number in ipairs(order) do items[place] = item:format(ids[number]) end
        return in_process.json("[" .. table.concat(items, ",") .. "]")
      end, { api = "v1" })
      local all = assert(client:wait_all(ids))
      for place, conversation in ipairs(all) do assert.equal(ids[place], conversation.conversation_id) end
    end
  end)
end)

describe("wait_any", function()
  it("returns the first that settles, and its place", function()
    local client = in_process.simulated { api = "v1" }
    local list = { start(client, "[simulate: slow]"), start(client, "x"), start(client, "[simulate: error]") }
    local first, place = assert(client:wait_any(list))
    assert.same({ "failed", 3 }, { first.state, place })
    assert.matches("refused the key", first.detail)
    first, place = assert(client:wait_any { list[1], list[2] })
    assert.same({ "finished", 2 }, { first.state, place })
    assert.same({}, client._poller._cohorts:list(0))
  end)

  it("returns the error of one that cannot be waited for, and its place", function()
    local client = in_process.simulated { api = "v1" }
    local first, err, place = client:wait_any { start(client, "x"), UNKNOWN }
    assert.is_nil(first)
    assert.same({ "not_found", 2 }, { err.kind, place })
  end)

  it("that runs out of time says how all were seen last", function()
    local client, model = in_process.simulated { api = "v1" }
    local list = { start(client, "[simulate: slow]"), start(client, "x") }
    local first, err, place = client:wait_any(list, { timeout = 20 })
    assert.is_nil(first)
    assert.is_nil(place)
    assert.same({ "timeout", true, "wait_any" }, { err.kind, err.retryable, err.operation })
    assert.same({ "starting", "running" }, states_of(err.conversations))
    assert.matches("none of 2 conversations has settled", err.message)
    assert.equal(20, model:time())
  end)

  it("takes V0 and V1 together", function()
    local client = in_process.simulated()
    local first, place = assert(client:wait_any { start(client, "[simulate: slow]", "v1"), start(client, "x", "v0") })
    assert.same({ "v0", 2 }, { first.api, place })
  end)
end)

describe("the caller's mistakes with several:", function()
  local wrong = {
    ["no list"] = { ID, "needs a list of conversations or their ids, not a string" },
    ["nothing"] = { nil, "needs a list of conversations or their ids, not a nil" },
    ["an empty list"] = { {}, "the list of conversations is empty" },
    ["a table with names"] = { { a = ID }, "the list of conversations is empty" },
    ["names besides the list"] = { { ID, name = UNKNOWN }, "has a hole, or the key 'name'" },
    ["something that is no id"] = { { ID, 7 }, "number 2: needs a conversation or its id, not a number" },
    ["an id with a slash"] = { { ID, "a/b" }, "number 2: not an id" },
    ["the same twice"] = { { ID, UNKNOWN, ID:upper() }, "items 1 and 3 of the list are the same conversation" },
  }
  for _, name in ipairs { "wait_all", "wait_any" } do
    for what, row in pairs(wrong) do
      local good_for_nothing = what == "an empty list" and name == "wait_all" -- all of none have settled
      if not good_for_nothing then it(("%s, to %s"):format(what, name), function()
        local client, requests = in_process.scripted(function() return in_process.json "null" end, { api = "v0" })
        local good, message = pcall(function() client[name](client, row[1]) end)
        assert.is_false(good)
        assert.is_truthy(message:find(row[2], 1, true), message)
        assert.is_truthy(message:find("several_spec.lua:", 1, true), message)
        assert.equal(0, #requests)
      end) end
    end

    it("a conversation instead of a list, or options that are none, to " .. name, function()
      local client = in_process.simulated { api = "v1" }
      local conversation = start(client, "x")
      assert.has_error(function() client[name](client, conversation) end)
      for pattern, options in pairs {
        ["unknown option 'intervall'"] = { intervall = 1 },
        [name .. ": 'timeout' must be a number"] = { timeout = -1 },
        [name .. ": 'on_change' must be a function"] = { on_change = 1 },
      } do
        local good, message = pcall(client[name], client, { ID }, options)
        assert.is_false(good)
        assert.matches(pattern, message)
      end
    end)
  end
end)
