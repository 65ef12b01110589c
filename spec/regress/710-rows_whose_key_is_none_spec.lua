-- The error about a key of several lines in a CSV counted the rows from the last one that had other columns filled.
local commands = require "spec.support.command"
local files = require "spec.support.files"

describe("a row whose key cannot be one", function()
  local here = commands.specs(setup, teardown, { pace = 0.005 })

  it("is told by its number", function()
    local path = here.directory .. "/f.csv"
    for _, key in ipairs { '"b\nc"', "\t", ("x"):rep(501) } do
      files.write(path, ("key,message,priority\na,Fix.,1\n%s,Fix.,2\n"):format(key))
      local result = here.run("fleet add " .. path)
      assert.equal(("openhands-lua: %s: record 2: its key must be a text of 1 to 500 bytes in one line\n"):format(path),
        result.errors)
    end
  end)
end)
