-- The events of an agent server can be followed, read after a known event, and filtered by kind, like those of the
-- service. Older releases know a kind only by the path of its class, and answer its name with no events.

local calls = require "spec.support.calls"

local PATH = "openhands.sdk.event."

describe("an agent server's events", function()
  local at, agent

  before_each(function()
    at = calls.sandbox("events", { api = "v1" })
    agent = at.agent
  end)
  after_each(function() at.client:close() end)

  local function ids(events)
    local list = {}
    for place, event in ipairs(events) do list[place] = event.id end
    return list
  end

  it("can be followed until the conversation settles, each once and in order", function()
    local followed = agent:events { follow = true, limit = 3 }
    local seen = {}
    for event in followed do seen[#seen + 1] = event end
    assert.equal("finished", followed.conversation.state)
    assert.same(ids(assert(agent:events():all())), ids(seen))
    assert.equal("FinishAction", seen[#seen - 1].action.kind)
  end)

  it("can be followed by one kind", function()
    local seen = assert(agent:events({ kind = "ActionEvent" }, { follow = true }):all())
    assert.same(ids(assert(agent:events { kind = "ActionEvent" }:all())), ids(seen))
    assert.is_true(#seen > 2)
  end)

  it("can begin after a known one, whatever else is asked for", function()
    local all = ids(assert(agent:events():all()))
    local rest = ids(assert(agent:events { after = all[3], limit = 2 }:all()))
    assert.equal(#all - 3, #rest)
    assert.equal(all[4], rest[1])
    local actions = assert(agent:events { after = all[3], kind = "ActionEvent" }:all())
    for _, event in ipairs(actions) do assert.equal("ActionEvent", event.kind) end
    local followed = assert(agent:events { after = all[#all], follow = true }:all())
    assert.is_true(#followed > 0)
    local whole = ids(assert(agent:events():all()))
    assert.equal(whole[#all + 1], followed[1].id)
    assert.equal(#whole - #all, #followed)
  end)

  it("do not begin after one that the server does not know", function()
    for _, follow in ipairs { false, true } do
      local page, err = agent:events({ after = "nobody" }, { follow = follow }):page()
      assert.is_nil(page)
      assert.equal("not_found", err.kind)
      assert.equal("events", err.operation)
    end
  end)

  it("wait for a server that starts, and end at one that sleeps", function()
    local started = assert(at.client:start { initial_user_msg = "x" })
    local seen = assert(started:agent():events { follow = true }:all())
    assert.is_true(#seen > 5)
    local followed = agent:events { follow = true }
    assert(followed:page())
    assert(at.client:pause(at.id))
    while followed:page() do end
    assert.equal("paused", followed.conversation.state)
    local page, err = agent:events { follow = true }:page()
    assert.is_nil(page) -- nothing of it could be read
    assert.equal("conflict", err.kind)
  end)

  it("report mistakes with the line of the caller", function()
    for pattern, options in pairs {
      ["'follow' must be a boolean"] = { follow = 7 },
      ["'interval' needs 'follow = true'"] = { interval = 1 },
      ["need the events in ascending order"] = { follow = true, sort_order = "TIMESTAMP_DESC" },
      ["leave out 'page_id'"] = { after = "x", page_id = "y" },
      ["'kinf' is not a field"] = { kinf = "x" },
    } do
      local good, problem = pcall(function() agent:events(options) end)
      assert.is_false(good)
      assert.matches(pattern, problem, 1, true)
      assert.matches("090-agent_events_spec", problem, 1, true)
    end
  end)

  -- Makes the server an older one: it finds no events by the name of their kind, only by the path of their class.
  local function make_old(folders)
    local request, asked = at.transport.request, {}
    at.client:_remember(at.id).kinds_by_path = nil
    at.transport.request = function(self, sent)
      local kind = sent.query:match "kind=([^&]*)"
      if kind and sent.path:find "/events/" then
        asked[#asked + 1] = kind
        if not kind:find("^" .. PATH:gsub("%.", "%%.")) then
          local body = sent.path:find "count$" and "0" or '{"items":[],"next_page_id":null}'
          return { status = 200, headers = { { "Content-Type", "application/json" } }, body = body }
        end
        assert.truthy(not folders or folders[kind], kind)
        sent.query = sent.query:gsub("kind=[^&]*", "kind=" .. kind:match "[^.]*$")
      end
      return request(self, sent)
    end
    return asked
  end

  it("are found by their kind on servers that know the paths of classes only", function()
    at.model:advance(60)
    local expected = {}
    for _, kind in ipairs { "ActionEvent", "MessageEvent", "ConversationStateUpdateEvent", "PauseEvent" } do
      expected[kind] = { ids(assert(agent:events { kind = kind }:all())), assert(agent:event_count { kind = kind }) }
      assert.equal(#expected[kind][1], expected[kind][2])
    end
    make_old {
      [PATH .. "llm_convertible.action.ActionEvent"] = true,
      [PATH .. "llm_convertible.message.MessageEvent"] = true,
      [PATH .. "llm_convertible.system.SystemPromptEvent"] = true,
      [PATH .. "conversation_state.ConversationStateUpdateEvent"] = true,
      [PATH .. "user_action.PauseEvent"] = true,
    }
    for kind, both in pairs(expected) do
      assert.same(both[1], ids(assert(agent:events { kind = kind, limit = 2 }:all())), kind)
      assert.equal(both[2], (assert(agent:event_count { kind = kind })), kind)
    end
    assert.equal(expected.ActionEvent[2], #assert(agent:events({ kind = "ActionEvent" }, { follow = true }):all()))
    assert.equal(expected.ActionEvent[2], (agent:event_count { kind = PATH .. "llm_convertible.action.ActionEvent" }))
  end)

  it("of a kind whose class path is unknown are filtered one by one, and not counted", function()
    make_old()
    assert.same({}, agent:events { kind = "FutureEvent" }:all())
    local count, err = agent:event_count { kind = "FutureEvent" }
    assert.is_nil(count)
    assert.equal("unsupported", err.kind)
    assert.equal("event_count", err.operation)
  end)

  it("need one more request to find out how a server names kinds, and only where it finds none", function()
    local asked = #at.model.requests
    assert(agent:events { kind = "ActionEvent" }:page())
    assert.equal(asked + 1, #at.model.requests)
    assert.equal(0, assert(agent:event_count { kind = "PauseEvent" }))
    asked = #at.model.requests
    assert.equal(0, assert(agent:event_count { kind = "PauseEvent" }))
    assert.equal(asked + 1, #at.model.requests)
  end)
end)
