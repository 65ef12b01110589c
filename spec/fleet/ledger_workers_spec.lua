-- Several processes on one ledger, and a database that goes away and comes back.
local databases = require "spec.support.ledger_databases"
local ledgers = require "openhands.fleet.ledger"
local processes = require "spec.support.processes"

-- Claims and ends runs until the queue is empty; prints each change, with the number of live runs that it sees.
local WORKER = [[
  local name, slots = %q, %d
  local ledger = assert(require("openhands.fleet.ledger").open(%q))
  local idle, number = 0, 0
  while idle < 2000 do
    number = number + 1
    local run, why = ledger:claim { account_id = "w", owner = name, token = name .. number, lease = 600 }
    if run then
      idle = 0
      print("run " .. run.key .. " " .. run.fence)
      local counts = assert(ledger:counts { account_id = "w", fleet = "f" })
      if counts.starting > slots then print("too many: " .. counts.starting) end
      assert(ledger:finish(run, { state = "done" }))
    elseif run == nil then
      print("failed: " .. tostring(why))
      idle = idle + 1
    elseif why.reason == "empty" then
      break
    else
      idle = idle + 1
    end
  end
]]

for _, name in ipairs { "SQLite", "PostgreSQL" } do
  describe("workers on " .. name, function()
    local database

    setup(function() database = databases.start(name) end)
    teardown(function() if database then database.stop() end end)

    it("never get the same run, nor more than the slots", function()
      if not database then return pending(name .. " is not installed") end
      local ledger = assert(ledgers.open(database.address))
      assert(ledger:open_fleet { account_id = "w", fleet = "f", account_slots = 2 })
      local items = {}
      for place = 1, 90 do
        items[place] = { key = "k" .. place, request = "{}", request_hash = "h", conversation_id = "c" .. place }
      end
      assert(ledger:add { account_id = "w", fleet = "f", items = items })
      local waits = {}
      for place = 1, 3 do
        waits[place] = processes.begin_child(WORKER:format("worker" .. place, 2, database.address))
      end
      local seen = {}
      for place = 1, 3 do
        local result = waits[place]()
        assert.same({ 0, "" }, { result.code, result.errors })
        assert.is_nil(result.output:find "too many", result.output)
        assert.is_nil(result.output:find "failed", result.output)
        for key, fence in result.output:gmatch "run (%S+) (%d+)" do
          assert.is_nil(seen[key], key)
          assert.equal("1", fence)
          seen[key] = true
        end
      end
      for place = 1, 90 do assert.is_true(seen["k" .. place]) end
      local fleet = assert(ledger:fleet { account_id = "w", fleet = "f" })
      assert.same({ 0, 0, 90 }, { fleet.live, fleet.queued, fleet.added })
      ledger:close()
    end)
  end)
end

describe("a ledger on PostgreSQL", function()
  local database
  setup(function() database = databases.start "PostgreSQL" end)
  teardown(function() if database then database.stop() end end)

  local function assert_silent(value)
    local text = tostring(value)
    for _, secret in ipairs { database.password, database.decoded_password } do
      assert.is_nil(text:find(secret, 1, true), text)
    end
  end

  it("survives the loss of its connection and of the server", function()
    if not database then return pending "PostgreSQL is not installed" end
    local ledger = assert(ledgers.open(database.address))
    assert_silent(ledger)
    assert(ledger:open_fleet { account_id = "a", fleet = "f" })
    assert(ledger:add { account_id = "a", fleet = "f",
      items = { { key = "k", request = "{}", request_hash = "h", conversation_id = "c" } } })
    local run = assert(ledger:claim { account_id = "a", owner = "me", token = "t", lease = 600 })

    local execute, close = databases.connect(database)
    execute [[select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'openhands' and pid <> pg_backend_pid()]]
    close()
    assert(ledger:renew(run, 600)) -- connects again by itself

    database.stop_server()
    for _ = 1, 2 do
      local value, err = ledger:renew(run, 600)
      assert.same({ nil, "ledger", true, "none" }, { value, err.kind, err.retryable, err.effect })
      assert_silent(err)
    end
    local other, err = ledgers.open(database.address)
    assert.same({ nil, "ledger", true }, { other, err.kind, err.retryable })
    assert_silent(err)
    database.start_server()
    assert(ledger:renew(run, 600))
    assert.equal("starting", assert(ledger:run(run.run_id)).state)
    ledger:close()
  end)

  it("says that the outcome of a lost commit is unknown, and finds out when asked again", function()
    if not database then return pending "PostgreSQL is not installed" end
    local ledger = assert(ledgers.open(database.address))
    assert(ledger:open_fleet { account_id = "b", fleet = "f" })
    assert(ledger:add { account_id = "b", fleet = "f",
      items = { { key = "k", request = "{}", request_hash = "h", conversation_id = "d" } } })
    local fields = { account_id = "b", owner = "me", token = "lost", lease = 600 }
    for _, is_done in ipairs { false, true } do
      local connection = ledger._connection
      local change = connection.change
      connection.change = function(self, sql, ...)
        if sql == "commit" then
          if is_done then change(self, sql, ...) end
          change(self, "select pg_terminate_backend(pg_backend_pid())")
        end
        return change(self, sql, ...)
      end
      local value, err = ledger:claim(fields)
      assert.same({ nil, "ledger", "unknown", true }, { value, err.kind, err.effect, err.retryable })
      local found = assert(ledger:find { account_id = "b", fleet = "f", key = "k" })
      assert.equal(is_done and "starting" or "queued", found.state)
    end
    local run = assert(ledger:claim(fields))
    assert.same({ true, 1 }, { run.is_repeated, run.fence })
    ledger:close()
  end)

  it("never shows the password", function()
    if not database then return pending "PostgreSQL is not installed" end
    local address = database.address:gsub("host=.*", "host=/nowhere")
    local ledger, err = ledgers.open(address)
    assert.is_nil(ledger)
    assert_silent(err)
    local dbi = require "DBI"
    local connect = dbi.Connect
    finally(function() dbi.Connect = connect end)
    dbi.Connect = function(_, url) -- as libpq does with some URLs
      return nil, ("invalid token in %s: %s, %s"):format(url, database.password, database.decoded_password)
    end
    for _, quoted in ipairs { address, "postgresql://postgres@/postgres?password=" .. database.password } do
      ledger, err = ledgers.open(quoted)
      assert.is_nil(ledger)
      assert_silent(err)
      assert.matches("invalid token", err.message)
    end
  end)
end)
