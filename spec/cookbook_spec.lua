-- The programs of the cookbook, as a user runs them, against simulators: all at once, because each waits most of its
-- time. Those for nginx and Neovim are in spec/cookbook_hosts_spec.lua.
local core = require "openhands.core"
local databases = require "spec.support.ledger_databases"
local files = require "spec.support.files"
local recipes = require "spec.support.recipes"
local simulator = require "openhands.simulator"

local MOST_LINES = 15 -- of a program, without its comments
local PATIENCE = 30 -- seconds

describe("the cookbook", function()
  it("shows the programs as they are", function()
    local shown = 0
    for path, code in files.read("doc/cookbook.md"):gmatch "<!%-%- file: (%S+) %-%->\n```lua fragment\n(.-)```\n" do
      shown = shown + 1
      assert.equal(recipes.code(path), code, path)
    end
    assert.is_true(shown >= 5)
  end)

  it("has the path of every program", function()
    local text = files.read "doc/cookbook.md"
    for _, name in ipairs(recipes.names()) do
      assert.is_truthy(text:find(recipes.folder .. name .. ".lua", 1, true), name)
    end
  end)

  for _, name in ipairs(recipes.names()) do
    it(("needs at most %d lines for %s.lua"):format(MOST_LINES, name), function()
      local count = 0
      for line in recipes.code(recipes.folder .. name .. ".lua"):gmatch "[^\n]+" do
        count = count + (line:find "^ *%-%-" and 0 or line:find "[^ ]" and 1 or 0)
      end
      assert.is_true(count > 1 and count <= MOST_LINES, count .. " lines")
    end)
  end
end)

describe("the program of the cookbook for", function()
  local service, service_of_two, service_of_issues, idle_service, services, outputs, files_of, removers
  local usages = { -- of the programs that need arguments
    nightly_updates = "REPOSITORY...", ci_step = "PROMPT [REPOSITORY]", fan_out = "NAME PROMPT REPOSITORY...",
    review = "REPOSITORY NUMBER", quality = "REPOSITORY NUMBER...", onboarding = "REPOSITORY",
    issues = "REPOSITORY#NUMBER...",
  }

  local function another(options)
    local handle = simulator.spawn(options)
    services[#services + 1] = handle
    return handle
  end

  setup(function()
    services, outputs, files_of, removers = {}, {}, {}, {}
    local agent_files = { ["qa.md"] = "All works.\n", ["ONBOARDING.md"] = "See main.c.\n" }
    service = another { pace = 0.005, agent_files = agent_files }
    local running = {}
    local function start(place, name, words, more, at)
      local address = (at or service).address
      running[place], files_of[place], removers[#removers + 1] = recipes.begin(name, words, address, more)
    end
    start("nightly", "nightly_updates", "owner/one owner/two owner/three owner/four owner/forbidden")
    start("step", "ci_step", "'Try it.' owner/one")
    start("slow_step", "ci_step", "'Try it. [simulate: slow]'",
      { filter = 'while IFS= read -r line; do echo "$(date +%s%N) $line"; done' })
    start("failed_step", "ci_step", "'Try it. [simulate: error]'")
    start("asking_step", "ci_step", "'Try it. [simulate: waiting]'")
    start("review", "review", "owner/one 12")
    start("quality", "quality", "owner/one 12 13")
    start("onboarding", "onboarding", "owner/one")
    service_of_two = another { pace = 0.01, max_concurrent = 2, limit_mode = "refuse", api = "v1" }
    start("two", "nightly_updates", "o/a o/b o/c o/d o/e", nil, service_of_two)
    if databases.is_supported "SQLite" then
      service_of_issues = another { pace = 0.005, api = "v1" }
      start("issues", "issues", "'o/a#1' 'o/a#2' 'o/b#3'", nil, service_of_issues)
    end
    idle_service = another { api = "v1" }
    for name in pairs(usages) do start("idle_" .. name, name, "", nil, idle_service) end
    start("odd_issue", "issues", "owner/one 12", nil, idle_service)
    for place, pipe in pairs(running) do
      pipe:read "*l"
      outputs[place] = pipe:read "*a"
      pipe:close()
    end
  end)

  teardown(function()
    for _, each in ipairs(services) do each:close() end
    for _, remove in ipairs(removers) do remove() end
  end)

  local function ends_with(place, pattern, code)
    assert.matches(("%sexit %d\n$"):format(pattern, code), outputs[place])
  end

  it("anything starts nothing without its arguments, and tells its usage", function()
    for name, words in pairs(usages) do
      local usage = ("usage: lua %s.lua %s\n"):format(name, words)
      assert.matches(usage, outputs["idle_" .. name], 1, true)
      ends_with("idle_" .. name, "\n", 1)
    end
    if databases.is_supported "SQLite" then
      assert.matches("owner/one is not REPOSITORY#NUMBER", outputs.odd_issue, 1, true)
    end
    assert.equal(0, idle_service:jobs())
  end)

  it("nightly updates prints a table of pull requests, and what has failed", function()
    for _, name in ipairs { "one", "two", "three", "four" } do
      assert.matches(("\nowner/%s +finished +https?://[^\n]*/pull/7\n"):format(name), "\n" .. outputs.nightly)
    end
    ends_with("nightly", "owner/forbidden +conflict +map: [^\n]*owner/forbidden[^\n]*\n4 of 5 done, %$0%.33\n", 1)
  end)

  it("nightly updates has two conversations at once", function()
    ends_with("two", "5 of 5 done[^\n]*\n", 0)
    local answered = 0
    for _, each in ipairs(service_of_two:requests()) do
      answered = answered + (each.method == "POST" and 1 or 0)
    end
    assert.equal(5, answered) -- none was refused
  end)

  it("a step of CI prints a line for each event, and ends with 0", function()
    ends_with("step", "^http[^\n]*\n[^\n]+\n[^\n]+\n[^\n]+\n.*\nfinished\tDone%.[^\n]*\n", 0)
    assert.is_nil(outputs.step:find "\nnil\n")
    assert.is_truthy(outputs.step:find("Try it.", 1, true))
  end)

  it("a step of CI prints each event when it comes", function()
    local first, last
    for time in outputs.slow_step:gmatch "(%d+) [^\n]*\n" do
      first, last = first or tonumber(time), tonumber(time)
    end
    assert.is_true(last - first > 5e8, "all lines came within half a second")
  end)

  it("a step of CI fails with the conversation", function()
    ends_with("failed_step", "\nfailed\t[^\n]+\n", 1)
    ends_with("asking_step", "\nwaiting\t[^\n]*\n", 1)
  end)

  it("a review prints it, with a link", function()
    ends_with("review", "^Done%.[^\n]*\nhttp[^\n]*\n", 0)
  end)

  it("trying out changes saves a report of each", function()
    ends_with("quality", "^12\thttp[^\n]+\n13\thttp[^\n]+\n", 0)
    assert.equal("All works.\n", files.read(files_of.quality .. "/quality-12.md"))
    assert.equal("All works.\n", files.read(files_of.quality .. "/quality-13.md"))
  end)

  it("explaining a repository prints the file", function()
    ends_with("onboarding", "^See main%.c%.\n\n", 0)
  end)

  if not databases.is_supported "SQLite" then
    return it("fleets", function() pending "LuaDBI is missing" end)
  end

  it("issues never has two conversations in one repository", function()
    ends_with("issues", "\n3 runs: 3 done, [^\n]*\n", 0)
    local order = {}
    for _, each in ipairs(service_of_issues:starts()) do
      order[#order + 1] = each.body:match "Solve issue #(%d)"
    end
    assert.equal(3, #order)
    assert.is_true(order[3] == "2" or order[2] == "2", table.concat(order))
  end)

  -- As after the minute for which the lease of a killed process holds.
  local function let_leases_expire(path)
    local connection = assert(require("DBI").Connect("SQLite3", path))
    connection:autocommit(true)
    assert(assert(connection:prepare "update openhands_runs set lease_until = 0"):execute())
    connection:close()
  end

  it("a fan-out goes on after kill -9, and starts nothing twice", function()
    local own = another { pace = 0.05, api = "v1" }
    local words = "cve 'Fix it.' o/a o/b o/c"
    local pipe, directory, remove = recipes.begin("fan_out", words, own.address)
    local pid = pipe:read "*l"
    local deadline = core.monotonic() + PATIENCE
    while #own:starts() < 2 and core.monotonic() < deadline do
      assert.is_truthy(pid)
    end
    os.execute("kill -9 " .. pid)
    assert.matches("exit 137\n$", pipe:read "*a")
    pipe:close()
    assert.is_true(#own:starts() >= 2)
    let_leases_expire(directory .. "/openhands/ledger.db")
    pipe = recipes.begin("fan_out", words, own.address, { directory = directory })
    local output = pipe:read "*a"
    pipe:close()
    remove()
    assert.matches("\no/a +Done%.[^\n]*\no/b +Done%.[^\n]*\no/c +Done%.[^\n]*\nexit 0\n$", output)
    assert.equal(3, own:jobs())
    local ids = {}
    for _, each in ipairs(own:starts()) do
      assert.is_nil(ids[each.conversation_id], "a start was sent again")
      ids[each.conversation_id] = true
    end
  end)
end)
