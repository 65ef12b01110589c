-- `fleet report NAME --report notes.txt` emptied the file before it refused the name. `fleet run FILE --report` told
-- only after the paid runs that the report could not be written, and then printed no table either.
local commands = require "spec.support.command"
local files = require "spec.support.files"

describe("a report that cannot be written", function()
  local here = commands.specs(setup, teardown, { pace = 0.005 })
  local items

  before_each(function()
    here.service:reset()
    here.renew()
    items = here.directory .. "/typos.csv"
    files.write(items, "repository,message\nowner/one,Fix.\n")
  end)

  local function names()
    local shell = assert(io.popen("ls " .. here.directory))
    local list = shell:read "*a"
    shell:close()
    return list
  end

  it("leaves the file as it is if its name is refused", function()
    here.add_items("typos", { { key = "owner/one", initial_user_msg = "Fix." } })
    local notes = here.directory .. "/notes.txt"
    files.write(notes, "my notes\n")
    local result = here.run("fleet report typos -o " .. notes)
    assert.same({ 1, "" }, { result.status, result.output })
    assert.matches("must end with .html, .csv or .json", result.errors, 1, true)
    assert.equal("my notes\n", files.read(notes))
  end)

  it("is refused before anything is started", function()
    local kept = here.directory .. "/kept.html"
    files.write(kept, "an older report\n")
    os.execute(("mkdir %s/directory.json"):format(here.directory))
    local before = names()
    for path, problem in pairs {
      ["/nope/foo.html"] = "--report: /nope/foo.html cannot be written: No such file or directory",
      [here.directory .. "/directory.json"] = "directory.json cannot be written: Is a directory",
    } do
      local result = here.run(("fleet run %s --report %s"):format(items, path))
      assert.same({ 1, "" }, { result.status, result.output })
      assert.matches(problem, result.errors, 1, true)
    end
    assert.equal(0, here.service:jobs())
    assert.equal(0, here.run(("fleet run %s --report %s --plan"):format(items, kept)).status)
    assert.equal("an older report\n", files.read(kept))
    assert.equal((before:gsub("typos", "state\n%0")), names())
  end)

  it("does not keep the table from being printed", function()
    local reports = here.directory .. "/reports"
    os.execute("mkdir " .. reports)
    files.write(items, "repository,message\nowner/one,Wait. [simulate: never-ready]\n")
    local running = here.begin(("fleet run %s --report %s/report.csv --timeout 4"):format(items, reports))
    running.read_until "queued %-> starting"
    os.execute("rm -r " .. reports)
    assert.equal(1, running.signal {})
    assert.matches("--report: " .. reports .. "/report.csv cannot be written: No such file", running.output, 1, true)
    assert.matches("Fleet typos\n.*\n1 run: 1 running, ", running.output)
  end)

  it("replaces an existing one as a whole, and the target of a symbolic link", function()
    here.add_items("typos", { { key = "owner/one", initial_user_msg = "Fix." } })
    local target, link = here.directory .. "/target.csv", here.directory .. "/link.csv"
    files.write(target, "an older report\n")
    os.execute(("ln -s target.csv %s"):format(link))
    local opened = assert(io.open(target))
    here.output("fleet report typos --report " .. link)
    assert.matches("^key,state,", files.read(target))
    assert.equal("an older report\n", opened:read "*a")
    opened:close()
    assert.equal("link.csv\nstate\ntarget.csv\ntypos.csv\n", names())
  end)
end)
