-- Calls that succeeded returned their value and a nil: `io.write(assert(conversation:file(path)))` raised an error, and
-- `print(openhands.status(id))` printed "nil" behind the conversation.
local databases = require "spec.support.ledger_databases"
local in_process = require "spec.support.in_process"

-- Returns how many values a call has returned. Fails if it has not succeeded.
local function count(...)
  local value, err = ...
  assert(value, tostring(err))
  return select("#", ...)
end

-- The calls by dialect, in an order in which each succeeds: name and further arguments.
local calls = {
  v1 = {
    { "status" }, { "wait" }, { "answer" }, { "file", "README.md" }, { "changes", "/workspace/project" },
    { "diff", "README.md" }, { "events" }, { "find_pull_requests" }, { "skills" }, { "hooks" },
    { "update", { title = "Docs" } }, { "send", "Go on." }, { "pause" }, { "resume" }, { "delete" },
  },
  v0 = {
    { "status" }, { "file", "README.md" }, { "changes" }, { "trajectory" }, { "update", { title = "Docs" } },
    { "send", "Go on." }, { "stop" }, { "start_again" }, { "find_pull_requests" }, { "wait" }, { "delete" },
  },
}

describe("a call that succeeds", function()
  for api, list in pairs(calls) do
    it("returns one value on " .. api, function()
      local client = in_process.simulated { api = api }
      assert.equal(1, count(client:start { initial_user_msg = "Go.", repository = "a/b" }))
      assert.equal(1, count(client:run { initial_user_msg = "Go.", repository = "a/b" }))
      local conversation = assert(client:start { initial_user_msg = "Go.", repository = "a/b" })
      while conversation.state == "starting" do
        client:sleep(1)
        conversation = assert(client:status(conversation))
      end
      for _, call in ipairs(list) do
        assert.equal(1, count(client[call[1]](client, conversation, call[2])), call[1])
      end
      assert.equal(1, count(client:get { conversation.conversation_id }))
      assert.equal(1, count(client:list()))
      local path = ("/api/%s"):format(api == "v1" and "v1/users/me" or "conversations")
      assert.equal(1, count(client:request { path = path }))
    end)
  end

  databases.specs(it, pending, after_each)("returns one value of a fleet", function(database)
    local client = in_process.simulated { api = "v1" }
    local fleet = assert(client:fleet { name = "f", ledger = database.address })
    assert.equal(1, count(fleet:add { key = "a", initial_user_msg = "Go." }))
    assert.equal(1, count(fleet:add { { key = "b", initial_user_msg = "Go." } }))
    assert.equal(1, count(fleet:cancel { keys = { "b" } }))
    assert.equal(1, count(fleet:retry { keys = { "b" } }))
    assert.equal(1, count(fleet:plan()))
    assert.equal(1, count(fleet:run()))
    assert.equal(1, count(fleet:status()))
    assert.equal(1, count(fleet:report()))
    assert.equal(1, count(client:map({ "a" }, function() return { initial_user_msg = "Go." } end)))
    assert.equal(1, count(client:map({ "a" }, function() return { initial_user_msg = "Go." } end,
      { name = "m", ledger = database.address })))
    fleet:close()
  end)

  it("returns one value of the agent's server", function()
    local client = in_process.simulated { api = "v1" }
    local agent = assert(client:run { initial_user_msg = "Go.", repository = "a/b" }):agent()
    assert.equal(1, count(agent:execute "true"))
    assert.equal(1, count(agent:events()))
    assert.equal(1, count(agent:event_count()))
  end)
end)
