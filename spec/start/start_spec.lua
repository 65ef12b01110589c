-- The start protocol in virtual time; matrix_spec.lua and wire_spec.lua run it over sockets.

local in_process = require "spec.support.in_process"

local OURS = "11111111-2222-4333-8444-555555555555"

local function once(point, class, match)
  return { point = point, class = class, match = match or { method = "POST" } }
end

local function same(a, b)
  return a:gsub("-", ""):lower() == b:gsub("-", ""):lower()
end

describe("a start", function()
  it("carries an id chosen by the client on V1, and returns it at once", function()
    local client, model = in_process.simulated({ api = "v1" })
    local conversation = assert(client:start { initial_user_msg = "x" })
    assert.equal("WORKING", conversation.status)
    assert.equal("starting", conversation.state)
    assert.equal(1, #model.starts)
    assert.is_true(same(conversation.conversation_id, model.starts[1].conversation_id))
    assert.is_true(same(conversation.start_task_id, model.starts[1].task_id))
  end)

  it("takes the id that the caller chose", function()
    local client, model = in_process.simulated({ api = "v1" })
    assert.equal(OURS, assert(client:start { initial_user_msg = "x", conversation_id = OURS }).conversation_id)
    assert.is_true(same(OURS, model.starts[1].conversation_id))
  end)

  it("is a V0 start on a V0 server", function()
    local client, model = in_process.simulated({ api = "v0" })
    local conversation = assert(client:start { initial_user_msg = "x", repository = "o/r" })
    assert.same({ "v0", "ok", "starting" }, { conversation.api, conversation.status, conversation.state })
    assert.equal(model.starts[1].conversation_id, conversation.conversation_id)
  end)

  it("is found again when its answer was lost", function()
    for _, class in ipairs { "cut", "timeout", "connect" } do
      local client, model, transport = in_process.simulated({ api = "v1" })
      transport.faults = { once("after_commit", class) }
      local conversation = assert(client:start { initial_user_msg = "x" })
      assert.equal(1, #model.starts)
      assert.is_true(same(conversation.conversation_id, model.starts[1].conversation_id))
    end
  end)

  it("is found although the service shows it late", function()
    local client, model, transport = in_process.simulated({ api = "v1", visibility = 40 })
    transport.faults = { once("after_commit", "timeout") }
    assert(client:start { initial_user_msg = "x" })
    assert.equal(1, #model.starts)
    assert.is_true(model:time() >= 40)
  end)

  it("is sent again, with the same id, only after the whole grace time without a trace", function()
    local client, model, transport = in_process.simulated({ api = "v1" })
    transport.faults = { { point = "before", class = "timeout", sent = true, match = { method = "POST" } } }
    local conversation = assert(client:start { initial_user_msg = "x" })
    assert.equal(1, #model.starts)
    assert.is_true(model:time() >= 60)
    local ids = {}
    for _, request in ipairs(model.requests) do
      if request.method == "POST" then
        ids[#ids + 1] = request.body:match '"conversation_id":"([^"]+)"'
      end
    end
    assert.same({ conversation.conversation_id, conversation.conversation_id }, ids)
  end)

  it("is ambiguous when it stays unclear, and can be resumed", function()
    local client, model, transport = in_process.simulated({ api = "v1" }, { deadline = 30 })
    transport.faults = {
      once("after_commit", "timeout"),
      { point = "before", class = "connect", match = { method = "GET" }, skip = 1, count = -1 },
    }
    local conversation, err = client:start { initial_user_msg = "x" }
    assert.is_nil(conversation)
    assert.equal("ambiguous", err.kind)
    assert.is_false(err.retryable)
    assert.is_true(same(err.conversation_id, model.starts[1].conversation_id))

    transport.faults = {}
    conversation = assert(client:start { initial_user_msg = "x", conversation_id = err.conversation_id })
    assert.is_true(same(conversation.conversation_id, err.conversation_id))
    assert.equal(1, #model.starts)
  end)

  it("can be resumed by another process, before and after it is ready", function()
    local client, model, transport = in_process.simulated({ api = "v1" })
    local first = assert(client:start { initial_user_msg = "x" })
    for _ = 1, 2 do
      local other = require("openhands").new { transport = transport, api_key = "any" }
      local again = assert(other:start { initial_user_msg = "x", conversation_id = first.conversation_id })
      assert.is_true(same(first.conversation_id, again.conversation_id))
      assert.equal("finished", assert(other:wait(again)).state)
    end
    assert.equal(1, #model.starts)
  end)

  it("waits for the grace time when an unclear one is resumed", function()
    local client, model, transport = in_process.simulated({ api = "v1", visibility = 50 }, { deadline = 5 })
    transport.faults = { once("after_commit", "timeout") }
    local _, err = client:start { initial_user_msg = "x" }
    assert.equal("ambiguous", err.kind)
    local task = { initial_user_msg = "x", conversation_id = err.conversation_id }
    assert(client:start(task, { deadline = 600 }))
    assert.equal(1, #model.starts)
  end)

  it("is ambiguous, in reasonable time, when the service cannot be reached any more", function()
    local client, model, transport = in_process.simulated({ api = "v1" })
    assert(client:_dialect("start", { initial_user_msg = "x" }, { retries = 0, deadline_at = 100 }))
    transport.faults = { { point = "after_commit", class = "timeout", count = -1 } }
    local conversation, err = client:start { initial_user_msg = "x" }
    assert.is_nil(conversation)
    assert.equal("ambiguous", err.kind)
    assert.is_true(model:time() >= 120 and model:time() < 180)
  end)

  it("stays ambiguous on V0, which takes no id from the client", function()
    local client, model, transport = in_process.simulated({ api = "v0" })
    transport.faults = { once("after_commit", "timeout") }
    local conversation, err = client:start { initial_user_msg = "x" }
    assert.is_nil(conversation)
    assert.equal("ambiguous", err.kind)
    assert.is_nil(err.conversation_id)
    assert.equal(1, #model.starts)
  end)

  it("is repeated when it was certainly not done", function()
    for _, api in ipairs { "v0", "v1" } do
      local client, model, transport = in_process.simulated({ api = api })
      transport.faults = { { point = "before", class = "connect", match = { method = "POST" }, count = 2 } }
      assert(client:start { initial_user_msg = "x" })
      assert.equal(1, #model.starts)

      transport.faults = { { point = "before", class = "connect", match = { method = "POST" }, count = 3 } }
      local conversation, err = client:start { initial_user_msg = "x" }
      assert.is_nil(conversation)
      assert.equal("connect", err.kind)
      assert.equal(1, #model.starts)
    end
  end)

  it("waits while the service throttles, and not for limits", function()
    for _, api in ipairs { "v0", "v1" } do
      for _, name in ipairs { "window", "burst" } do
        local client, model = in_process.simulated({ api = api })
        assert(client:_dialect("start", { initial_user_msg = "x" }, { retries = 0, deadline_at = 100 }))
        model:throttle(name, 1)
        assert(client:start { initial_user_msg = "x" })
        assert.equal(1, #model.starts)
      end
      for name, kind in pairs { concurrency = "limit", quota = "quota" } do
        local client, model = in_process.simulated({ api = api })
        assert(client:_dialect("start", { initial_user_msg = "x" }, { retries = 0, deadline_at = 100 }))
        model:throttle(name, 1)
        local before = model:time()
        local conversation, err = client:start { initial_user_msg = "x" }
        assert.is_nil(conversation)
        assert.equal(kind, err.kind)
        assert.equal(before, model:time())
        assert.equal(0, #model.starts)
      end
    end
  end)

  it("is refused without a second try", function()
    local client, model = in_process.simulated({ api = "v0" })
    local conversation, err = client:start { initial_user_msg = "x", repository = "owner/forbidden" }
    assert.is_nil(conversation)
    assert.equal("permission", err.kind)
    assert.equal(0, #model.starts)
  end)

  it("has the service's id where an old server ignores ours", function()
    local client, model = in_process.simulated({ api = "v1", client_ids = false })
    local conversation = assert(client:start { initial_user_msg = "x" })
    local done = assert(client:wait(conversation))
    assert.equal("finished", done.state)
    assert.is_true(same(done.conversation_id, model.starts[1].conversation_id))
    assert.equal("finished", assert(client:status(conversation.conversation_id)).state) -- under our id, too
  end)

  it("is not sent again where it may run under an id of the server's", function()
    local client, model, transport = in_process.simulated({ api = "v1", client_ids = false, old = true })
    transport.faults = { once("after_commit", "timeout") }
    local conversation, err = client:start { initial_user_msg = "x" }
    assert.is_nil(conversation)
    assert.equal("ambiguous", err.kind)
    assert.matches("an id of its own", tostring(err))
    assert.equal(1, #model.starts)
  end)

  local lost = { method = "POST" }

  it("is not taken for absent by lookups that failed", function()
    local client, model, transport = in_process.simulated({ api = "v1", visibility = 20 })
    assert(client:_dialect("start", { initial_user_msg = "x" }, { retries = 0, deadline_at = 100 }))
    transport.faults = {
      { point = "after_commit", class = "timeout", match = lost },
      { point = "before", class = "connect", match = { method = "GET" }, skip = 6, count = -1 },
    }
    local conversation, err = client:start { initial_user_msg = "x" }
    assert.is_nil(conversation)
    assert.equal("ambiguous", err.kind)
    assert.equal(1, #model.starts)
  end)

  it("is found by a client whose clock is wrong by an hour", function()
    local _, model, transport = in_process.simulated({ api = "v1" })
    local wall = transport.wall
    transport.wall = function()
      return wall() + 3600
    end
    local client = require("openhands").new { transport = transport, api_key = "any" }
    transport.faults = { { point = "after_commit", class = "timeout", match = lost } }
    assert(client:start { initial_user_msg = "x" })
    assert.equal(1, #model.starts)
  end)

  it("is not taken for absent by a list that could not be read to its end", function()
    for _, next_page_id in ipairs { '"%d"', "7", '"same"' } do
      local posts = 0
      local client = in_process.scripted(function(request, count)
        if request.method == "POST" then
          posts = posts + 1
          return { class = "timeout" }
        elseif request.path:find "search" then
          return in_process.json(('{"items":[],"next_page_id":%s}'):format(next_page_id:format(count)))
        end
        return in_process.json "[null]"
      end, { api = "v1" })
      local conversation, err = client:start { initial_user_msg = "x" }
      assert.is_nil(conversation)
      assert.equal("ambiguous", err.kind)
      assert.equal(1, posts)
    end
  end)

  it("resumed by another process is not sent while it may be in progress", function()
    local client, model, transport = in_process.simulated({ api = "v1", visibility = 40 }, { deadline = 5 })
    transport.faults = { { point = "after_commit", class = "timeout", match = lost } }
    local _, err = client:start { initial_user_msg = "x" }
    assert.equal("ambiguous", err.kind)
    local other = require("openhands").new { transport = transport, api_key = "any" }
    local task = { initial_user_msg = "x", conversation_id = err.conversation_id }
    assert(other:start(task, { resume = true }))
    assert.equal(1, #model.starts)
  end)

  it("resumed by another process is not sent where the server has given it another id", function()
    local client, model, transport = in_process.simulated({ api = "v1", client_ids = false, old = true })
    transport.faults = { { point = "after_commit", class = "timeout", match = lost } }
    local _, err = client:start { initial_user_msg = "x" }
    local other = require("openhands").new { transport = transport, api_key = "any" }
    local conversation, again = other:start { initial_user_msg = "x", conversation_id = err.conversation_id }
    assert.is_nil(conversation)
    assert.equal("ambiguous", again.kind)
    assert.equal(1, #model.starts)
  end)

  it("is not lost to a log that fails", function()
    local client, model = in_process.simulated({ api = "v1" }, {
      log = function()
        error "disk full"
      end,
    })
    assert(client:start { initial_user_msg = "x" })
    assert.equal(1, #model.starts)
  end)

  it("takes null for no id, and an early error names the id", function()
    local client, model, transport = in_process.simulated({ api = "v1" })
    assert(client:start { initial_user_msg = "x", conversation_id = require("openhands").null })
    assert.equal(1, #model.starts)
    assert.is_false((pcall(client.start, client, { initial_user_msg = "x", conversation_id = false })))
    transport.faults = { { point = "before", class = "connect", count = -1 } }
    local _, err = require("openhands").new({ transport = transport, api_key = "any" })
      :start { initial_user_msg = "x", conversation_id = OURS }
    assert.equal(OURS, err.conversation_id)
  end)

  it("is ambiguous when the answer to it cannot be read", function()
    for _, body in ipairs { "{}", '{"id":7}', "[]", "<html>", "" } do
      local client = in_process.scripted(function(request)
        if request.method == "POST" then
          return in_process.json(body)
        end
        return in_process.json(request.path:find("search") and '{"items":[]}' or "[null]")
      end, { api = "v1", retries = 0 })
      local conversation, err = client:start { initial_user_msg = "x" }
      assert.is_nil(conversation)
      assert.equal("ambiguous", err.kind)
    end
  end)

  it("is looked for once when it was redirected", function()
    local redirect = in_process.json("", 302, { { "Location", "https://login.example/" } })
    local client, model, transport = in_process.simulated({ api = "v1" })
    transport.faults = { { point = "before", response = redirect, match = { method = "POST" } } }
    local conversation, err = client:start { initial_user_msg = "x" }
    assert.is_nil(conversation)
    assert.equal("protocol", err.kind)
    assert.equal(0, #model.starts)
    assert.equal(0, model:time())

    transport.faults = { { point = "after_commit", response = redirect, match = { method = "POST" } } }
    assert(client:start { initial_user_msg = "x" })
    assert.equal(1, #model.starts)
  end)

  it("that was unclear once stays unclear after a later refusal", function()
    local client = in_process.scripted(function(request, count)
      if request.method == "POST" then
        return count == 1 and { class = "timeout" } or in_process.json('{"detail":"exists"}', 409)
      end
      return in_process.json(request.path:find("search") and '{"items":[]}' or "[null]")
    end, { api = "v1" })
    local conversation, err = client:start { initial_user_msg = "x" }
    assert.is_nil(conversation)
    assert.equal("ambiguous", err.kind)
    assert.equal(409, err.status)
  end)

  it("with a field that the dialect lacks is an error, and nothing is sent", function()
    local client, model = in_process.simulated({ api = "v0" })
    local conversation, err = client:start { initial_user_msg = "x", llm_model = "m" }
    assert.is_nil(conversation)
    assert.equal("unsupported", err.kind)
    assert.matches("llm_model", tostring(err))
    assert.equal(0, #model.starts)
    client, model = in_process.simulated({ api = "v1" })
    conversation, err = client:start { initial_user_msg = "x", conversation_id = "abc1234" }
    assert.is_nil(conversation)
    assert.equal("invalid", err.kind)
    assert.equal(0, #model.starts)
  end)

  it("does not change the caller's table", function()
    local client = in_process.simulated({ api = "v1" })
    local fields = { initial_user_msg = "x" }
    assert(client:start(fields))
    assert.same({ initial_user_msg = "x" }, fields)
  end)
end)
