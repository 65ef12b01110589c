-- A start that was ended by anything but one Ctrl-C left no id with which to take it up again; in V0, Ctrl-C did not
-- even say that it may have been started. The hint did not parse where the message looked like an option.
local commands = require "spec.support.command"
local parsers = require "openhands.command_line.parser"

describe("an interrupted start", function()
  local here = commands.specs(setup, teardown, { pace = 0.005 })

  before_each(function()
    here.service:reset()
    here.service:faults { { point = "after_read", action = "hang", match = { method = "POST" } } }
  end)

  -- Begins a start whose answer never comes.
  local function begin(words)
    local running = here.begin(words)
    local looks = 0
    local function is_asked()
      for _, request in ipairs(here.service:requests()) do
        if request.method == "POST" then return true end
      end
    end
    repeat looks = looks + 1 until is_asked() or looks == 20000
    return running
  end

  it("has told its id before the service was asked", function()
    local running = begin "--api v1 start 'Fix it.'"
    running.read_until "^starting %x+%-[%x-]+ .*%-%-id [%x-]+ %-%-resume%)$"
    assert.equal(130, running.interrupt())
  end)

  it("names a command that parses, also if the message looks like an option", function()
    local running = begin "--api v1 -q start -- '-o is broken'"
    assert.equal(130, running.interrupt())
    local hint = running.output:match "openhands%-lua (start [^\n]*)\n"
    assert.matches("^start %-%-id [%x-]+ %-%-resume %-%-api v1 %-%- '%-o is broken'$", hint)
    local words = {}
    for word in hint:gsub(" '%-o is broken'$", ""):gmatch "[^ ]+" do words[#words + 1] = word end
    words[#words + 1] = "-o is broken"
    local good, arguments = parsers.new(require "argparse"):pparse(words)
    assert.is_true(good)
    assert.equal("-o is broken", arguments.message)
  end)

  it("may have been started in V0, which it says", function()
    local running = begin "--api v0 start 'Fix it.'"
    assert.equal(130, running.interrupt())
    assert.equal("\nInterrupted. It may have been started: look in `openhands-lua list` before you start it again.\n",
      running.output:match "^(.*)exit 130\n$")
  end)
end)
