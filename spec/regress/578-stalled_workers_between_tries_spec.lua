-- A worker that was stopped between two tries of a start sent it again, though another worker had taken it over.
local databases = require "spec.support.ledger_databases"
local ledgers = require "openhands.fleet.ledger"
local openhands = require "openhands"
local simulator = require "openhands.simulator"

describe("a start whose first try could not connect", function()
  local with_ledger = databases.specs(it, pending, after_each)

  with_ledger("is not sent again by a worker that has lost it meanwhile", function(database)
    local inner, posts, other, fleet = simulator.transport(simulator.model { api = "v1" }), 0, nil, nil
    local transport = setmetatable({}, { __index = inner })
    function transport.request(_, request)
      if request.method ~= "POST" or not request.path:find "conversations$" then return inner:request(request) end
      posts = posts + 1
      local account = fleet.account_id
      local run = assert(other:find { account_id = account, fleet = "f", key = "a" })
      assert(other:renew(run, 0))
      assert(other:claim { account_id = account, owner = "other", token = "t", lease = 600 })
      return { class = "connect", sent = false }
    end
    local client = openhands.new { transport = transport, api_key = "sk-canary-0123456789", api = "v1", grace = 2,
      retries = 2 }
    fleet = assert(client:fleet { name = "f", ledger = database.address })
    other = assert(ledgers.open(database.address))
    assert(fleet:add { key = "a", initial_user_msg = "x" })
    local report, err = fleet:run { timeout = 60 }
    assert.same({ nil, "timeout" }, { report, err.kind })
    assert.equal(1, posts)
    other:close()
    fleet:close()
  end)
end)
