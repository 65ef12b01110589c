-- The message to go on whose answer was lost was sent once more, while the agent worked on it already. And one failure
-- of the service while it resumed a sandbox ended the run as failed.
local databases = require "spec.support.ledger_databases"
local openhands = require "openhands"
local simulator = require "openhands.simulator"

if not databases.is_supported "SQLite" then
  return describe("a run", function() it("goes on once", function() pending "LuaDBI is missing" end) end)
end

describe("a run that was paused", function()
  local open, current = databases.fleet_specs(before_each, after_each)

  -- Runs a fleet of one item; `spoil` changes answers. Returns the run, the messages that have come, and the model.
  local function run(options, spoil)
    options.api, options.outcome = "v1", "paused"
    local model = simulator.model(options)
    local inner, messages = simulator.transport(model), 0
    local transport = setmetatable({}, { __index = inner })
    function transport.request(_, request)
      local answer = inner:request(request)
      if request.path:find "/send%-message$" and answer.status == 200 then messages = messages + 1 end
      return spoil(request, answer, model) or answer
    end
    local client = openhands.new { transport = transport, api_key = "sk-canary-0123456789", api = "v1", grace = 2 }
    local fleet = open(client, { ledger = current.database.address })
    assert(fleet:add { key = "k", initial_user_msg = "Fix it." })
    local done = assert(fleet:run { timeout = 20000 }).runs[1]
    client:close()
    return done, messages, model
  end

  for _, lag in ipairs { 0, 30 } do
    it(("gets one message if its answer is lost, with events %d s late"):format(lag), function()
      local is_lost = false
      local done, messages = run({ event_lag = lag }, function(request, _, model)
        if request.path:find "/send%-message$" and not is_lost then
          is_lost = true
          model:advance(20)
          return { class = "timeout", sent = true }
        end
      end)
      assert.same({ "done", 1, true }, { done.state, messages, is_lost })
    end)
  end

  for name, failure in pairs {
    ["a bad gateway"] = { status = 502, headers = { ["content-type"] = "text/html" }, body = "<html>" },
    ["no answer"] = { class = "timeout", sent = true },
  } do
    it("is resumed again after " .. name, function()
      local left = 3
      local done, messages, model = run({}, function(request)
        if request.path:find "/resume$" and left > 0 then
          left = left - 1
          return failure
        end
      end)
      assert.same({ "done", 1, 0, 1 }, { done.state, messages, left, model:jobs() })
    end)
  end

  it("fails if it cannot be resumed at all", function()
    local done, messages = run({}, function(request)
      return request.path:find "/resume$" and { status = 500, headers = {}, body = "" } or nil
    end)
    assert.same({ "failed", 0 }, { done.state, messages })
    assert.matches("^it was paused, and cannot be resumed: resume: ", done.error)
  end)
end)
