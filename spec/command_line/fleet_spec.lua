-- The commands for fleets, as processes against a simulator.
local commands = require "spec.support.command"
local databases = require "spec.support.ledger_databases"
local files = require "spec.support.files"

if not databases.is_supported "SQLite" then
  return describe("the fleets of the command", function() it("run", function() pending "LuaDBI is missing" end) end)
end

local FAST = " --interval 0.05"

-- What takes seconds runs on one Lua alone.
local once = rawget(_G, "jit") and it or function() end

describe("the command", function()
  local here = commands.specs(setup, teardown, { pace = 0.005 })

  before_each(function()
    here.service:reset()
    here.renew()
  end)

  local function file(name, text)
    files.write(here.directory .. "/" .. name, text)
    return here.directory .. "/" .. name
  end

  it("fleet run starts the records of a CSV, and starts none again", function()
    local path = file("upgrades.csv", 'repository,package\nowner/one,left-pad\nowner/two,"a {brace}, b"\n')
    local words = ("fleet run %s --message 'Upgrade {package}.'"):format(path) .. FAST
    local plan = here.run(words .. " --plan --json").json
    assert.same({ "owner/one", "owner/two" }, plan.start)
    assert.same({}, plan.ended)
    assert.equal(0, here.service:jobs())
    local result = here.run(words)
    assert.equal(0, result.status)
    assert.matches("\ndone   owner/one .*\n2 runs: 2 done, ", result.output)
    assert.matches("owner/one: running %-> done\n", result.errors)
    assert.matches("Upgrade a {brace}, b.", here.service:starts()[2].body, 1, true)
    assert.equal(0, here.run(words).status)
    assert.equal(2, here.service:jobs())
  end)

  once("fleet run takes message, key and more from columns", function()
    local path = file("items.csv", "key,repo,message,priority,depends_on,branch\n"
      .. "a,owner/one,Fix {this}.,1,,main\nb,owner/one,Go on.,,a,\n")
    local result = here.run("fleet run --json " .. path .. FAST)
    assert.equal(0, result.status)
    assert.equal(2, result.json.counts.done)
    assert.matches("Fix {this}.", here.service:starts()[1].body, 1, true)
    assert.matches('"selected_branch":"main"', here.service:starts()[1].body, 1, true)
  end)

  once("fleet run ends with 2 if some fail, and with 4 if the time is over", function()
    local failing = file("failing.csv", "repository,message\nowner/one,Fix.\nowner/two,Fail. [simulate: error]\n")
    local result = here.run("fleet run --jsonl " .. failing .. FAST)
    assert.equal(2, result.status)
    assert.matches('{.-"key":"owner/two".-"previous":"running".-"state":"failed"}\n', result.output)
    here.service:options { outcome = "finished" }
    result = here.run("fleet run --retry --json " .. failing .. FAST)
    assert.matches("^1 item is tried once more", result.errors)
    assert.equal(2, result.json.runs[2].attempts)
    local slow = file("slow.csv", "repository,message\nowner/one,Wait. [simulate: never-ready]\n")
    result = here.run("fleet run --timeout 0.3 " .. slow .. FAST)
    assert.equal(4, result.status)
    assert.matches("1 run: 1 ", result.output)
  end)

  once("fleet run reads a Lua file, whose settings the command line may change", function()
    local path = file("careful.lua", [[
      return { name = "careful", slots = 2, canary = 1, items = {
        { key = "a", initial_user_msg = "Fail. [simulate: error]" }, { key = "b", initial_user_msg = "Never." } } }]])
    local report = here.directory .. "/report.html"
    local result = here.run(("fleet run %s --report %s"):format(path, report) .. FAST)
    assert.equal(2, result.status)
    assert.matches("\nfailed +a .*\nskipped +b ", result.output)
    assert.matches("^<!doctype html>", files.read(report))
    local plan = here.run(("fleet run %s --name other --canary 0 --plan --json"):format(path)).json
    assert.same({ "other", { "a", "b" } }, { plan.fleet, plan.start })
  end)

  once("fleet status and fleet report tell how a fleet stands", function()
    local path = file("typos.csv", "repository,message\nowner/one,Fix.\n")
    here.run("fleet run " .. path .. FAST)
    assert.matches("^typos: 0 of 8 slots used, 1 run: 1 done", here.output "fleet status typos")
    local status = here.run("fleet status typos --json").json
    assert.equal(1, status.done)
    assert.same({}, status.runs)
    assert.equal("done", here.run("fleet report typos --json").json.runs[1].state)
    assert.matches('^{.*"key":"owner/one".*}$', here.output "fleet report typos --jsonl")
    local csv = here.directory .. "/out.csv"
    here.output("fleet report typos --report " .. csv)
    assert.matches("^key,state,", files.read(csv))
    local unknown = here.run "fleet status tpyos"
    assert.equal(1, unknown.status)
    assert.matches("has no items", unknown.errors)
  end)

  it("fleet names what is wrong with its file", function()
    local cases = {
      ["fleet run " .. here.directory .. "/none.csv"] = "No such file",
      ["fleet run " .. file("no_key.csv", "message\nFix.\n")] = "record 1 has no key",
      ["fleet run " .. file("no_message.csv", "repository\nowner/one\n")] = "record 1 has no message",
      ["fleet run " .. file("no_items.lua", "return {}")] = "must return a table with 'items'",
      ["fleet run " .. file("broken.lua", "return {")] = "broken.lua:1:",
      ["fleet run " .. file("typo.lua", "return { slot = 1, items = {} }")] = "unknown setting 'slot'",
      ["fleet run " .. file("ok.csv", "a\n1\n") .. " --report x.pdf"] = "must end with",
      ["fleet status x --ledger postgresql://user:secret@127.0.0.1:1/x"] = "a password in the command line",
      ["fleet status x --ledger 'postgresql://user:a/secret@127.0.0.1:1/x'"] = "a password in the command line",
      ["fleet status x --ledger 'postgresql://127.0.0.1:1/x?password=secret'"] = "a password in the command line",
      ["fleet status x --ledger '$NO_SUCH_VARIABLE'"] = "is not set",
    }
    for words, problem in pairs(cases) do
      local result = here.run(words)
      assert.equal(1, result.status, words)
      assert.matches(problem, result.errors, 1, true)
      assert.is_nil(result.errors:find("secret", 1, true))
    end
    assert.equal(0, here.service:jobs())
  end)

  it("fleet add adds the records of a CSV for workers, and starts nothing", function()
    local path = file("shared.csv", "repository,message\nowner/one,Fix.\nowner/two,Fail. [simulate: error]\n")
    local words = "fleet add " .. path
    assert.equal("shared: 2 items added, 0 known before", here.output(words))
    assert.equal("shared: 0 items added, 2 known before", here.output(words))
    assert.equal(0, here.service:jobs())
    assert.equal(2, here.run "fleet status shared --json".json.queued)
    assert.same({ done = 1, not_done = 1 }, here.run("worker --json" .. FAST).json)
    assert.same({ fleet = "shared", added = 0, known = 2, retried = 1 }, here.run(words .. " --retry --json").json)
    assert.equal(1, here.run "fleet status shared --json".json.queued)
    assert.equal(2, here.service:jobs())
  end)

  it("fleet cancel takes items out of the queue", function()
    local path = file("shared.csv", "repository,message\nowner/one,Fix.\nowner/two,Fix.\nowner/three,Fix.\n")
    here.output("fleet add " .. path)
    local refused = here.run "fleet cancel shared"
    assert.equal(1, refused.status)
    assert.matches("name items by their keys, or give --all", refused.errors, 1, true)
    assert.equal(1, here.run("fleet cancel shared --all owner/one").status)
    assert.equal("1 item cancelled", here.output "fleet cancel shared owner/two")
    assert.equal(2, here.run("worker --json" .. FAST).json.done)
    local result = here.run "fleet cancel shared owner/one owner/two --json"
    assert.equal(2, result.status)
    assert.same({ cancelled = {}, skipped = 0, left = { { key = "owner/one", state = "done", why = "it is done" },
      { key = "owner/two", state = "cancelled", why = "it was cancelled before" } } }, result.json)
    assert.same({ cancelled = {}, left = {}, skipped = 0 }, here.run "fleet cancel shared --all --json".json)
    assert.matches("did you mean 'shared'?", here.run "fleet cancel sahred --all".errors, 1, true)
    assert.equal(2, here.service:jobs())
  end)

  once("fleet add gives a fleet its settings, and reads a Lua file", function()
    local path = file("careful.lua", [[
      return { slots = 2, canary = 1, items = { { key = "a", initial_user_msg = "Fix." },
        { key = "b", initial_user_msg = "Fix." } } }]])
    assert.same({ fleet = "mine", added = 2, known = 0 },
      here.run(("fleet add %s --name mine --slots 3 --budget 5 --json"):format(path)).json)
    local status = here.run "fleet status mine --json".json
    assert.same({ 3, 2 }, { status.fleet_slots, status.queued })
    assert.same({ { key = "b", why = "for the canaries, the first 1" } },
      here.run(("fleet run %s --name mine --plan --json"):format(path)).json.wait)
    local refused = here.run(("fleet add %s --name mine"):format(file("careful.lua",
      'return { items = { { key = "a", initial_user_msg = "Other." } } }')))
    assert.equal(1, refused.status)
    assert.matches("'a' was added before with another request", refused.errors, 1, true)
  end)

  once("worker works for all fleets of the account", function()
    here.add_items("shared", { { key = "one", initial_user_msg = "Fix." }, { key = "two", initial_user_msg = "Fix." } })
    local result = here.run("worker --json" .. FAST)
    assert.equal(0, result.status)
    assert.same({ done = 2, not_done = 0 }, result.json)
    assert.equal(2, here.service:jobs())
  end)
end)
