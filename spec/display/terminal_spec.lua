-- What can be shown on a stream: on terminals, and on what is none.
local core = require "openhands.core"
local processes = require "spec.support.processes"
local terminals = require "openhands.display.terminal"

local function environment(values)
  return function(name) return values[name] end
end

-- Runs a program with its output on a pseudo-terminal, and returns what it wrote there.
local function on_a_terminal(program, settings)
  local command = ("%s %s -e %s"):format(settings or "", processes.quoted(processes.interpreter()),
    processes.quoted(program))
  local child = assert(io.popen(("env -u NO_COLOR -u COLUMNS script -qec %s /dev/null 2>&1 </dev/null"):format(
    processes.quoted(command))))
  local output = child:read "*a"
  child:close()
  return (output:gsub("\r", ""))
end

local PROGRAM = [[
  local terminal = require("openhands.display.terminal").of(1)
  print(terminal.is_terminal, terminal.colour, terminal.links, terminal.ascii, terminal.can_redraw)
]]

describe("the core", function()
  it("knows the standard streams only", function()
    for _, odd in ipairs { -1, 3, 1e9 } do
      assert.has_error(function() core.terminal(odd) end)
    end
    for descriptor = 0, 2 do
      local is_terminal, columns, rows = core.terminal(descriptor)
      assert.equal("boolean", type(is_terminal))
      assert.is_true(columns >= 0 and rows >= 0)
    end
  end)
end)

describe("a stream that is no terminal", function()
  local program = [[local is, columns, rows = require("openhands.core").terminal(1) print(is, columns, rows)]]

  it("is recognized", function()
    local child = assert(io.popen(processes.quoted(processes.interpreter()) .. " -e " .. processes.quoted(program)))
    assert.equal("false\t0\t0\n", child:read "*a")
    child:close()
  end)

  it("that is closed is none", function()
    local child = assert(io.popen(("%s -e %s 2>&1 >&-; echo $?"):format(processes.quoted(processes.interpreter()),
      processes.quoted [[assert(not require("openhands.core").terminal(1))]])))
    assert.equal("0\n", child:read "*a")
    child:close()
  end)
end)

describe("a terminal", function()
  it("has colours, links and the characters of its locale", function()
    assert.equal("true\ttrue\ttrue\tfalse\ttrue\n", on_a_terminal(PROGRAM, "TERM=xterm-256color LC_ALL=C.UTF-8"))
    assert.equal("true\ttrue\ttrue\ttrue\ttrue\n", on_a_terminal(PROGRAM, "TERM=xterm LC_ALL=C"))
  end)

  it("has none of them where the user or its kind forbids it", function()
    assert.equal("true\tfalse\tfalse\tfalse\tfalse\n", on_a_terminal(PROGRAM, "TERM=dumb LC_ALL=C.UTF-8"))
    assert.equal("true\tfalse\ttrue\tfalse\ttrue\n", on_a_terminal(PROGRAM, "TERM=xterm NO_COLOR=1 LC_ALL=C.UTF-8"))
    assert.equal("true\ttrue\tfalse\tfalse\ttrue\n", on_a_terminal(PROGRAM, "TERM=linux LC_ALL=C.UTF-8"))
  end)

  it("tells its size", function()
    local program = [[
      os.execute "stty cols 57 rows 13"
      local terminal = require("openhands.display.terminal").of(1)
      print(terminal.columns, terminal.rows, require("openhands.display.terminal").size(1))
    ]]
    assert.equal("57\t13\t57\t13\n", on_a_terminal(program, "TERM=xterm"))
  end)
end)

describe("what can be shown", function()
  local function colour(values, choice)
    return terminals.of(2, choice, environment(values)).colour
  end

  it("has colours where they are forced, and none where they are refused", function()
    assert.is_true(colour({ CLICOLOR_FORCE = "1" }))
    assert.is_false(colour({ CLICOLOR_FORCE = "1", NO_COLOR = "1" }))
    assert.is_true(colour({ NO_COLOR = "1" }, "always"))
    assert.is_false(colour({ CLICOLOR_FORCE = "1" }, "never"))
    assert.is_true(colour({ CLICOLOR_FORCE = "1", NO_COLOR = "" }))
  end)

  it("is in UTF-8 by the first variable of the locale that is set", function()
    local function ascii(values) return terminals.of(2, nil, environment(values)).ascii end
    assert.is_false(ascii { LANG = "de_DE.UTF-8" })
    assert.is_false(ascii { LC_CTYPE = "C.utf8", LANG = "C" })
    assert.is_true(ascii { LC_ALL = "C", LANG = "C.UTF-8" })
    assert.is_false(ascii { LC_ALL = "", LANG = "C.UTF-8" })
    assert.is_true(ascii {})
  end)
end)
