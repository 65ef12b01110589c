-- Texts of a CSV reached the terminal as they were, through messages about its mistakes.
local commands = require "spec.support.command"
local files = require "spec.support.files"

describe("a mistake in a CSV", function()
  local here = commands.specs(setup, teardown)

  it("cannot control the terminal", function()
    local path = here.directory .. "/evil.csv"
    files.write(path, "repository,message,priority\no/r,Fix.,\27]0;owned\7\27[2J\n")
    local result = here.run("fleet run " .. path)
    local argument = here.run "fleet run --slots \"$(printf '\\033[2J')\" x.csv"
    assert.equal(1, result.status)
    assert.matches("^openhands%-lua: [^\n]*/evil%.csv: record 1: the priority '.*' is no number\n$", result.errors)
    assert.is_nil((result.errors .. argument.errors):find "[%z\1-\9\11-\31\127]")
  end)
end)
