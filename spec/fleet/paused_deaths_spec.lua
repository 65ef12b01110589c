-- A worker ends at each request while its conversation is paused and resumed: killed, or interrupted and closed.
-- Another one goes on. The agent gets the message to continue once.
local databases = require "spec.support.ledger_databases"
local openhands = require "openhands"
local simulator = require "openhands.simulator"

local COUNT = 1 -- items
local MOST_POINTS = 200

describe("fleets whose conversations are paused", function()
  local with_ledger = databases.specs(it, pending, after_each)

  -- Returns a client of a model, whose worker dies at a request: before it is sent, or after it was answered.
  local function client_of(model, point, is_late)
    local inner, requests = simulator.transport(model), 0
    local transport = setmetatable({}, { __index = inner })
    function transport.request(_, request)
      requests = requests + 1
      if requests == point and not is_late or requests > point then error("the worker dies", 0) end
      local answer = inner:request(request)
      if requests == point then error("the worker dies", 0) end
      return answer
    end
    return openhands.new { transport = transport, api_key = "sk-canary-0123456789", api = "v1", grace = 2 }
  end

  local function messages(model)
    local count = 0
    for _, request in ipairs(model.requests) do
      local is_message = request.method == "POST"
        and tostring(request.body):find("Continue with your task", 1, true)
      count = count + (is_message and 1 or 0)
    end
    return count
  end

  local function continue_once(is_killed, is_late)
    local title = ("continue once, when a worker is %s %s a request"):format(is_killed and "killed" or "closed",
      is_late and "after" or "at")
    with_ledger(title, function(database)
      local run_sql, close = databases.connect(database)
      local point, has_died = 1, true
      while has_died do
        assert.is_true(point < MOST_POINTS)
        local model = simulator.model { api = "v1", outcome = "paused" }
        local name = "f" .. point
        local function open(client)
          return assert(client:fleet { name = name, ledger = database.address, account = name })
        end
        local client = client_of(model, point, is_late)
        local fleet = open(client)
        for place = 1, COUNT do assert(fleet:add { key = "k" .. place, initial_user_msg = "x" }) end
        has_died = not pcall(fleet.run, fleet)
        run_sql "update openhands_runs set lease_until = 0 where slot = 1"
        if is_killed then
          fleet.ledger:close() -- nothing more comes from it
        else
          fleet:close()
        end
        client = client_of(model, math.huge)
        fleet = open(client)
        assert.equal(COUNT, assert(fleet:run { timeout = 20000 }).done, "at request " .. point)
        assert.same({ COUNT, COUNT }, { model:jobs(), messages(model) }, "at request " .. point)
        fleet:close()
        point = point + 1
      end
      close()
    end)
  end

  for _, is_killed in ipairs { true, false } do
    for _, is_late in ipairs { false, true } do
      continue_once(is_killed, is_late)
    end
  end
end)
