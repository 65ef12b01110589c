-- What people see at a prompt: `openhands.show`, and `tostring` of what the library returns.
local event_lists = require "spec.support.event_lists"
local in_process = require "spec.support.in_process"
local openhands = require "openhands"
local shows = require "openhands.display.show"

local ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"

local function status(fields)
  local client = in_process.scripted(function()
    return in_process.json(('[{"id":"%s",%s}]'):format(ID, fields))
  end, { api = "v1", base_url = "https://service.example" })
  return assert(client:status(ID))
end

-- Calls a function and returns what it prints.
local function printed(call)
  local lines, original = {}, print
  _G.print = function(text) lines[#lines + 1] = text end
  local good, problem = pcall(call)
  _G.print = original
  assert(good, problem)
  return table.concat(lines, "\n")
end

describe("showing a conversation", function()
  it("prints its name, state, time, cost, page and pull requests", function()
    local conversation = status('"title":"Fix the typo","selected_repository":"owner/repo","git_provider":"github",'
      .. '"pr_number":[7],"sandbox_status":"RUNNING","execution_status":"finished","metrics":{"accumulated_cost":0.42},'
      .. '"created_at":"2026-08-20T09:05:02","updated_at":"2026-08-20T09:17:33"')
    rawset(conversation, "answer", "Done.\n\nOpened \27[31ma pull request. tkn=s3cr3t-s3cr3t")
    assert.equal(table.concat({
      "Fix the typo",
      "  owner/repo",
      "  finished after 12m31s, $0.42",
      "  https://service.example/conversations/" .. ID,
      "  https://github.com/owner/repo/pull/7",
      "  Done.",
      "",
      "  Opened a pull request. tkn=[redacted]",
    }, "\n"), printed(function() openhands.show(conversation) end))
  end)

  it("prints what is known of one that has just begun", function()
    assert.equal("  starting\n  https://service.example/conversations/" .. ID,
      printed(function() openhands.show(status '"sandbox_status":"STARTING"') end):match "\n(.*)$")
  end)
end)

describe("showing", function()
  it("a list of conversations prints a board with their pages", function()
    local list = { status '"title":"One","sandbox_status":"RUNNING","execution_status":"running"',
      status '"title":"Two","sandbox_status":"ERROR"' }
    local text = printed(function() openhands.show(list) end)
    assert.matches("^STATE +CONVERSATION\nfailed +Two\n  https://[^\n]+\nrunning +One\n", text)
    assert.matches("\n  https[^\n]+\n2 conversations: 1 failed, 1 running$", text)
    local by_id = { [ID] = list[1] }
    assert.matches("running +One", printed(function() openhands.show(by_id) end))
  end)

  it("an event, or a list of them, prints a line for each", function()
    local client, conversation = event_lists.ran({ api = "v1" }, nil, "Fix the typo")
    local events = client:events(conversation):all()
    assert.equal("user: Fix the typo", printed(function() openhands.show(events[1]) end))
    assert.matches("^user: Fix the typo\nstate: idle\n", printed(function() openhands.show(events) end))
    local many = {}
    for place = 1, 250 do many[place] = events[1] end
    assert.matches("\n... and 50 more$", shows.text(many))
  end)

  it("any other value of the library prints it as text, and an error as its message", function()
    local client = in_process.simulated {}
    assert.matches("^openhands.Client", printed(function() openhands.show(client) end))
    assert.matches("^openhands.Pages", printed(function() openhands.show(client:list()) end))
    assert.matches("status: the service knows no", printed(function() openhands.show(client:status(ID)) end))
  end)

  it("what is no value of the library is a mistake", function()
    for _, odd in ipairs { ID, 7, true, {}, { {} }, print, setmetatable({}, { __name = "openhandsome.Thing" }) } do
      local good, message = pcall(openhands.show, odd)
      assert.is_false(good)
      assert.matches("openhands.show: needs a conversation, an event, or a list of them, not a " .. type(odd), message)
    end
    assert.has_error(function() openhands.show(nil) end)
    assert.matches("openhands.status%(id%) returns", select(2, pcall(openhands.show, ID)))
  end)
end)

describe("the text", function()
  it("of the module has its version and that of libcurl", function()
    assert.matches("^openhands %d+%.%d+%.%d+ %(libcurl/%d", tostring(openhands))
    assert.equal("openhands.secrets", tostring(openhands.secrets))
  end)

  it("of a client has its service, and what is not usual", function()
    local client = openhands.new { base_url = "https://service.example", api_key = "any", api = "v1" }
    assert.equal("openhands.Client (https://service.example, V1)", tostring(client))
    client:close()
    assert.equal("openhands.Client (https://service.example, V1, closed)", tostring(client))
  end)

  it("of a collection tells how far it was read", function()
    local client, conversation = event_lists.ran { api = "v1" }
    local events = client:events(conversation, { limit = 3 })
    assert.equal("openhands.Pages (events: nothing was read yet)", tostring(events))
    assert(events:page())
    assert.equal("openhands.Pages (events: there is more to read)", tostring(events))
    assert(events:all())
    assert.equal("openhands.Pages (events: all pages were read)", tostring(events))
    local followed = client:events(conversation, { follow = true })
    assert.matches("^openhands.Followed %(events of conversation %S+: it may go on%)$", tostring(followed))
    assert(followed:all())
    assert.matches("^openhands.Followed %(events of conversation %S+, finished: all events were read%)$",
      tostring(followed))
  end)

  it("of a task that failed has its error", function()
    local client = in_process.simulated {}
    local task = client:spawn(function() error("no\nway", 0) end)
    task:wait()
    assert.equal("openhands.Task (failed: task: no way)", tostring(task))
    local other = client:spawn(function() return nil, "nothing found" end)
    other:wait()
    assert.equal("openhands.Task (failed: nothing found)", tostring(other))
  end)
end)
