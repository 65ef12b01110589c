-- A worker with `after = "delete"` that ended between the deletion of a conversation and the end of its run in the
-- ledger: the next one took the run for failed, without the answer, and `retry` would have started the work again.
local databases = require "spec.support.ledger_databases"
local openhands = require "openhands"
local simulator = require "openhands.simulator"

describe("a fleet that deletes what has ended", function()
  local with_ledger = databases.specs(it, pending, after_each)

  -- Returns a client of a model. Its worker dies once it has asked for a deletion, before that is sent or afterwards.
  local function client_of(model, is_late)
    local inner, is_dead = simulator.transport(model), false
    local transport = setmetatable({}, { __index = inner })
    function transport.request(_, request)
      if is_dead then error("the worker is dead", 0) end
      is_dead = is_late ~= nil and request.method == "DELETE"
      local answer = (not is_dead or is_late) and inner:request(request)
      return answer and not is_dead and answer or error("the worker dies", 0)
    end
    return openhands.new { transport = transport, api_key = "sk-canary-0123456789", api = "v1", grace = 2 }
  end

  for _, outcome in ipairs { "finished", "error" } do
    for _, is_late in ipairs { false, true } do
      with_ledger(("knows the end, %s, when a worker has died %s deleting it"):format(outcome,
        is_late and "after" or "before"), function(database)
        local run_sql, close = databases.connect(database)
        local model = simulator.model { api = "v1", outcome = outcome }
        local function open(client)
          return assert(client:fleet { name = "f", ledger = database.address, account = "a", after = "delete" })
        end
        local fleet = open(client_of(model, is_late))
        assert(fleet:add { key = "k", initial_user_msg = "Fix it." })
        assert.is_false((pcall(fleet.run, fleet)))
        run_sql "update openhands_runs set lease_until = 0 where slot = 1"
        fleet.ledger:close()

        local client = client_of(model)
        fleet = open(client)
        local run = assert(fleet:run { timeout = 2000 }).runs[1]
        assert.same({ outcome == "finished" and "done" or "failed", 1 }, { run.state, model:jobs() })
        if outcome == "finished" then
          assert.matches("^Done%.", run.answer)
        else
          assert.is_string(run.error)
          assert.not_matches("knows no conversation", run.error)
        end
        assert.is_nil((client:list():next()))
        fleet:close()
        client:close()
        close()
      end)
    end
  end
end)
