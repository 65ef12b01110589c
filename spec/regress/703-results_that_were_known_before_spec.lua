-- A worker that had read the result of an item, had paused its sandbox, and had ended before it could end the item: the
-- next one, to which the service showed no events of it, put an empty result in place of the one in the ledger.
local databases = require "spec.support.ledger_databases"
local openhands = require "openhands"
local simulator = require "openhands.simulator"

describe("a worker that takes over an item which has ended", function()
  local with_ledger = databases.specs(it, pending, after_each)

  -- Returns a client of a model. `change` is given each request; what it returns is answered instead.
  local function client_of(model, change)
    local inner = simulator.transport(model)
    local transport = setmetatable({}, { __index = inner })
    function transport.request(_, request)
      return change(request, inner) or inner:request(request)
    end
    return openhands.new { transport = transport, api_key = "sk-canary-0123456789", api = "v1", grace = 2 }
  end

  with_ledger("keeps the result that is in the ledger", function(database)
    local run_sql, close = databases.connect(database)
    local model = simulator.model { api = "v1" }
    local function open(client)
      return assert(client:fleet { name = "f", ledger = database.address, account = "a" })
    end
    local is_dead = false
    local fleet = open(client_of(model, function(request, inner)
      if is_dead then error("the worker is dead", 0) end
      if request.path:find "/pause$" then
        is_dead = true
        inner:request(request)
        error("the worker dies", 0)
      end
    end))
    assert(fleet:add { key = "k", initial_user_msg = "Fix it." })
    assert.is_false((pcall(fleet.run, fleet)))
    run_sql "update openhands_runs set lease_until = 0 where slot = 1"
    fleet.ledger:close()

    local client = client_of(model, function(request)
      if request.path:find "/events" then
        return { status = 200, headers = { ["content-type"] = "application/json" }, body = '{"items":[]}' }
      end
    end)
    fleet = open(client)
    local run = assert(fleet:run { timeout = 2000 }).runs[1]
    assert.same({ "done", 1 }, { run.state, model:jobs() })
    assert.matches("^Done%.", run.answer)
    fleet:close()
    client:close()
    close()
  end)
end)
