-- On V0 a wrong service that answered each start with 200 and something else made one item after the other ambiguous.
local databases = require "spec.support.ledger_databases"
local in_process = require "spec.support.in_process"
local simulator = require "openhands.simulator"

describe("a fleet of V0 whose service is another one", function()
  local with_ledger = databases.specs(it, pending, after_each)

  with_ledger("stops after the first start", function(database)
    local posts = 0
    local client = in_process.altered(simulator.model { api = "v0" }, "conversations$", function(_, request)
      if request.method ~= "POST" then return nil end
      posts = posts + 1
      return { status = 200, headers = { ["content-type"] = "application/json" }, body = '{"hello":"world"}' }
    end, { api = "v0", retries = 0 })
    local fleet = assert(client:fleet { name = "f", ledger = database.address, start_interval = 0 })
    for place = 1, 5 do assert(fleet:add { key = "k" .. place, initial_user_msg = "x" }) end
    local report, err = fleet:run { timeout = 1000 }
    assert.same({ nil, "protocol" }, { report, err.kind })
    assert.matches("the start of item 'k1' got an answer that is none of this API's; check 'base_url'", err.message)
    report = assert(fleet:report())
    assert.same({ 1, 4, 0, 1 }, { report.ambiguous, report.queued, report.live, posts })
    fleet:close()
  end)
end)
