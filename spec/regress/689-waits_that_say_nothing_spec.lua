-- `openhands-lua start --id NEW --resume`, and `fleet run` after its process was killed, said nothing for up to a
-- minute: one looked for a conversation, the other waited for the lease of the dead process.
local databases = require "spec.support.ledger_databases"
local fleet_board = require "openhands.command_line.fleet_board"
local in_process = require "spec.support.in_process"
local openhands = require "openhands"
local simulator = require "openhands.simulator"
local start_command = require "openhands.command_line.commands.start"

local ID = "3f2a1b4c-5d6e-4f70-8a91-b2c3d4e5f607"

-- Returns a session of the command, and the lines that it says.
local function session_of(client, arguments)
  local lines = {}
  local function nothing() end
  local function say(_, ...) lines[#lines + 1] = select("#", ...) > 1 and string.format(...) or (...) end
  local output = { line = nothing, record = nothing, is_quiet = arguments.quiet, format = "plain",
    say = function(_, line) if not arguments.quiet then say(nil, "%s", line) end end,
    write_error = function(_, words) lines[#lines + 1] = (words:gsub("\n$", "")) end }
  return {
    arguments = arguments, output = output, client = function() return client end,
    stderr = function() return { can_redraw = false, columns = 80, rows = 24 } end,
    say = function(_, ...) if not arguments.quiet then say(nil, ...) end end,
    outlives_signals = nothing, leaves_open = nothing, needs_no_return = nothing, comes_back_with_last = nothing,
    fail = function(_, err) error(tostring(err), 0) end,
  }, lines
end

local function count_of(lines, pattern)
  local count = 0
  for _, line in ipairs(lines) do count = count + (line:find(pattern) and 1 or 0) end
  return count
end

describe("start --resume", function()
  local LOOKING = "^looking for " .. ID:gsub("%-", "%%-") .. " for up to 60 s, before it is started$"

  local function started(arguments, is_known)
    local client, model = in_process.simulated { api = "v1" }
    if is_known then
      local other = openhands.new { transport = simulator.transport(model), api_key = "k-another-client", api = "v1" }
      assert(other:start { initial_user_msg = "x", conversation_id = ID })
    end
    arguments.message, arguments.id, arguments.repo = "x", ID, "owner/one"
    local session, lines = session_of(client, arguments)
    assert.equal(0, start_command.run(session))
    assert.equal(1, model:jobs())
    local seconds = model:time()
    client:close()
    return lines, seconds
  end

  it("says once for what it looks, and for how long at most", function()
    local lines, seconds = started { resume = true }
    assert.equal(1, count_of(lines, LOOKING))
    assert.is_true(seconds >= 60 and seconds < 65, seconds)
  end)

  it("says nothing of it with --quiet, without --resume, and if it finds it at once", function()
    assert.equal(0, count_of(started { resume = true, quiet = true }, "looking"))
    assert.equal(0, count_of(started {}, "looking"))
    assert.equal(0, count_of(started({ resume = true }, true), "looking"))
  end)
end)

if not databases.is_supported "SQLite" then
  return describe("fleet run", function() it("says what it waits for", function() pending "LuaDBI is missing" end) end)
end

describe("fleet run", function()
  local open, current = databases.fleet_specs(before_each, after_each)
  local WAITING = "^waiting for 1 run of another process; if that has ended, the run is taken up within (%d+) s$"

  -- Runs a fleet whose process has died at a point, and returns what another process says.
  local function said(quiet, point, after)
    local model = simulator.model { api = "v1" }
    local function client_of()
      return openhands.new { transport = simulator.transport(model), api_key = "sk-canary-0123456789", api = "v1" }
    end
    local first = client_of()
    local fleet = open(first, { ledger = current.database.address })
    assert(fleet:add { key = "k", initial_user_msg = "Fix it." })
    local ledger = fleet.ledger
    local run = assert(ledger:claim { account_id = fleet.account_id, owner = "dead", token = "t", lease = 60 })
    if point == "running" then
      assert(first:start { initial_user_msg = "Fix it.", conversation_id = run.conversation_id })
      assert(ledger:record(run, { state = "running" }))
    end
    if after then ledger:renew(run, after) end
    local client = client_of()
    client:spawn(function() -- the lease is in the time of the database
      client:sleep(20)
      ledger:renew(run, 0)
    end)
    local second = open(client, { ledger = current.database.address })
    local session, lines = session_of(client, { quiet = quiet })
    local report = fleet_board.during(session, second, function(on_change)
      return second:run { timeout = 1000, on_change = on_change }
    end)
    assert.equal(1, report.done)
    assert.equal(1, model:jobs())
    first:close()
    client:close()
    return lines
  end

  it("says once for what it waits after its process was killed, and for how long at most", function()
    local lines = said(false, "running")
    assert.equal(1, count_of(lines, WAITING))
    local seconds = tonumber(table.concat(lines, "\n"):match "taken up within (%d+) s")
    assert.is_true(seconds > 30 and seconds <= 60, seconds)
    assert.equal(1, count_of(lines, "^k: taken up %-> running$"))
  end)

  it("says that it looks for what may have been started", function()
    local lines = said(false, "starting")
    assert.equal(1, count_of(lines,
      "^k: taken up %-> starting %(looks for up to 60 s whether it was started before%)$"))
  end)

  it("says nothing of it with --quiet", function()
    assert.same({}, said(true, "running"))
  end)

  it("says nothing of it where the wait is short", function()
    assert.equal(0, count_of(said(false, "running", 2), "waiting"))
  end)
end)
