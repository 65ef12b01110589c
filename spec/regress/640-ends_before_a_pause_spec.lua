-- The sandbox of a run that has ended is paused. After that, the service tells no state of the agent, and the
-- conversation counted as paused, not as finished: in `wait`, in the status, in the list of the command.
local cjson = require "cjson"
local in_process = require "spec.support.in_process"
local openhands = require "openhands"
local simulator = require "openhands.simulator"

-- Returns another client of the same service, which remembers nothing.
local function other(model, settings)
  local all = { transport = simulator.transport(model), api_key = "sk-canary-0123456789", api = "v1" }
  for name, value in pairs(settings or {}) do all[name] = value end
  return openhands.new(all)
end

-- Returns a client, and the id of a conversation whose sandbox was paused after its work had ended.
local function slept(prompt)
  local client, model, transport = in_process.simulated({ api = "v1" }, { api = "v1" })
  local done = assert(client:run { initial_user_msg = prompt or "x" })
  assert(client:pause(done))
  return client, done.conversation_id, model, transport
end

local function requests(transport, pattern)
  local count = 0
  for _, path in ipairs(transport.seen) do count = count + (path:find(pattern) and 1 or 0) end
  return count
end

-- Returns a client of a service that counts requests.
local function counting(model)
  local seen = {}
  local client = in_process.altered(model, "", function(_, request) seen[#seen + 1] = request.path end)
  return client, { seen = seen }
end

describe("a conversation whose sandbox was paused", function()
  it("has finished for those who wait, if its events tell so", function()
    local _, id, model = slept()
    local states = {}
    local done = assert(other(model):wait(id, { on_change = function(now) states[#states + 1] = now.state end }))
    assert.same({ "finished", true, "PAUSED", "STOPPED" },
      { done.state, done.settled, done.sandbox_status, done.status })
    assert.matches("^Done%.", done.answer)
    assert.same({ "finished" }, states)
    assert.equal("finished", assert(other(model):wait_all { id })[1].state)
  end)

  it("has failed if its events tell so, with the reason", function()
    local _, id, model = slept "x [simulate: error]"
    local done = assert(other(model):wait(id))
    assert.same({ "failed", "the model provider refused the key" }, { done.state, done.detail })
  end)

  it("is paused if its work had not ended", function()
    local client, model = in_process.simulated({ api = "v1" }, { api = "v1" })
    local done = assert(client:run { initial_user_msg = "x [simulate: paused]" })
    assert.same({ "paused", true }, { done.state, done.settled })
    assert.equal("paused", assert(other(model):status(done.conversation_id)).state)
    local waiting = assert(client:run { initial_user_msg = "x [simulate: waiting]" })
    assert(client:pause(waiting))
    local states = {}
    local note = function(now) states[#states + 1] = now.state end
    assert.equal("paused", assert(other(model):wait(waiting.conversation_id, { on_change = note })).state)
    assert.same({ "paused" }, states)
  end)

  it("is paused for those who pause it, and for the list, which tells what the service tells", function()
    local client, id, model = slept()
    assert.equal("paused", assert(client:pause(id)).state)
    assert.equal("paused", assert(other(model):list():next()).state)
    assert.equal("paused", assert(other(model):get(id))[id].state)
  end)

  it("has finished in its status, at the cost of one request", function()
    local _, id, model = slept()
    local client, transport = counting(model)
    assert.equal("finished", assert(client:status(id)).state)
    assert.equal(1, requests(transport, "/events/search"))
  end)

  it("is paused if a message came after its end", function()
    local client, id, model = slept()
    assert(client:resume(id, { send = "Go on. [simulate: slow]" }))
    local found
    repeat found = assert(client:status(id)); client:sleep(1) until found.state == "running"
    assert(client:pause(id))
    assert.equal("paused", assert(client:wait(id)).state)
    assert.equal("paused", assert(other(model):wait(id)).state)
  end)

  it("is paused while the events do not show this client's message", function()
    local starter, model = in_process.simulated({ api = "v1" }, { api = "v1" })
    local id = assert(starter:run { initial_user_msg = "x" }).conversation_id
    local is_late = true
    local client = in_process.altered(model, "/events/search", function(answer)
      local page, items = cjson.decode(answer.body), {}
      for _, each in ipairs(page.items) do
        if not (is_late and cjson.encode(each):find("Go on.", 1, true)) then items[#items + 1] = each end
      end
      page.items = items
      return { status = answer.status, headers = answer.headers, body = cjson.encode(page) }
    end)
    assert(client:send(id, "Go on. [simulate: slow]"))
    model:pause(model:find((id:gsub("-", ""))))
    assert.equal("paused", assert(client:status(id)).state)
    assert.equal("paused", assert(client:wait(id)).state)
    is_late = false
    assert.equal("paused", assert(client:status(id)).state)
  end)

  it("is read by _find_ends once, and again while its end may come late", function()
    local _, _, model = slept()
    local client, transport = counting(model)
    local function state()
      local page = assert(client:list():page())
      client:_find_ends(page)
      return page[1].state
    end
    assert.same({ "finished", "finished", 1 }, { state(), state(), requests(transport, "/events/search") })
    local page = assert(client:list():page())
    client:_find_ends(page, true)
    assert.equal("finished", page[1].state)

    -- The number of readings does not depend on those before the pause.
    local memory = client:_remember(page[1].conversation_id)
    memory.slept_end, memory.events_pause, memory.events_read_of = nil, 60, "another status"
    assert.same({ "finished", 4 }, { state(), memory.events_pause })

    local starter, other_model = in_process.simulated({ api = "v1" }, { api = "v1" })
    assert.equal("paused", assert(starter:run { initial_user_msg = "x [simulate: paused]" }).state)
    client, transport = counting(other_model)
    for _ = 1, 200 do
      assert.equal("paused", state())
      client:sleep(2)
    end
    local count = requests(transport, "/events/search")
    assert.is_true(count >= 4 and count <= 6, count)
  end)
end)

describe("a V0 conversation whose runtime was stopped", function()
  it("has finished for those who ask for its end, if its events tell so", function()
    local client, model = in_process.simulated({ api = "v0" }, { api = "v0" })
    local done = assert(client:run { initial_user_msg = "x" })
    assert.equal("finished", done.state)
    assert(client:stop(done))
    local fresh = other(model, { api = "v0" })
    local page = assert(fresh:list():page())
    assert.is_not.equal("finished", page[1].state)
    fresh:_find_ends(page)
    assert.equal("finished", page[1].state)
    page = assert(fresh:list():page())
    fresh:_find_ends(page, true)
    assert.equal("finished", page[1].state)
  end)
end)
