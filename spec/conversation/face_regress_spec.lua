-- What once went wrong for those who call the library: a case each.

local openhands = require "openhands"
local simulator = require "openhands.simulator"
local in_process = require "spec.support.in_process"
local assertions = require "spec.support.assertions"

local function started(options, prompt)
  local client, model, transport = in_process.simulated(options)
  return client, assert(client:start { initial_user_msg = prompt or "x" }), model, transport
end

-- A transport that changes what the service says to requests whose path matches.
local function saying(model, pattern, change)
  local inner = simulator.transport(model)
  local outer = setmetatable({}, { __index = inner })
  function outer.request(_, request)
    local answer = inner:request(request)
    if request.path:find(pattern) then
      return change(answer, request) or answer
    end
    return answer
  end
  return outer
end

describe("a conversation to which an old server gave an id of its own", function()
  it("is known by the id that was chosen for it, too", function()
    local client, first = started { api = "v1", client_ids = false, old = true }
    local done = assert(client:wait(first.conversation_id))
    assert.are_not.equal(assertions.same_id(first.conversation_id), assertions.same_id(done.conversation_id))
    assert.equal(#done:events():all(), #first:events():all())
    assert.is_true(#first:events():all() > 0)
    assert.equal(done.answer, assert(first:fetch_answer()))
    assert.equal(assert(done:event_count()), assert(first:event_count()))
    assert(first:send "go on")
    assert.equal("finished", assert(first:wait()).state)
    assert(first:agent():info())
    assert.is_true((first:delete()))
  end)
end)

describe("a message of which nobody can tell whether it arrived", function()
  it("is waited for as one that did", function()
    local client, conversation, _, transport = started { api = "v1" }
    assert(conversation:wait())
    transport.faults = { { point = "after_commit", class = "timeout", match = { path = "/send%-message$" } } }
    local sent, err = conversation:send "go on"
    assert.is_nil(sent)
    assert.equal("ambiguous", err.kind)
    local done = assert(client:wait(conversation))
    assert.same({ "finished", true }, { done.state, done.answer ~= nil })
  end)
end)

describe("events that are followed", function()
  it("end with an error when nothing was ever heard of the conversation", function()
    local client = in_process.scripted(function() return { class = "connect", sent = false } end, { api = "v1" })
    local event, err = client:events(openhands.uuid(), { follow = true }):next()
    assert.is_nil(event)
    assert.equal("connect", err.kind)
  end)

  it("end with an error when they cannot be read and the conversation is over", function()
    local _, conversation, model = started { api = "v1" }
    local broken = saying(model, "/events/search$", function()
      return { status = 500, headers = { { "Content-Type", "text/plain" } }, body = "Internal Server Error" }
    end)
    local other = openhands.new { transport = broken, api_key = "any", api = "v1" }
    assert(other:status(conversation.conversation_id))
    local requests = #model.requests
    local event, err = other:events(conversation.conversation_id, { follow = true, interval = 5 }):next()
    assert.is_nil(event)
    assert.equal("server", err.kind)
    assert.is_true(#model.requests - requests < 200)
  end)

  it("take their options among the fields, too", function()
    local client, conversation = started { api = "v1" }
    local _, err = client:events(conversation, { follow = true, timeout = 1, interval = 0.5 }):all()
    assert.equal("timeout", err.kind)
  end)
end)

describe("a change that the service answers with 200 and does not make", function()
  it("is a conflict", function()
    local _, conversation, model = started { api = "v1" }
    model:advance(100)
    local refusing = saying(model, "/send%-message$", function()
      return in_process.json '{"success":false,"sandbox_status":"RUNNING","message":"The agent is busy."}'
    end)
    local other = openhands.new { transport = refusing, api_key = "any", api = "v1" }
    local sent, err = other:send(conversation.conversation_id, "go on")
    assert.is_nil(sent)
    assert.equal("conflict", assertions.assert_error(err).kind)
    assert.matches("The agent is busy%.", err.message)
  end)
end)

describe("resuming", function()
  local function paused()
    local _, conversation, model = started { api = "v1" }
    model:advance(100)
    assert(conversation:pause())
    return conversation.conversation_id, model
  end

  it("does not need a session key to send what goes through the service", function()
    local id, model = paused()
    local keyless = saying(model, "/app%-conversations$", function(answer)
      answer.body = answer.body:gsub('"session_api_key":"[^"]*"', '"session_api_key":null')
      return answer
    end)
    local other = openhands.new { transport = keyless, api_key = "any", api = "v1" }
    local before = model:time()
    assert(other:resume(id, { send = "go on" }))
    assert.is_true(model:time() - before < 60)
  end)

  it("does not take one sighting as missing for the end", function()
    local id, model = paused()
    local seen = 0
    local flapping = saying(model, "/app%-conversations$", function(answer)
      seen = seen + 1
      if seen == 2 then
        answer.body = answer.body:gsub('"sandbox_status":"[%u]*"', '"sandbox_status":"MISSING"')
      elseif seen == 3 then
        answer.body = "[null]"
      end
      return answer
    end)
    local other = openhands.new { transport = flapping, api_key = "any", api = "v1" }
    assert(other:resume(id, { send = "go on" }))
  end)

  it("goes on asking while the service has too much to do", function()
    local id, model = paused()
    local left = 8
    local busy = saying(model, "/resume$", function(answer)
      left = left - 1
      return left >= 0 and in_process.json('{"message":"Too many requests"}', 429) or answer
    end)
    local other = openhands.new { transport = busy, api_key = "any", api = "v1" }
    assert(other:resume(id))
    assert.is_true(left < 0)
  end)
end)

describe("many conversations at once", function()
  it("have those among them that are starting", function()
    local client, conversation = started { api = "v1" }
    local found = assert(client:get { conversation, openhands.uuid() })
    assert.equal("starting", found[conversation.conversation_id].state)
  end)
end)

describe("more ids than fit into one request", function()
  it("are asked for in batches by a client that does not know the dialect yet", function()
    local ids = {}
    for i = 1, 250 do ids[i] = openhands.uuid() end
    for _, ask in ipairs {
      function(client) return client.start_tasks:get(ids) end,
      function(client) return client:get(ids) end,
      function(client) return client:event_batch(ids[1], ids) end,
    } do
      local client, model = in_process.simulated {}
      assert.same({}, (assert(ask(client))))
      assert.equal(1 + 3, #model.requests)
    end
  end)
end)

describe("links to pull requests", function()
  it("are looked for no longer than the call may take", function()
    local client, conversation, model = started { api = "v1", event_count = 100000 }
    model:advance(100)
    local slow = saying(model, "/events/search$", function() model:advance(3) end)
    local other = openhands.new { transport = slow, api_key = "any", api = "v1" }
    local before = model:time()
    local links, err = other:find_pull_requests(conversation.conversation_id, { deadline = 10 })
    assert.is_nil(links)
    assert.equal("timeout", err.kind)
    assert.is_true(model:time() - before < 20)
    client:close()
  end)
end)

describe("a mistake", function()
  it("with a colon on the module or a group of it says so", function()
    for path, call in pairs {
      start = function() return openhands:start { initial_user_msg = "x" } end,
      ["secrets.list"] = function() return openhands.secrets:list {} end,
    } do
      local good, message = pcall(call)
      assert.is_false(good)
      assert.matches(path:gsub("%.", "%%.") .. ": is a function: call openhands%." .. path .. "%(...%) with a dot",
        message)
    end
  end)
end)

describe("a date that no clock can have", function()
  it("is no reason to fail", function()
    local client = in_process.scripted(function()
      return in_process.json('{"conversation_id":"abc","status":"STOPPED","created_at":"1900-12-31T23:59:59Z"}')
    end, { api = "v0" })
    assert.equal("abc", assert(client:status "abc").conversation_id)
  end)
end)
