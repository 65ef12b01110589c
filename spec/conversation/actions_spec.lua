-- What can be done with a conversation that exists, whatever the dialect: rename, delete, stop, put to sleep, wake, say
-- something. And what the service says of its pull requests.

local canary = require "spec.support.canary"
local in_process = require "spec.support.in_process"
local assertions = require "spec.support.assertions"

local UNKNOWN = "0d1e2f3a4b5c4d6e8f901a2b3c4d5e6f"

describe("steering", function()
  local client, model, transport, id

  local function serve(api, options, settings)
    local all = { api = api }
    for name, value in pairs(options or {}) do
      all[name] = value
    end
    client, model, transport = in_process.simulated(all, settings)
    id = assert(client:start { initial_user_msg = "Fix it.", repository = "acme/widgets" }).conversation_id
    model:advance(25)
    assert(client:status(id))
  end

  after_each(function()
    canary.assert_keys_apart(model)
  end)

  local function job()
    return model:find(assertions.comparable_id(id))
  end

  local function refused(kind, operation, value, err)
    assert.is_nil(value)
    assert.equal(kind, assertions.assert_error(err).kind)
    assert.equal(operation, err.operation)
    assert.matches("^" .. operation .. ": ", err.message)
    assert.is_string(err.conversation_id)
    return err
  end

  local function requests(path)
    local found = {}
    for _, request in ipairs(model.requests) do
      found[#found + 1] = request.path:find(path) and request or nil
    end
    return found
  end

  describe("puts to sleep and wakes", function()
    before_each(function()
      serve "v1"
    end)

    it("a conversation, which then has a new session key", function()
      local before = assert(client:status(id))
      local asleep = assert(client:pause(id))
      assertions.assert_conversation(asleep)
      assert.same({ "paused", "STOPPED", true }, { asleep.state, asleep.status, asleep.settled })
      assert.is_nil(asleep.session_api_key)
      local awake = assert(client:resume(id))
      assertions.assert_conversation(awake)
      assert.equal("RUNNING", awake.status)
      assert.is_string(awake.session_api_key)
      assert.are_not.equal(before.session_api_key, awake.session_api_key)
      assert.is_true(model:time() >= 30) -- it takes five seconds
    end)

    it("by the conversation's own methods", function()
      local conversation = assert(client:status(id))
      assert.equal("paused", assert(conversation:pause()).state)
      assert.equal("RUNNING", assert(conversation:resume()).status)
    end)

    it("without harm where it sleeps, or is awake, already", function()
      assert.equal("running", assert(client:resume(id)).state)
      assert.equal("paused", assert(client:pause(id)).state)
      assert.equal("paused", assert(client:pause(id)).state)
    end)

    it("and waits for the key, which comes after the sandbox", function()
      local looks = 0
      local scripted = in_process.scripted(function(request)
        if request.method == "POST" then
          return in_process.json '{"success":true}'
        end
        looks = looks + 1
        local url = '"conversation_url":"https://box.example/api/conversations/1"'
        local key = looks > 3 and '"session-key",' .. url or "null"
        local body = '[{"id":"%s","sandbox_id":"box","sandbox_status":"RUNNING","session_api_key":%s}]'
        return in_process.json(body:format(id, key))
      end, { api = "v1" })
      assert.equal("session-key", assert(scripted:resume(id)).session_api_key)
    end)

    it("and lets it work on by a message", function()
      assert(client:pause(id))
      assert(client:resume(id, { send = "Go on." }))
      assert.equal("finished", assert(client:wait(id)).state)
      assert(client:pause(id))
      assert(client:resume(id, "Go on, please."))
      assert.equal("finished", assert(client:wait(id)).state)
      assert.equal(2, #requests "/send%-message$")
    end)

    it("and says so when the message could not be sent", function()
      assert(client:pause(id))
      transport.faults = { { point = "after_commit", class = "timeout", match = { path = "/send%-message$" } } }
      local err = refused("ambiguous", "send", client:resume(id, "Go on."))
      assert.equal("RUNNING", err.conversation.status)
    end)

    it("in time, or says that it takes longer", function()
      assert(client:pause(id))
      local before = model:time()
      local err = refused("timeout", "resume", client:resume(id, nil, { deadline = 3 }))
      assert.is_true(err.retryable)
      assert.is_true(model:time() - before <= 3)
      assertions.assert_conversation(err.conversation)
      assert.equal("RUNNING", assert(client:resume(id)).status)
    end)

    it("not what is gone or broken", function()
      for _, status in ipairs { "MISSING", "ERROR" } do
        job().sandbox_status = status
        local err = refused("conflict", "resume", client:resume(id))
        assert.equal(409, err.status)
      end
    end)

    it("not what breaks while it wakes", function()
      assert(client:pause(id))
      transport.faults = { {
        point = "before", match = { path = "/resume$" }, response = in_process.json '{"success":true}',
      } }
      job().sandbox_status = "ERROR"
      local err = refused("conflict", "resume", client:resume(id))
      assert.matches("cannot be resumed: its sandbox is error", err.message, 1, true)
      assert.equal("failed", err.conversation.state)
    end)

    it("not what has not started yet, or never did", function()
      local started = assert(client:start { initial_user_msg = "x" })
      for seconds = 0, 8, 4 do
        for _, name in ipairs { "pause", "resume" } do
          local err = refused("conflict", name, client[name](client, started))
          assert.matches("is still starting; wait until it runs", err.message, 1, true)
          assert.equal("starting", err.conversation.state, seconds)
        end
        model:advance(4)
      end
      local failed = assert(client:start { initial_user_msg = "[simulate: start-error]" })
      assert.equal("failed", assert(client:wait(failed)).state)
      local err = refused("conflict", "resume", client:resume(failed))
      assert.matches("has failed to start", err.message, 1, true)
      assert.equal(0, #requests "/pause$" + #requests "/resume$")
    end)

    it("not what the service gives no sandbox that could be named", function()
      for _, sandbox_id in ipairs { "null", '""', '".."', "7", "{}" } do
        local scripted, asked = in_process.scripted(function()
          return in_process.json(('[{"id":"%s","sandbox_status":"PAUSED","sandbox_id":%s}]'):format(id, sandbox_id))
        end, { api = "v1" })
        for _, name in ipairs { "pause", "resume" } do
          refused("protocol", name, scripted[name](scripted, id))
        end
        assert.equal(2, #asked)
      end
    end)

    it("not what nobody knows", function()
      for _, name in ipairs { "pause", "resume" } do
        refused("not_found", name, client[name](client, UNKNOWN))
      end
    end)

    it("once, when the answer is lost", function()
      for _, name in ipairs { "pause", "resume" } do
        transport.faults = { { point = "after_commit", class = "timeout", match = { path = "/" .. name .. "$" } } }
        refused("timeout", name, client[name](client, id))
        assert.equal(1, #requests("/" .. name .. "$"))
      end
    end)
  end)

  it("names V0's own words where V1's are asked for, and the other way round", function()
    local other = { pause = "stop", resume = "start_again" }
    serve "v0"
    for name, word in pairs(other) do
      local err = refused("unsupported", name, client[name](client, id))
      assert.matches("use " .. word, err.message, 1, true)
    end
    assert.equal(0, #requests "/api/v1/sandboxes")
    serve "v1"
    for word, name in pairs(other) do
      local err = refused("unsupported", name, client[name](client, id))
      assert.matches("use " .. word, err.message, 1, true)
    end
  end)

  describe("on V0", function()
    before_each(function()
      serve "v0"
    end)

    it("stops, and starts again", function()
      local stopped = assert(client:stop(id))
      assertions.assert_conversation(stopped)
      assert.same({ "stopped", "STOPPED", true }, { stopped.state, stopped.status, stopped.settled })
      assert.equal("stopped", assert(client:status(id)).state)
      local again = assert(client:start_again(id))
      assertions.assert_conversation(again)
      assert.equal("starting", again.state)
      assert.equal("starting", assert(client:status(id)).state)
      model:advance(20)
      assert.equal("running", assert(client:status(id)).state)
      assert.equal("finished", assert(client:wait(id)).state)
      assert.equal(1, model:jobs())
    end)

    it("stops what does not run", function()
      assert(client:stop(id))
      assert.equal("stopped", assert(client:stop(id)).state)
    end)

    it("knows what it does not know", function()
      for _, name in ipairs { "stop", "start_again" } do
        refused("not_found", name, client[name](client, UNKNOWN))
      end
    end)
  end)

  for _, api in ipairs { "v0", "v1" } do
    describe("on " .. api, function()
      before_each(function()
        serve(api)
      end)

      it("renames", function()
        local renamed = assert(client:update(id, { title = "Docs" }))
        assertions.assert_conversation(renamed)
        assert.equal("Docs", renamed.title)
        assert.equal("running", renamed.state)
        assert.equal("Docs", assert(client:status(id)).title)
        assert.equal("Docs again", assert(client:status(id):update { title = "Docs again" }).title)
        refused("not_found", "update", client:update(UNKNOWN, { title = "Docs" }))
      end)

      it("deletes", function()
        assert.is_true(client:delete(id))
        local _, err = client:status(id)
        assert.equal("not_found", err.kind)
        refused("not_found", "delete", client:delete(id))
        refused("not_found", "delete", client:delete(UNKNOWN))
      end)

      it("says something, and hears what becomes of it", function()
        if api == "v1" then
          assert.equal("finished", assert(client:wait(id)).state)
        end
        local before = model:time()
        assert(client:send(id, "One more thing."))
        assert.equal("finished", assert(client:wait(id)).state)
        assert.is_true(model:time() - before >= 20) -- not how it stood before that
      end)

      it("says nothing to nobody", function()
        refused("not_found", "send", client:send(UNKNOWN, "x"))
      end)
    end)
  end

  it("says nothing to who sleeps, or is gone", function()
    serve "v1"
    assert(client:pause(id))
    local err = refused("conflict", "send", client:send(id, "x"))
    assert.equal(409, err.status)
    assert.matches("resume", err.message, 1, true)
    assert(client.sandboxes:delete(assert(client:status(id)).sandbox_id))
    err = refused("not_found", "send", client:send(id, "x"))
    assert.equal(410, err.status)
  end)

  it("queues what is said while it starts, by either id, up to ten", function()
    serve "v1"
    local started = assert(client:start { initial_user_msg = "x" })
    assert.equal(1, assert(client:queue_message(started, "One.")).position)
    assert.equal(1, assert(client:queue_message(started.start_task_id, { content = "Two." })).position)
    for _ = 2, 10 do
      assert(client:queue_message(started, "More."))
    end
    local err = refused("limit", "queue_message", client:queue_message(started, "Too much."))
    assert.is_false(err.retryable)
  end)

  describe("knows the pull requests", function()
    local OWN = "https://github.com/acme/widgets/pull/"

    local function conversation(provider, numbers)
      return ([=[[{"id":"%s","sandbox_status":"RUNNING","execution_status":"finished",
        "selected_repository":"acme/widgets","git_provider":%s,"pr_number":%s}]]=]):format(id, provider, numbers)
    end

    -- What the agent said, one event each.
    local function links_of(provider, numbers, words)
      local events = {}
      for i, text in ipairs(words) do
        events[i] = ([[{"id":"e%d","source":"%s","kind":"MessageEvent","timestamp":"2026-08-20T09:15:0%d",
          "llm_message":{"content":[{"type":"text","text":"%s"}]}}]]):format(i, text.source or "agent", i, text[1])
      end
      client = in_process.scripted(function(request)
        if request.path:find "/events/search$" then
          return in_process.json(('{"items":[%s],"next_page_id":null}'):format(table.concat(events, ",")))
        end
        return in_process.json(conversation(provider, numbers))
      end, { api = "v1" })
      return assert(client:find_pull_requests(id))
    end

    before_each(function()
      serve "v1"
    end)

    it("that the service lists", function()
      assert.equal("finished", assert(client:wait(id)).state)
      local done = assert(client:status(id))
      assert.same({ OWN .. 7 }, done.pull_requests)
      assert.same(OWN .. 7, assert(client:find_pull_requests(id))[1])
      assert.same(OWN .. 7, assert(done:find_pull_requests())[1])
    end)

    it("that the agent speaks of, of every host", function()
      assert.same({ OWN .. 7, OWN .. 8 }, links_of('"github"', "[7]", {
        { "See " .. OWN .. "8 and " .. OWN .. "7." }, { "Again: " .. OWN .. "8/files#diff" },
      }))
      local gitlab = "https://gitlab.example.com/acme/widgets/-/merge_requests/12"
      assert.same({ gitlab }, links_of("null", "[]", { { "(" .. gitlab .. ")" } }))
      local bitbucket = "https://bitbucket.org/acme/widgets/pull-requests/3"
      assert.same({ bitbucket }, links_of("null", "null", { { "<" .. bitbucket .. ">" } }))
    end)

    it("not those of others, nor those that the user spoke of", function()
      assert.same({}, links_of("null", "[]", {
        { "Like https://github.com/acme/widgets-old/pull/1 or https://github.com/other/repo/pull/2" },
        { "Fix what " .. OWN .. "3 broke.", source = "user" },
      }))
    end)
  end)
end)
