-- The examples of fleets, as a user runs them, against a simulator: all at once, because each waits most of its time.
local databases = require "spec.support.ledger_databases"
local files = require "spec.support.files"
local processes = require "spec.support.processes"
local simulator = require "openhands.simulator"

if not databases.is_supported "SQLite" then
  return describe("the examples of fleets", function() it("run", function() pending "LuaDBI is missing" end) end)
end

local FILE = [[{"severity":"high","component":"src/parser","is_reproduced":true,"duplicate_of":7}]]

describe("the example", function()
  local directory, remove, service, other_service, outputs

  -- Starts an example in a directory of its own. Returns a function that waits for its end and returns its output.
  local function start(name, words, place, at)
    local work = ("%s/%s"):format(directory, place or name)
    os.execute(("mkdir -p '%s'"):format(work))
    local process = assert(io.popen(("root=$PWD; cd '%s' && %s OPENHANDS_API_KEY=any OPENHANDS_BASE_URL=%s "
      .. "LEDGER=ledger.db timeout 60 '%s' \"$root/examples/%s.lua\" %s 2>&1; echo exit $?"):format(work,
      processes.without_leak_checks(), (at or service).address, processes.interpreter(), name, words)))
    return function()
      local output = process:read "*a"
      process:close()
      return output
    end
  end

  setup(function()
    directory, remove = files.directory()
    service = simulator.spawn { pace = 0.005, agent_files = { ["triage.json"] = FILE } }
    other_service = simulator.spawn { pace = 0.005, agent_files = { ["triage.json"] = '{"severity":"huge"}' } }
    local running = {
      cve_fanout = start("cve_fanout", "CVE-2026-1234 owner/one owner/two"),
      suggested_tasks = start("suggested_tasks", "today"),
      triage_structured = start("triage_structured", "owner/one 12 17"),
      upgrade_canary = start("upgrade_canary", "left-pad 2.0 owner/one owner/two owner/three"),
      bad_canary = start("upgrade_canary", "'left-pad [simulate: error]' 2.0 owner/one owner/two owner/three "
        .. "owner/four", "bad_canary", other_service),
      bad_triage = start("triage_structured", "owner/one 31", "bad_triage", other_service),
    }
    outputs = {}
    for name, finish in pairs(running) do outputs[name] = finish() end
  end)

  teardown(function()
    service:close()
    other_service:close()
    remove()
  end)

  it("of a fix in many repositories starts each, prints a table and writes a page", function()
    assert.matches("owner/two: queued %-> starting\n.*owner/two: running %-> done\n", outputs.cve_fanout)
    assert.matches("\ndone   owner/one .*#7 Done.*\n2 runs: 2 done, .*\nexit 0\n$", outputs.cve_fanout)
    assert.matches("^<!doctype html>.*owner/one</bdi></th>", files.read(directory .. "/cve_fanout/report.html"))
  end)

  it("of a fix in many repositories starts nothing when it is run again", function()
    local before = service:jobs()
    os.remove(directory .. "/cve_fanout/report.html")
    local output = start("cve_fanout", "CVE-2026-1234 owner/one owner/two")()
    assert.matches("2 runs: 2 done", output, 1, true)
    assert.equal(before, service:jobs())
  end)

  it("of an upgrade goes on after its canaries", function()
    assert.matches("\n3 runs: 3 done, .*\nexit 0\n$", outputs.upgrade_canary)
  end)

  it("of an upgrade starts nothing more after a canary that has failed", function()
    assert.matches("\nfailed +owner/one .*\nskipped +owner/three .*\nskipped +owner/four ", outputs.bad_canary)
    assert.matches("\nA canary has failed: the others were not started%.\nexit 1\n$", outputs.bad_canary)
    for _, each in ipairs(other_service:starts()) do
      assert.is_nil(each.body:find("owner/three", 1, true) or each.body:find("owner/four", 1, true))
    end
  end)

  it("of suggested tasks takes the failing checks alone", function()
    assert.matches("\ndone   acme%-labs/gadgets#12 .*\n1 run: 1 done, .*\nexit 0\n$", outputs.suggested_tasks)
    local prompts = {}
    for _, each in ipairs(service:starts()) do
      if each.body:find("The checks of pull request #12", 1, true) then prompts[#prompts + 1] = each.body end
    end
    assert.equal(1, #prompts)
    assert.matches('"selected_repository":"acme-labs/gadgets"', (prompts[1]:gsub(" ", "")), 1, true)
  end)

  it("of structured results fetches a file of each agent, and checks it", function()
    assert.matches("#12 +high +src/parser +reproduced\n#17 +high +src/parser +reproduced\nexit 0\n$",
      outputs.triage_structured)
  end)

  it("of structured results says that a file is not as it should be", function()
    assert.matches("#31 +its severity is unknown\nexit 1\n$", outputs.bad_triage)
  end)
end)
