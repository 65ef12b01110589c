-- `fleet report --jsonl` printed `"pull_requests":{}` for an item without pull requests, where others have a list.
local commands = require "spec.support.command"
local files = require "spec.support.files"

describe("an item without pull requests", function()
  local here = commands.specs(setup, teardown, { pace = 0.005 })

  it("has an empty list of them", function()
    local path = here.directory .. "/f.csv"
    files.write(path, "key,message\na,Fix.\n")
    here.output("fleet add " .. path)
    assert.matches('"pull_requests":[]', here.output "fleet report f --jsonl", 1, true)
  end)
end)
