-- A conversation that was deleted while a wait looked again at it, since it had fallen asleep: the wait returned it as
-- "paused".
local openhands = require "openhands"
local simulator = require "openhands.simulator"

describe("a wait for a conversation that was deleted after it had fallen asleep", function()
  -- Returns what a wait returns. Another client, or the same one, deletes the conversation after the first look.
  local function waited(is_own)
    local model = simulator.model { api = "v1", event_lag = 1000, outcome = "paused" }
    local function client_of(transport)
      return openhands.new { transport = transport, api_key = "sk-canary-0123456789", api = "v1", grace = 2 }
    end
    local inner, has_looked = simulator.transport(model), false
    local transport = setmetatable({}, { __index = inner })
    function transport.request(_, request)
      has_looked = has_looked or request.path:find "/events/search$" ~= nil
        and model:conversations()[1].sandbox_status == "PAUSED"
      return inner:request(request)
    end
    local client = client_of(transport)
    local started = assert(client:start { initial_user_msg = "x" })
    client:spawn(function()
      repeat client:sleep(1) until has_looked
      assert((is_own and client or client_of(inner)):delete(started.conversation_id))
    end)
    return client:wait(started)
  end

  it("says that it is not there any more", function()
    for _, is_own in ipairs { false, true } do
      local conversation, err = waited(is_own)
      assert.is_nil(conversation)
      assert.equal("not_found", err.kind)
    end
  end)
end)
