-- A fleet with `after = "delete"` deleted a conversation that a person or the service had paused before its work had
-- ended, and one that was given up while it still worked, with all that was done until then.
local databases = require "spec.support.ledger_databases"
local in_process = require "spec.support.in_process"

if not databases.is_supported "SQLite" then
  return describe("unfinished work", function() it("is kept", function() pending "LuaDBI is missing" end) end)
end

describe("a conversation whose work has not ended", function()
  local open, current = databases.fleet_specs(before_each, after_each)

  for name, policy in pairs { ["on_paused is fail"] = "fail", ["it cannot be resumed"] = "resume" } do
    it("is not deleted when it was paused, and " .. name, function()
      local _, model = in_process.simulated { api = "v1", outcome = "paused" }
      local client = in_process.altered(model, "/resume$", function()
        return { status = 500, headers = {}, body = "" }
      end)
      local fleet = open(client, { ledger = current.database.address, after = "delete", on_paused = policy })
      assert(fleet:add { key = "k", initial_user_msg = "Fix it." })
      local run = assert(fleet:run { timeout = 20000 }).runs[1]
      assert.equal("failed", run.state)
      assert.matches("^it was paused", run.error)
      assert(client:status(run.conversation_id))
      client:close()
    end)
  end

  it("is not deleted when the agent waits for a person", function()
    local client = in_process.simulated({ api = "v1", outcome = "waiting" }, { api = "v1" })
    local fleet = open(client, { ledger = current.database.address, after = "delete" })
    assert(fleet:add { key = "k", initial_user_msg = "Fix it." })
    local run = assert(fleet:run()).runs[1]
    assert.equal("failed", run.state)
    assert.matches("waits for a person", run.error)
    local conversation = assert(client:status(run.conversation_id))
    assert.equal("PAUSED", conversation.sandbox_status) -- its slot is free
    client:close()
  end)

  it("is not deleted when it has worked for too long", function()
    local client = in_process.simulated({ api = "v1", outcome = "stuck", pace = 1000 }, { api = "v1" })
    local fleet = open(client, { ledger = current.database.address, after = "delete", interval = 600 })
    assert(fleet:add { key = "k", initial_user_msg = "Fix it." })
    local run = assert(fleet:run { timeout = 200000 }).runs[1]
    assert.equal("failed", run.state)
    assert.matches("it has not ended in %d+ hours", run.error)
    assert(client:status(run.conversation_id))
    client:close()
  end)
end)
