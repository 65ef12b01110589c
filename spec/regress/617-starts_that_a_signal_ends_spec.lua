-- A start that was ended by SIGTERM, or by a second Ctrl-C before the first was noticed, left nothing with which to
-- find the conversation again: with --quiet, with --json while it waited, and in V0.
local commands = require "spec.support.command"

describe("a start that a signal ends at once", function()
  local here = commands.specs(setup, teardown, { pace = 0.08 })

  before_each(function() here.service:reset() end)

  local function look_until(is_so)
    local looks = 0
    repeat looks = looks + 1 until is_so() or looks == 20000
  end

  local function has_asked(method, least)
    local count = 0
    for _, request in ipairs(here.service:requests()) do
      count = count + (request.method == method and 1 or 0)
    end
    return count >= (least or 1)
  end

  -- Begins a start whose answer never comes, and ends it once the service is asked.
  local function ended(words, signals)
    here.service:faults { { point = "after_read", action = "hang", match = { method = "POST" } } }
    local running = here.begin(words)
    look_until(function() return has_asked "POST" end)
    running.signal(signals)
    return running.output
  end

  it("says how to take it up again", function()
    for _, signals in ipairs { "-TERM", "-KILL", { "-INT", "-INT" } } do
      local output = ended("--api v1 -q start --repo a/b 'Fix it.'", signals)
      assert.matches("\n  openhands%-lua start %-%-repo a/b %-%-id %x+%-[%x-]+ %-%-resume %-%-api v1 'Fix it%.'\n",
        output)
      here.service:reset()
    end
  end)

  it("says in V0 that it may have been started", function()
    local output = ended("--api v0 start x", "-TERM")
    assert.matches("It may have been started: look in `openhands-lua list`", output, 1, true)
  end)

  it("says how to wait for it, where its JSON comes at the end", function()
    local running = here.begin "--api v1 -q start x --wait --json --interval 0.05"
    look_until(function() return has_asked("GET", 3) end)
    running.signal "-TERM"
    local id = running.output:match "openhands%-lua wait (%x+%-[%x-]+) %-%-api v1\n"
    assert.matches((id or "no id"):gsub("-", ""), here.service:starts()[1].body:gsub("-", ""), 1, true)
  end)

  it("has nothing to say otherwise", function()
    local result = here.run "-q start x --wait --interval 0.05"
    assert.same({ 0, "" }, { result.status, result.errors })
    here.service:throttle("quota", 1, {})
    assert.matches("^openhands%-lua: start: [^\n]+\n$", here.run("-q start x").errors)
  end)
end)
