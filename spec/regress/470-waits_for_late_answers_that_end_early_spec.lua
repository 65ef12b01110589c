-- A wait for a late answer went on without ever yielding when its client was closed or its task was cancelled: each
-- reading of the answer failed at once, and the next one was scheduled.

local in_process = require "spec.support.in_process"
local simulator = require "openhands.simulator"

local MOST_TURNS = 1000

-- A client whose service never shows the answer, while the conversation's own server is out of reach.
local function without_answer(model)
  return in_process.altered(model, "/events", function(_, request)
    if not request.path:find "^/api/v1/" then return { class = "connect", sent = false, reason = "down" } end
    return in_process.json '{"items":[],"next_page_id":null}'
  end)
end

-- Runs a wait in a task and ends it by a function, five seconds after the conversation has settled.
local function ended_by(finish)
  local client = without_answer(simulator.model {})
  local conversation, is_settled, turns = assert(client:start { initial_user_msg = "x" }), false, 0
  local now = client._loop.now
  client._loop.now = function()
    turns = turns + 1
    assert(turns < 100 * MOST_TURNS, "the wait never ends")
    return now()
  end
  local task = client:spawn(function()
    return client:wait(conversation, {
      interval = 0.1,
      on_change = function(each) is_settled = each.settled end,
    })
  end)
  client:spawn(function()
    repeat client:sleep(0.25) until is_settled
    client:sleep(5)
    turns = 99 * MOST_TURNS
    finish(client, task)
  end):wait()
  return task:wait()
end

local ends = {
  ["its client is closed"] = function(client) client:close() end,
  ["its task is cancelled"] = function(_, task) task:cancel() end,
}

describe("a wait for a late answer", function()
  for name, finish in pairs(ends) do
    it("ends with the conversation when " .. name, function()
      local conversation = assert(ended_by(finish))
      assert.same({ "finished", nil }, { conversation.state, conversation.answer })
    end)
  end
end)
