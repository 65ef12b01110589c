-- `help` was an unknown command; the help of a command hid the options that all commands have, and that of `--state`
-- the words that it takes.
local commands = require "spec.support.command"
local list = require "openhands.command_line.commands.list"
local parsers = require "openhands.command_line.parser"

describe("the help of the command", function()
  local here = commands.specs(setup, teardown)

  it("is also the answer to `help`", function()
    assert.equal(here.output "--help", here.output "help")
    assert.equal(here.output "start --help", here.output "help start")
    assert.equal(here.output "fleet run --help", here.output "help fleet run")
    assert.equal(here.output "help --help", here.output "help help")
    local result = here.run "help strat"
    assert.equal(1, result.status)
    assert.matches("^openhands%-lua: unknown command 'strat'\n", result.errors)
  end)

  it("names the options that all commands have", function()
    local parser = parsers.new(require "argparse")
    for _, words in ipairs { "list", "fleet", "fleet run" } do
      local line = assert(here.output(words .. " --help"):match "\nOptions of all commands: (.*)$", words)
      for _, option in ipairs(parser._options) do
        local name = option._aliases[#option._aliases]
        if name ~= "--help" and name ~= "--version" then assert.matches(name, line, 1, true) end
      end
      assert.matches("`openhands-lua --help`", line, 1, true)
    end
  end)

  it("of `--state` lists its words", function()
    assert.matches(table.concat(list.STATES, ", "), here.output("list --help"):gsub("%s+", " "), 1, true)
  end)
end)
