-- Messages of the command that did not help: the end of a wait did not say how to come back, a missing argument had the
-- name of a variable, a missing key was told twice, in the words of the library, and so was the name of a missing file;
-- a wrong name in braces was told of a function that the user did not call; times in JSON had sixteen digits.
local cjson = require "cjson"
local commands = require "spec.support.command"
local databases = require "spec.support.ledger_databases"
local files = require "spec.support.files"
local json = require "openhands.command_line.json"
local records = require "openhands.command_line.records"

local once = rawget(_G, "jit") and it or function() end

describe("a message of the command", function()
  local here = commands.specs(setup, teardown, { pace = 0.005 })

  local function plain(text) return (text:gsub("%p", "%%%0")) end

  it("names a missing argument as the usage does", function()
    for words, name in pairs {
      status = "ID", start = "MESSAGE", ["send 1"] = "TEXT", ["fleet run"] = "FILE", ["fleet status"] = "NAME",
      completion = "SHELL", events = "ID",
    } do
      local errors = here.run(words).errors
      assert.matches(("missing argument '%s'\n"):format(name), errors, 1, true)
      assert.matches("[ %[]" .. name, here.output(words:gsub(" 1$", "") .. " --help"):match "Usage.-\n\n")
    end
  end)

  it("tells once that there is no key", function()
    local result = here.run("list --json", { environment = { OPENHANDS_API_KEY = false } })
    assert.equal("openhands-lua: list: there is no API key: log in with `openhands-lua login`, or put a key into "
      .. "OPENHANDS_API_KEY (keys are made at " .. here.service.address .. "/settings/api-keys); `openhands-lua "
      .. "simulate` works without an account\n", result.errors)
    assert.equal(result.errors, "openhands-lua: " .. result.json[1].error.message .. "\n")
    local damaged = here.run("list", { environment = { OPENHANDS_API_KEY = "two\nlines" } }).errors
    assert.matches("^openhands%-lua: list: OPENHANDS_API_KEY holds a key that [^\n]+\n$", damaged)
  end)

  it("names a missing file once", function()
    local path = here.directory .. "/none.csv"
    assert.equal(("openhands-lua: %s: No such file or directory\n"):format(path), here.run("fleet run " .. path).errors)
    os.execute("mkdir " .. path)
    assert.matches("none.csv: [^:\n]+\n$", here.run("fleet run " .. path).errors)
  end)

  it("names the words in braces that no column has", function()
    local path = here.directory .. "/upgrades.csv"
    files.write(path, "repository,package\nowner/one,left-pad\nowner/two,\n")
    local function refused(words, pattern)
      local result = here.run(("fleet run %s %s"):format(path, words))
      assert.equal(1, result.status)
      assert.matches("^openhands%-lua: " .. plain(path) .. ": " .. pattern, result.errors)
    end
    refused("--message 'Upgrade {pakage}.'", "record 1 has no 'pakage', which %-%-message names in braces "
      .. "%(did you mean 'package'%?%); write {{pakage}} for the words themselves\n$")
    refused("--message 'Upgrade {package}.'", "record 2 has no 'package', which %-%-message names")
    refused("--message x --key '{repo}'", "record 1 has no 'repo', which %-%-key names")
    if not databases.is_supported "SQLite" then return end
    assert.equal(0, here.run(("fleet run %s --plan --message '{{pakage}} {key} { x }'"):format(path)).status)
    refused("--message '{initial_user_msg}'", "record 1: item 'owner/one' fills in the field 'initial_user_msg' "
      .. "with itself\n$")
    path = here.directory .. "/release.lua"
    files.write(path, "return { items = { { key = 'a', initial_user_msg = 'Release {version}.' } } }")
    refused("", "item 'a' has no field 'version', which 'initial_user_msg' names in braces")
  end)

  it("has times in milliseconds, and costs in millionths, in JSON", function()
    local record = records.conversation { conversation_id = "1", elapsed = 4.5999999046326, age = 0.1 + 0.2,
      cost = 0.1 + 0.2 }
    assert.same({ "4.6", "0.3", "0.3" }, { json.encode(record.elapsed), json.encode(record.age),
      json.encode(record.cost) })
    assert.equal(1.235, records.error({ retry_after = 1.23456 }).retry_after)
    local status = records.fleet { paused_for = 2.00049, runs = { { key = "1", seconds = 7.77777 } }, counts = {} }
    assert.equal(2, status.paused_for)
    assert.equal(7.778, status.runs[1].seconds)
    assert.equal("1", status.runs[1].key)
  end)
end)

describe("the end of the time of the command", function()
  local here = commands.specs(setup, teardown, { pace = 0.005 })

  -- Checks the last lines on stderr.
  local function comes_back(words, command)
    local result = here.run("--api v1 " .. words .. " --interval 0.05 --timeout 0.2")
    assert.equal(4, result.status)
    assert.matches(" go", result.errors, 1, true)
    assert.equal("  openhands-lua " .. command .. " --api v1", result.errors:match "To come back:\n([^\n]+)\n$")
  end

  it("says how to come back", function()
    local one = here.output "start 'Slow. [simulate: never-ready]'"
    local other = here.output "start 'Slow. [simulate: never-ready]'"
    local done = here.output "start 'Fix.' --repo owner/name"
    here.output("wait --interval 0.05 " .. done)
    comes_back("wait " .. one, "wait " .. one)
    comes_back(("wait %s %s %s"):format(one, done, other), ("wait %s %s"):format(one, other))
    comes_back(("events %s --follow"):format(one), ("events %s --follow"):format(one))
    local id = cjson.decode(here.run("--json start 'Slow. [simulate: never-ready]'").output).conversation_id
    assert.equal("", here.run("-q wait --timeout 0.2 --interval 0.05 " .. id).errors)
  end)

  once("of a fleet, too", function()
    if not databases.is_supported "SQLite" then return pending "LuaDBI is missing" end
    local path = here.directory .. "/slow.csv"
    files.write(path, "repository,message\nowner/one,Wait. [simulate: never-ready]\n")
    comes_back("fleet run " .. path, ("fleet run %s --timeout 0.2 --interval 0.05"):format(path))
  end)
end)
