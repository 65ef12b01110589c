-- `--retry --plan` said that items are tried once more, `--slots` had two rules in two refusals, and an empty name was
-- refused in words of the library.
local commands = require "spec.support.command"
local databases = require "spec.support.ledger_databases"
local files = require "spec.support.files"

if not databases.is_supported "SQLite" then
  return describe("fleets", function() it("take options", function() pending "LuaDBI is missing" end) end)
end

describe("the command", function()
  local here = commands.specs(setup, teardown, { pace = 0.005 })

  local function fails(words)
    local result = here.run(words)
    assert.same({ 1, "" }, { result.status, result.output })
    return result.errors
  end

  it("says of a plan what would be tried once more", function()
    local path = here.directory .. "/f.csv"
    files.write(path, "repository,message\nowner/a,Fail. [simulate: error]\nowner/b,Fail. [simulate: error]\n")
    local words = ("fleet run %s --retry --interval 0.05"):format(path)
    here.run((words:gsub("%-%-retry", "")))
    assert.matches("^2 items would be tried once more.\n", here.run(words .. " --plan").errors)
    assert.matches("^2 items are tried once more.\n", here.run(words).errors)
    files.write(path, "repository,message\nowner/c,Fail. [simulate: error]\n")
    words = words .. " --name other"
    here.run((words:gsub("%-%-retry", "")))
    assert.matches("^1 item would be tried once more.\n", here.run(words .. " --plan").errors)
    assert.matches("^1 item is tried once more.\n", here.run(words).errors)
  end)

  it("has one rule for --slots", function()
    for _, value in ipairs { "x", "0", "1.5" } do
      assert.matches(("--slots: '%s' is no whole number of at least 1\n"):format(value),
        fails("fleet run f.csv --slots " .. value), 1, true)
    end
    assert.matches("--canary: 'x' is no whole number of at least 0\n", fails "fleet run f.csv --canary x", 1, true)
  end)

  it("refuses empty names of fleets in its own words", function()
    for _, words in ipairs { "fleet status ''", "fleet report ''", "fleet run f.csv --name ''" } do
      local name = words:find "--name" and "--name: " or ""
      assert.matches("openhands-lua: " .. name .. "'' is no name of a fleet\n", fails(words), 1, true)
    end
  end)
end)
