-- A report that was written to a file had a key of the user where the service had repeated it.
local canary = require "spec.support.canary"
local commands = require "spec.support.command"
local databases = require "spec.support.ledger_databases"
local files = require "spec.support.files"

describe("the file of a report", function()
  local here = commands.specs(setup, teardown, { pace = 0.005 })

  it("has no key of the user", function()
    if not databases.is_supported "SQLite" then return pending "LuaDBI is missing" end
    files.write(here.directory .. "/x.csv", ("repository,key,message\no/r,%s,Fix.\n"):format(canary.key))
    local report = here.directory .. "/report.csv"
    local status = here.run(("fleet run %s/x.csv --interval 0.05 --report %s"):format(here.directory, report)).status
    local text = files.read(report)
    assert.equal(0, status)
    assert.matches("[redacted]", text, 1, true)
    assert.is_nil(text:find(canary.key, 1, true))
  end)
end)
