-- A debug hook raised an error (as for Ctrl-C) while a result was being returned, and the result was lost. The program
-- then did not know the job that it had started.

local core = require "openhands.core"
local core_client = require "spec.support.core_client"

describe("a result", function()
  it("is not lost to a hook that raises, as Ctrl-C does", function()
    local client = core_client.new()
    local interruptions = 0
    for moment = 1, 8 do
      local number = core.start(client, { initial_user_msg = "x" }, { api = "v0" })
      client:outgoing()
      client:answer(number, core_client.json '{"conversation_id":"x"}')
      local calls, at_work = 0, true
      debug.sethook(function()
        if calls > 0 or debug.getinfo(2, "f").func == client.next then
          calls = calls + 1
        end
        if at_work and calls == moment then
          debug.sethook()
          error "interrupted!"
        end
      end, "c")
      local good, finished, value = pcall(client.next, client)
      at_work = false
      debug.sethook()
      if not good then
        assert.matches("interrupted!", finished)
        interruptions = interruptions + 1
        finished, value = client:next()
      end
      assert.equal(number, finished)
      assert.equal("x", value and value.conversation_id)
    end
    assert.is_true(interruptions >= 2)
    client:close()
  end)
end)
