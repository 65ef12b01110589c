-- A start that the service had answered was called lost while it was young, or after one response without it: a second
-- start of its id got a `conflict` with the advice to choose another id. That would have been a second paid job.

local in_process = require "spec.support.in_process"

local ID, TASK_ID = "0f6f4c3e-1d2a-4b5c-8d9e-0a1b2c3d4e5f", "c2a9e8b7-d6f5-443c-92b1-a0f9e8d7c6b5"
local TASK = ('{"id":"%s","status":"WORKING","request":{"conversation_id":"%s"}}'):format(TASK_ID, ID)

local function fields()
  return { initial_user_msg = "x", conversation_id = ID }
end

-- Returns a client of a service that answers starts with `answer`, and shows their task while `service.shows` is set.
local function client_of(answer)
  local service = { posts = 0, shows = false }
  local client = in_process.scripted(function(request)
    if request.method == "POST" then
      service.posts = service.posts + 1
      return answer(request)
    elseif request.path:find "start%-tasks/search" then
      return in_process.json(service.shows and '{"items":[' .. TASK .. "]}" or '{"items":[]}')
    elseif request.path:find "start%-tasks" then
      return in_process.json(service.shows and "[" .. TASK .. "]" or "[null]")
    end
    return in_process.json "[null]"
  end, { api = "v1" })
  return client, service
end

local function streamed()
  return in_process.json("[" .. TASK .. "]")
end

local function answered()
  return in_process.json(TASK)
end

local function assert_known(conversation, err)
  assert.is_nil(err)
  assert.same({ ID, "starting", "v1" }, { conversation.conversation_id, conversation.state, conversation.api })
end

describe("a start that was answered and that the service does not show", function()
  it("is returned to a second start while the first reports its progress", function()
    local client, service = client_of(streamed)
    local results = assert(client:all {
      function() return client:start(fields(), { on_progress = function() end }) end,
      function()
        client:sleep(5)
        return client:start(fields())
      end,
    })
    assert_known(results[2])
    assert.equal(1, service.posts)
  end)

  it("is returned to a second start from inside `on_progress`, and after an error of it", function()
    local client, service = client_of(streamed)
    local second, err
    assert.has_error(function()
      client:start(fields(), { on_progress = function()
        second, err = client:start(fields())
        error "mine"
      end })
    end)
    assert_known(second, err)
    assert_known(client:start(fields()))
    assert.equal(1, service.posts)
  end)

  it("is returned to a second start while the first follows what it has found after a refusal", function()
    local client, service
    client, service = client_of(function()
      service.shows = true
      return in_process.json('{"detail":"exists"}', 409)
    end)
    local results = assert(client:all {
      function() return client:start(fields(), { on_progress = function() service.shows = false end }) end,
      function()
        client:sleep(5)
        return client:start(fields())
      end,
    })
    assert_known(results[2])
    assert.equal(1, service.posts)
  end)

  it("is returned to a second start that follows one which found it", function()
    local client, service = client_of(answered)
    service.shows = true
    assert_known(client:start(fields()))
    service.shows = false
    assert_known(client:start(fields()))
    assert.equal(0, service.posts)
  end)

  it("is looked for during the grace time where only a status has shown it", function()
    local client, service = client_of(answered)
    service.shows = true
    assert_known(client:status(ID))
    service.shows = false
    local hidden = client:spawn(function()
      client:sleep(30)
      service.shows = true
    end)
    assert_known(client:start(fields()))
    hidden:wait()
    service.shows = false
    local began = client:_now()
    assert.equal("conflict", select(2, client:start(fields(), { deadline = 1000 })).kind)
    assert.is_true(client:_now() - began >= 60)
    assert.equal(0, service.posts)
  end)

  it("is not called lost for one response without it, however old it is", function()
    local client, service = client_of(answered)
    assert_known(client:start(fields()))
    client:sleep(600)
    local other = client:spawn(function()
      client:sleep(30)
      service.shows = true
    end)
    assert_known(client:start(fields()))
    other:wait()
    service.shows = false
    assert_known(client:start(fields(), { deadline = 5 })) -- there is no time to be certain
    local _, err = client:start(fields())
    assert.equal("conflict", err.kind)
    assert.equal(1, service.posts)
  end)

  it("is found by the id that an old server has given it", function()
    local client, model = in_process.simulated({ api = "v1", client_ids = false, old = true })
    local first = assert(client:start(fields()))
    for _ = 1, 3 do
      client:sleep(100)
      local again = assert(client:start(fields()))
      assert.equal(first.start_task_id, again.start_task_id)
    end
    assert.equal(1, #model.starts)
  end)

  it("is not sent again by the id that an old server has given it", function()
    local given, posts = "f1111111-2222-4333-8444-555555555555", 0
    local task = ('{"id":"%s","status":"READY","app_conversation_id":"%s"}'):format(TASK_ID, given)
    local client = in_process.scripted(function(request)
      posts = posts + (request.method == "POST" and 1 or 0)
      if request.method == "POST" then
        return in_process.json(task)
      end
      return in_process.json(request.path:find "search" and '{"items":[]}' or "[null]")
    end, { api = "v1" })
    local first = assert(client:start { initial_user_msg = "x" })
    assert.equal(given, first.conversation_id)
    client:start { initial_user_msg = "x", conversation_id = given }
    assert.equal(1, posts)
  end)
end)

describe("a wait for a young start", function()
  it("is not ended by absences that presence has interrupted", function()
    local client, service = client_of(answered)
    assert(client:start(fields()))
    local shown = client:spawn(function()
      client:sleep(1)
      service.shows = true -- before, one response has lacked it
      client:sleep(70)
      service.shows = false
      client:sleep(30)
      service.shows = true
    end)
    local _, err = client:wait(ID, { timeout = 200 })
    shown:wait()
    assert.equal("timeout", err.kind)
  end)
end)
