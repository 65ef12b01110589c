-- While a worker counted the sandboxes of a slow service, or paused what was live, it renewed no lease: others took its
-- runs over, and did the work again.
local databases = require "spec.support.ledger_databases"
local openhands = require "openhands"
local simulator = require "openhands.simulator"

describe("a worker whose service is slow", function()
  local with_ledger = databases.specs(it, pending, after_each)

  with_ledger("keeps its leases while it counts sandboxes", function(database)
    local server = simulator.spawn { api = "v1", pace = 0.05 }
    local client = openhands.new { base_url = server.address, api_key = "any", api = "v1" }
    local fleet = assert(client:fleet { name = "f", ledger = database.address, account = "a", lease = 3,
      start_interval = 0, interval = 0.1 })
    assert(fleet:add { { key = "a", initial_user_msg = "x" }, { key = "b", initial_user_msg = "x", priority = -1,
      depends_on = "a" } })
    local is_counting, longest = false, 0
    local task = client:spawn(fleet.run, fleet, { on_change = function(run)
      if run.key == "a" and run.state == "running" then
        server:faults { { point = "after_read", action = "delay", seconds = 6, match = { path = "/search" } } }
        fleet._worker.slots:forget_count()
        is_counting = true
      end
    end })
    while not task:done() do
      client:sleep(0.1)
      local totals = assert(fleet.ledger:totals { account_id = "a", fleet = "f" })
      for _, run in ipairs(totals.live) do longest = math.max(longest, totals.now - run.lease_until) end
    end
    local report = assert(task:wait())
    assert.same({ 2, true, 2 }, { report.done, is_counting, server:jobs() })
    assert.is_true(longest <= 0, longest)
    fleet:close()
    client:close()
    server:close()
  end)
end)
