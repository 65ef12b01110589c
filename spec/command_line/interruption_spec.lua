-- Ctrl-C: conversations go on, the command says how to come back, and ends with 130.
local commands = require "spec.support.command"
local databases = require "spec.support.ledger_databases"
local files = require "spec.support.files"

-- The first case runs on each Lua, the others on two: they take seconds, and test no more there.
local once = (rawget(_G, "jit") or _VERSION == "Lua 5.4") and it or function() end

describe("an interrupted command", function()
  local here = commands.specs(setup, teardown, { pace = 0.08 })

  before_each(function() here.service:reset() end)

  it("start --wait leaves the conversation running, and names `wait`", function()
    local running = here.begin "start 'Take your time.' --wait --interval 0.05"
    running.read_until "  running "
    assert.equal(130, running.interrupt())
    local id = running.output:match "\n(%x+%-[%x-]+)\n"
    assert.matches("\nInterrupted%. .*\n  openhands%-lua wait " .. id:gsub("-", "%%-") .. "\n", running.output)
    assert.is_nil(running.output:find("traceback", 1, true))
    local state = here.run("status --json " .. id).json[1].state
    assert.is_true(state == "running" or state == "finished", state)
  end)

  once("start names the id that it may have started", function()
    here.service:faults { { point = "after_read", action = "hang", match = { method = "POST" } } }
    local running = here.begin "start 'It'\\''s here.' --repo owner/repo"
    local looks = 0
    repeat -- until the question for the dialect and the start have come
      looks = looks + 1
    until here.service:requests()[2] or looks == 20000
    assert.equal(130, running.interrupt())
    assert.matches("openhands%-lua start %-%-repo owner/repo %-%-id [%x-]+ %-%-resume 'It'\\''s here%.'\n",
      running.output)
  end)

  once("events --follow and wait for several name themselves", function()
    here.service:options { outcome = "slow" } -- they shall still run then, also on a busy machine
    local id, other = here.output "start 'One.'", here.output "start 'Other.'"
    local running = here.begin(("events %s --follow --interval 0.05"):format(id))
    running.read_until "  agent "
    assert.equal(130, running.interrupt())
    assert.matches("openhands-lua events " .. id .. " --follow\n", running.output, 1, true)
    running = here.begin(("wait %s %s --interval 0.05"):format(id, other))
    running.read_until "  running "
    assert.equal(130, running.interrupt())
    assert.matches(("openhands-lua wait %s %s\n"):format(id, other), running.output, 1, true)
  end)

  once("fleet run names itself, and goes on when it is run again", function()
    if not databases.is_supported "SQLite" then return pending "LuaDBI is missing" end
    files.write(here.directory .. "/typos.csv", "repository,message\nowner/one,Fix.\n")
    local words = ("fleet run %s/typos.csv --interval 0.05"):format(here.directory)
    local running = here.begin(words)
    running.read_until "starting %-> running"
    assert.equal(130, running.interrupt())
    local hint = "openhands-lua fleet run " .. here.directory .. "/typos.csv --interval 0.05\n"
    assert.matches(hint, running.output, 1, true)
    assert.equal(0, here.run(words .. " --timeout 30").status) -- half the time of a lease that was left
    assert.equal(1, here.service:jobs())
  end)

  once("simulate just ends", function()
    local running = here.begin "simulate"
    running.read_until "^export OPENHANDS_API_KEY="
    assert.matches("^export OPENHANDS_BASE_URL=http://127.0.0.1:%d+\n", running.output)
    assert.equal(0, running.interrupt())
  end)
end)
