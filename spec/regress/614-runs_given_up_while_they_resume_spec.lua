-- A fleet that ended, e.g. at its timeout, while a paused conversation was being resumed called its run failed.
local databases = require "spec.support.ledger_databases"
local errors = require "openhands.errors"
local in_process = require "spec.support.in_process"

local FIRST, LAST = 28, 92 -- seconds; meanwhile, the conversation is paused, resumed and told to continue

local function messages(model)
  local count = 0
  for _, request in ipairs(model.requests) do
    local is_message = request.method == "POST" and tostring(request.body):find("Continue with your task", 1, true)
    count = count + (is_message and 1 or 0)
  end
  return count
end

describe("a run whose conversation is being resumed", function()
  local with_ledger = databases.specs(it, pending, after_each)

  local function fleet_of(database, name)
    local client, model = in_process.simulated { api = "v1", outcome = "paused" }
    local fleet = assert(client:fleet { name = name, ledger = database.address, account = name, start_interval = 0 })
    assert(fleet:add { key = "k", initial_user_msg = "x" })
    return fleet, model, client
  end

  with_ledger("goes on after a timeout", function(database)
    local interrupted = 0
    for timeout = FIRST, LAST do
      local fleet, model = fleet_of(database, "f" .. timeout)
      local report = fleet:run { timeout = timeout } or assert(fleet:report())
      local run = assert(fleet.ledger:find { account_id = "f" .. timeout, fleet = "f" .. timeout, key = "k" })
      interrupted = interrupted + (run.execution_status == "resumed" and 1 or 0)
      assert.equal(0, report.failed, "after " .. timeout)
      assert.equal(1, assert(fleet:run { timeout = 2000 }).done, "after " .. timeout)
      assert.same({ 1, 1 }, { model:jobs(), messages(model) }, "after " .. timeout)
      fleet:close()
    end
    assert.is_true(interrupted > 0)
  end)

  for _, err in ipairs { { kind = "cancelled" }, { kind = "closed" }, { kind = "ambiguous", cause = "cancelled" },
    { kind = "ambiguous", cause = "timeout" } } do
    with_ledger(("goes on after its message: %s, %s"):format(err.kind, err.cause or "not sent"), function(database)
      local fleet, model, client = fleet_of(database, "f")
      local is_sent = err.kind == "ambiguous"
      client.send = function(_, ...)
        client.send = nil
        if is_sent then assert(client:send(...)) end
        fleet:stop()
        client.send = function() error "it sends again" end
        err.message = "send: it was given up"
        return nil, errors.new(err)
      end
      local report = fleet:run { timeout = 100 } or assert(fleet:report())
      assert.same({ 0, 1 }, { report.failed, report.live })
      local run = assert(fleet.ledger:find { account_id = "f", fleet = "f", key = "k" })
      local state = err.cause == "timeout" and "paused" or "running"
      assert.same({ state, "continuing" }, { run.state, run.execution_status })
      client.send = nil
      assert.equal(1, assert(fleet:run { timeout = 2000 }).done)
      assert.equal(1, messages(model))
      fleet:close()
    end)
  end
end)
