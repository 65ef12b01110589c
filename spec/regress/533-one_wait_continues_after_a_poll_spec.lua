-- The end of each poll woke all waits that were due. So a round of polls for a thousand waits took longer than the
-- pause until the next, and what the waits had got was kept beside what they had before.
local in_process = require "spec.support.in_process"

local COUNT, ROUNDS, INTERVAL = 495, 4, 4
local BATCHES = 5

describe("of many waits that are due", function()
  it("only one continues when a poll ends", function()
    local client, requests = in_process.scripted(in_process.running, { api = "v1" })
    local awaited, await = 0, client._loop.await
    client._loop.await = function(...)
      awaited = awaited + 1
      return await(...)
    end
    local tasks, options = {}, { interval = INTERVAL, timeout = (ROUNDS - 0.5) * INTERVAL }
    for place = 1, COUNT do
      local id = ("a"):rep(20) .. ("%012x"):format(place)
      tasks[place] = client:spawn(function() return client:wait(id, options) end)
    end
    for _, task in ipairs(tasks) do
      local done, err = task:wait()
      assert(not done and err.kind == "timeout", err and err.message)
    end
    assert.equal(BATCHES * ROUNDS + 1, #requests) -- the first wait begins alone
    -- For each delivery, a wait has waited until it was due, and for its turn.
    assert.is_true(awaited <= 2.2 * ROUNDS * COUNT, awaited)
  end)
end)
