-- The manual page is what the parser says, and what the help of the command says.
local commands = require "spec.support.command"
local files = require "spec.support.files"
local parsers = require "openhands.command_line.parser"
local processes = require "spec.support.processes"

describe("doc/openhands-lua.1", function()
  it("is what `make reference` writes from the parser", function()
    local shell = assert(io.popen(processes.quoted(processes.interpreter()) .. " tools/manual.lua"))
    local written = shell:read "*a"
    shell:close()
    assert.equal(written, files.read "doc/openhands-lua.1")
  end)

  it("has every command and its options", function()
    local text = files.read("doc/openhands-lua.1"):gsub("\\", "")
    local parser = parsers.new(require "argparse")
    local count = 0
    local function check(command)
      for _, each in ipairs(command._commands) do check(each) end
      for _, option in ipairs(command._options) do
        count = count + 1
        assert.is_truthy(text:find("fB" .. option._aliases[#option._aliases] .. "fR", 1, true), option._name)
      end
      assert.is_truthy(text:find(command._name, 1, true), command._name)
    end
    for _, command in ipairs(parser._commands) do check(command) end
    assert.is_true(count > 40)
  end)
end)

describe("the help", function()
  local here = commands.specs(setup, teardown)

  it("lists each command and the exit statuses", function()
    local help = here.output "--help"
    for _, name in ipairs(parsers.COMMANDS) do assert.matches("\n   " .. name .. " ", help, 1, true) end
    assert.matches("  130  interrupted", help, 1, true)
  end)

  it("of each command is there", function()
    for _, name in ipairs { "start", "fleet run", "login" } do
      assert.matches("^Usage: openhands%-lua " .. name, here.output(name .. " --help"))
    end
  end)
end)
