-- client:map counted conversations that wait for a person's confirmation, or that were paused, as done: a program that
-- ends with `results.failed == 0` told nobody about them.
local errors = require "openhands.errors"
local in_process = require "spec.support.in_process"

describe("map", function()
  for _, state in ipairs { "waiting", "paused" } do
    it("counts a conversation that is " .. state .. " as a failure, and does not start it again", function()
      local client, model = in_process.simulated { api = "v1" }
      local results = assert(client:map({ "finished", state }, function(name)
        return { initial_user_msg = ("[simulate: %s]"):format(name) }
      end, { retry = 2 }))
      assert.same({ 1, 1 }, { results.done, results.failed })
      local err = results[2]
      assert.is_true(errors.is(err))
      assert.same({ "conflict", state, 2 }, { err.kind, err.conversation.state, #model.starts })
      assert.matches(err.conversation.url, err.message, 1, true)
      assert.is_true(math.abs(results.cost - results[1].cost - (err.conversation.cost or 0)) < 1e-9)
    end)
  end
end)
