-- One of the tasks that wait for conversations polls for all of them. It must be replaced when it is held up.
local in_process = require "spec.support.in_process"
local openhands = require "openhands"
local simulator = require "openhands.simulator"

local job = { initial_user_msg = "job" }

describe("the task that polls", function()
  it("is replaced when it is held up beyond the time of its request", function()
    local slow, client = false, nil
    local function key()
      if slow then
        slow = false
        client:sleep(1000)
      end
      return "any"
    end
    local transport, asked = simulator.transport(simulator.model()), 0
    local now = transport.now
    function transport.now()
      asked = asked + 1
      if asked > 100000 then error "time stands still" end
      return now()
    end
    client = openhands.new { transport = transport, api = "v1", api_key = key }
    local one, two = assert(client:start(job)), assert(client:start(job))
    slow = true
    local first, second = client:spawn(client.wait, client, one), client:spawn(client.wait, client, two)
    assert.equal("finished", assert(second:wait()).state)
    assert.equal("finished", assert(first:wait()).state)
  end)

  it("is replaced when an error has ended it", function()
    local client, list = in_process.simulated { api = "v1" }, {}
    for i = 1, 3 do list[i] = assert(client:start { initial_user_msg = "number " .. i }) end
    local raises, settings = true, client._settings
    settings.random = function()
      if raises then
        raises = false
        error "once"
      end
      return 0.5
    end
    local states = {}
    for i, conversation in ipairs(list) do
      client:spawn(function() states[i] = client:wait(conversation, { deadline = 1e6 }).state end)
    end
    client:sleep(120)
    local finished = 0
    for i = 1, 3 do finished = finished + (states[i] == "finished" and 1 or 0) end
    assert.is_true(finished >= 2)
  end)
end)
