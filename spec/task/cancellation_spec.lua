-- Cancelling tasks: in virtual time, on the simulator's model; one case on a real connection.
local in_process = require "spec.support.in_process"
local openhands = require "openhands"
local simulator = require "openhands.simulator"

local function started(options, count)
  local client, model = in_process.simulated(options or { api = "v1" })
  local list = {}
  for i = 1, count or 0 do
    list[i] = assert(client:start { initial_user_msg = "number " .. i })
  end
  return client, model, list
end

local is_51 = _VERSION == "Lua 5.1" and not rawget(_G, "jit")

describe("cancelling a task", function()
  it("ends a call in the pause before a retry", function()
    local function unreachable() return { class = "connect", sent = false } end
    local client, requests = in_process.scripted(unreachable, { api = "v1" })
    local task = client:spawn(client.status, client, ("1"):rep(32))
    client:sleep(0.001)
    assert.equal(1, #requests)
    task:cancel()
    local _, err = task:wait()
    assert.equal("cancelled", err.kind)
    assert.equal(1, #requests)
  end)

  it("does not make the library look for a start that was not sent", function()
    local client, model = started { api = "v1" }
    local task = client:spawn(function()
      return client:start { initial_user_msg = "x" }
    end)
    task:cancel()
    local _, err = task:wait()
    assert.equal("cancelled", err.kind)
    assert.equal(0, model:jobs())
  end)

  it("makes each further call in it raise", function()
    local client = started()
    local calls = {}
    local task = client:spawn(function()
      calls[1] = select(2, client:sleep(10)).kind
      local good, err = pcall(client.sleep, client, 10)
      calls[2], calls[3] = good, err.kind
      good, err = pcall(client.status, client, ("1"):rep(32))
      calls[4], calls[5] = good, err.kind
      return "to its end"
    end)
    client:sleep(1)
    task:cancel()
    if is_51 then
      task:wait() -- pcall does no harm here: the calls raise before they wait
    end
    assert.equal("to its end", task:wait())
    assert.same({ "cancelled", false, "cancelled", false, "cancelled" }, calls)
  end)

  it("leaves it able to spawn another one, e.g. to clean up", function()
    local client, done = started(), false
    local task = client:spawn(function()
      client:sleep(100)
      client:spawn(function()
        client:sleep(1)
        done = true
      end)
    end)
    client:sleep(1)
    task:cancel()
    task:wait()
    client:sleep(2)
    assert.is_true(done)
  end)

  it("while its listener runs still ends it", function()
    local server = simulator.spawn { pace = 0.05 }
    local client = openhands.new { base_url = server.address, api_key = "any", api = "v1", grace = 0.05 }
    local task
    task = client:spawn(function()
      return client:start({ initial_user_msg = "x" }, { on_progress = function() task:cancel() end })
    end)
    local conversation, err = task:wait(20)
    assert.is_truthy(conversation or err.kind == "ambiguous" or err.kind == "cancelled")
    assert.equal(0, client._core:in_flight())
    client:close()
    server:close()
  end)

  it("that polls for several tasks does not end the waits of the others", function()
    local client, model, list = started({ api = "v1" }, 6)
    local states, tasks = {}, {}
    for i, conversation in ipairs(list) do
      tasks[i] = client:spawn(function()
        local done, err = client:wait(conversation)
        states[i] = done and done.state or err.kind
      end)
    end
    local cancelled = 0
    while not states[6] do
      client:sleep(0.4)
      if cancelled < 5 then
        cancelled = cancelled + 1
        tasks[cancelled]:cancel()
      end
    end
    assert.same({ "cancelled", "cancelled", "cancelled", "cancelled", "cancelled", "finished" }, states)
    assert.equal(6, model:jobs())
  end)

  it("during a request for several tasks cancels no other task", function()
    local client, model, list = started({ api = "v1" }, 3)
    local transport, victim, states = client._settings.transport, nil, {}
    local request = transport.request
    local tasks = {}
    for i, conversation in ipairs(list) do
      tasks[i] = client:spawn(function()
        local done, err = client:wait(conversation)
        states[i] = done and done.state or err.kind
      end)
    end
    function transport.request(self, asked)
      local _, count = (asked.query or ""):gsub("ids=", "")
      if count == 3 and not victim then
        for i, task in ipairs(tasks) do
          victim = task._waits_for and task._waits_for.number and i or victim -- the one that polls for all three
        end
        tasks[victim]:cancel()
      end
      return request(self, asked)
    end
    for _, task in ipairs(tasks) do task:wait() end
    for i = 1, 3 do assert.equal(i == victim and "cancelled" or "finished", states[i]) end
    assert.equal(3, model:jobs())
  end)
end)
