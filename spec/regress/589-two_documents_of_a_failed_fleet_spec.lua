-- `fleet run --json` printed two JSON documents when an error ended the run: the report, and the error.
local commands = require "spec.support.command"
local databases = require "spec.support.ledger_databases"
local files = require "spec.support.files"

describe("the JSON of a fleet that an error has ended", function()
  local here = commands.specs(setup, teardown, { pace = 0.005, keys = { "another-key" } })

  it("is one object, with the error", function()
    if not databases.is_supported "SQLite" then return pending "LuaDBI is missing" end
    files.write(here.directory .. "/x.csv", "repository,message\no/r,Fix.\n")
    local result = here.run(("fleet run --json --account a %s/x.csv"):format(here.directory))
    assert.equal(1, result.status)
    assert.equal("authentication", result.json.error.kind)
    assert.equal(1, result.json.counts.total or #result.json.runs)
  end)
end)
