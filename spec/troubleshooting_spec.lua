-- What doc/troubleshooting.md says of conversations that do not go on is what the simulator's conversations show. (Each
-- kind of error has a section: spec/types_spec.lua.)
local files = require "spec.support.files"
local in_process = require "spec.support.in_process"

local page = files.read "doc/troubleshooting.md"
local states = assert(page:match "\n## Conversations that do not go on\n(.-)\n## ")

-- The conversation with which a wait ends, for a word in its prompt.
local function ended(outcome, api, fields)
  local client = in_process.simulated { api = api or "v1" }
  fields = fields or {}
  fields.initial_user_msg = ("Try it. [simulate: %s]"):format(outcome)
  return assert(client:run(fields))
end

describe("the page of what can go wrong", function()
  it("has a row for each state in which a conversation does not go on", function()
    local names = files.read("lua/openhands/conversation/state.lua"):match "@alias openhands%.State\n(.-)\n\n"
    local count = 0
    for name in names:gmatch '%-%-%-| "(%l+)"' do
      if name ~= "starting" and name ~= "running" then
        count = count + 1
        assert.is_truthy(states:find(("\n| `%s`"):format(name), 1, true), name)
      end
    end
    assert.is_true(count >= 6)
  end)

  it("tells the states as they are", function()
    assert.equal("paused", ended("paused").state)
    assert.equal("waiting", ended("waiting").state)
    assert.equal("gone", ended("missing").state)
    local stuck = ended "stuck"
    assert.same({ "failed", "stuck" }, { stuck.state, stuck.execution_status })
  end)

  it("tells the reasons of failures by words that they have", function()
    for outcome, word in pairs {
      budget = "budget", ["start-limit"] = "concurrent conversations", ["start-repository"] = "Unable to access repo",
      ["start-error"] = "Sandbox failed to start",
    } do
      local failed = ended(outcome, "v1", { repository = "owner/repo" })
      assert.equal("failed", failed.state)
      assert.is_truthy(failed.detail:lower():find(word:lower(), 1, true), failed.detail)
      assert.is_truthy(states:lower():find(word:lower(), 1, true), word)
    end
  end)

  it("tells how a refused message fails", function()
    local client = in_process.simulated { api = "v1" }
    local done = assert(client:run { initial_user_msg = "Try it. [simulate: paused]" })
    local _, err = client:send(done, "Go on.")
    assert.same({ "conflict", 409 }, { err.kind, err.status })
    local resumed = assert(client:resume(done, { send = "Please go on." }))
    assert.is_false(resumed.settled)
    _, err = client:send("7f3b9a1c2d4e4f60a1b2c3d4e5f60718", "Go on.")
    assert.same({ "not_found", 404 }, { err.kind, err.status })
  end)
end)
