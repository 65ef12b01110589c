-- A script that runs a fleet is killed, and run again: each item has one conversation.
local databases = require "spec.support.ledger_databases"
local files = require "spec.support.files"
local fleets = require "spec.support.fleet_processes"
local simulator = require "openhands.simulator"

if not databases.is_supported "SQLite" then
  return describe("a fleet", function() it("is tested", function() pending "LuaDBI is missing" end) end)
end

describe("a fleet whose process", function()
  local server, begin, remove_script, directory, remove

  setup(function()
    server = simulator.spawn { pace = 0.003, api = "v1" }
    begin, remove_script = fleets.script()
  end)
  teardown(function()
    server:close()
    remove_script()
  end)
  before_each(function() directory, remove = files.directory() end)
  after_each(function() remove() end)

  it("is killed while it starts goes on in the next one", function() -- at any point: make fleet-torture
    server:reset()
    local ledger = directory .. "/ledger.db"
    local output = fleets.run(begin, nil, server.address, ledger, 2, 11)
    assert.is_nil(output:find "points %d+", output)
    fleets.check(server, fleets.run(begin, nil, server.address, ledger, 2), 2, "killed")
  end)

  it("is stopped for longer than its lease loses its runs to another one", function()
    server:reset()
    local ledger = directory .. "/ledger.db"
    local stalled = begin(nil, server.address, ledger, 2, 9, "STOP")
    local pid = stalled:read "*l":match "pid (%d+)"
    finally(function()
      os.execute("kill -KILL " .. pid .. " 2>/dev/null")
      stalled:close()
    end)
    fleets.await_stop(pid)
    local output = fleets.run(begin, nil, server.address, ledger, 2)
    fleets.check(server, output, 2, "taken over")
    assert(os.execute("kill -CONT " .. pid))
    fleets.check(server, stalled:read "*a", 2, "stalled")
  end)

  it("has others beside it shares the work with them", function()
    server:reset()
    local ledger, pipes = directory .. "/ledger.db", {}
    for place = 1, 2 do -- with a lease that does not expire while a busy machine holds one of them up
      pipes[place] = begin(nil, server.address, ledger, 4, 0, "KILL", 60, 60)
    end
    for _, pipe in ipairs(pipes) do
      fleets.check(server, pipe:read "*a", 4, "together")
      pipe:close()
    end
    assert.equal(4, #server:starts())
  end)
end)
