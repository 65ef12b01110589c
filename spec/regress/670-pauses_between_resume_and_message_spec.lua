-- A sandbox that the service paused once more between its resumption and the message to go on: the message was refused
-- (409), and the run failed, although it could be resumed again.
local databases = require "spec.support.ledger_databases"
local openhands = require "openhands"
local simulator = require "openhands.simulator"

if not databases.is_supported "SQLite" then
  return describe("a run", function() it("is resumed again", function() pending "LuaDBI is missing" end) end)
end

describe("a run whose sandbox is paused before the message to go on", function()
  local open, current = databases.fleet_specs(before_each, after_each)

  -- Runs a fleet of one item, and pauses its sandbox that often before such a message. Returns the run, the number of
  -- such messages that were tried, and the model.
  local function run(pauses)
    local model = simulator.model { api = "v1", outcome = "paused" }
    local inner, tried = simulator.transport(model), 0
    local transport = setmetatable({}, { __index = inner })
    function transport.request(_, request)
      if request.method == "POST" and request.path:find "/send%-message$" then
        tried = tried + 1
        if tried <= pauses then
          model:pause(model:find((model.starts[1].conversation_id:gsub("-", ""))))
        end
      end
      return inner:request(request)
    end
    local client = openhands.new { transport = transport, api_key = "sk-canary-0123456789", api = "v1", grace = 2 }
    local fleet = open(client, { ledger = current.database.address })
    assert(fleet:add { key = "k", initial_user_msg = "Fix it." })
    local done = assert(fleet:run { timeout = 20000 }).runs[1]
    client:close()
    return done, tried, model
  end

  it("is resumed again, and goes on", function()
    local done, tried, model = run(2)
    assert.same({ "done", 3, 1 }, { done.state, tried, model:jobs() })
  end)

  it("fails if that does not end", function()
    local done, tried, model = run(math.huge)
    assert.same({ "failed", true, 1 }, { done.state, tried > 20 and tried < 200, model:jobs() })
    assert.matches("^it was paused, and cannot be resumed: send: ", done.error)
  end)
end)
