-- One conversation as one line.
local conversations = require "openhands.display.conversation"
local in_process = require "spec.support.in_process"
local paint = require "openhands.display.paint"
local texts = require "openhands.display.text"
local widths = require "openhands.display.width"

local URL = "https://service.example/conversations/7f3b9a1c2d4e4f60a1b2c3d4e5f60718"

local function example(changes)
  local conversation = {
    conversation_id = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718", title = "Fix the typo", selected_repository = "owner/repo",
    state = "running", settled = false, elapsed = 751, cost = 0.42, url = URL,
    last_event = { kind = "ActionEvent", action = { kind = "TerminalAction", command = "make test" } },
  }
  for name, value in pairs(changes or {}) do
    if value == "none" then value = nil end
    conversation[name] = value
  end
  return conversation
end

describe("the line of a conversation", function()
  it("has its name, state, time, cost, last event and page", function()
    assert.equal("Fix the typo  running 12m31s  $0.42  $ make test  " .. URL, conversations.line(example()))
  end)

  it("has its page where there is room for it, and what fits of the rest", function()
    for columns, line in pairs {
      [120] = "Fix the typo  running 12m31s  $0.42  $ make test  " .. URL,
      [80] = "Fix the typo  running 12m31s  $0.42  $ make test",
      [40] = "Fix the typo  running 12m31s  $0.42",
      [30] = "Fix the typo  running 12m31s",
      [20] = "Fix\226\128\166  running 12m31s",
    } do
      assert.equal(line, conversations.line(example(), columns))
    end
    local long = { last_event = ("word "):rep(30) }
    assert.equal("Fix the typo  running 12m31s  $0.42  word word word word wo\226\128\166",
      conversations.line(example(long), 60))
  end)

  it("takes an event or a text as what happened last", function()
    assert.matches("  hello  https", conversations.line(example(), nil, "hello"))
    assert.matches("  paused  https", conversations.line(example(), nil, { kind = "PauseEvent" }))
  end)

  it("is called by its title, its repository or its id", function()
    assert.matches("^owner/repo  running", conversations.line(example { title = "none" }))
    assert.matches("^owner/repo  running", conversations.line(example { title = "Conversation 7f3b9" }))
    assert.matches("^7f3b9a1c2d4e4f60a1b2c3d4e5f60718  running",
      conversations.line(example { title = "none", selected_repository = "none" }))
    assert.equal("owner/new  starting -",
      conversations.line { conversation_id = "1", state = "starting", request = { selected_repository = "owner/new" } })
    assert.equal("conversation  unknown -", conversations.line {})
  end)

  it("says how it ended", function()
    assert.matches("finished 12m31s  %$0.42  #7  Done%.",
      conversations.line(example { state = "finished", settled = true, answer = "Done.", detail = "x",
        pull_requests = { "https://github.com/owner/repo/pull/7" } }))
    assert.matches("failed 12m31s  %$0.42  no money",
      conversations.line(example { state = "failed", settled = true, answer = "Done.", detail = "no\nmoney" }))
  end)

  it("never is wider than it may be, and is safe, whatever the conversation says", function()
    local odd = { "\228\184\173\230\150\135\240\159\142\137 wide", "\27]0;x\7\27[2J", "a\255\0b", ("long "):rep(500),
      "e" .. ("\204\129"):rep(9), "", " ", 7, {}, true, 0 / 0, -1, 1e300 }
    for _, name in ipairs { "title", "state", "elapsed", "cost", "url", "last_event", "pull_requests", "settled",
      "answer", "detail", "selected_repository", "conversation_id" } do
      for _, value in ipairs(odd) do
        local conversation = example { [name] = value }
        for columns = 3, 130, 7 do
          local line = conversations.spans(conversation, columns)
          assert.is_true(widths.width(line.text) <= columns, line.text)
          assert.equal(texts.lines(line.text), line.text)
          for _, span in ipairs(line.spans) do
            assert.is_true(span[1] >= 1 and span[2] >= span[1] and span[2] <= #line.text)
          end
          assert.is_nil(conversations.line(conversation, columns, nil, true):find "[^ -~]")
        end
      end
    end
  end)

  it("keeps secrets to itself, also the keys of its client", function()
    local client = in_process.scripted(function()
      return in_process.json(('[{"id":"7f3b9a1c2d4e4f60a1b2c3d4e5f60718","title":"%s"}]'):format(
        "sk-canary-0123456789 tkn=s3cr3t-s3cr3t"))
    end, { api = "v1" })
    local conversation = assert(client:status "7f3b9a1c2d4e4f60a1b2c3d4e5f60718")
    local line = conversations.line(conversation)
    assert.is_nil(line:find("canary", 1, true))
    assert.is_nil(line:find("s3cr3t", 1, true))
  end)

  it("is painted by the groups of its parts", function()
    local line = conversations.spans(example { last_event = "none" }, 60)
    assert.same({ { 1, 12, "name" }, { 15, 21, "state_running" }, { 23, 28, "time" }, { 31, 35, "cost" } }, line.spans)
    assert.equal(line.text, paint.ansi(line, {}))
    assert.equal("\27[1mFix the typo\27[0m  \27[34mrunning\27[0m \27[2m12m31s\27[0m  \27[2m$0.42\27[0m",
      paint.ansi(line, { colour = true }))
    local with_url = conversations.spans(example { last_event = "none" })
    assert.equal(with_url.text:gsub("https.*", "") .. "\27]8;;" .. URL .. "\27\\" .. URL .. "\27]8;;\27\\",
      paint.ansi(with_url, { links = true }))
  end)
end)
