-- After a message, a finished status may still belong to the previous turn. A wait ended with the old answer, or
-- minutes too late.

local states = require "openhands.conversation.state"
local in_process = require "spec.support.in_process"

describe("a turn after a message", function()
  local function finished(options)
    options.pace = 0.05
    local client, model, transport = in_process.simulated(options, { api = "v1", base_url = "http://127.0.0.1:1" })
    local conversation = assert(client:start { initial_user_msg = "x" })
    assert(client:wait(conversation))
    return client, conversation, model, transport
  end

  -- For so many seconds from now on, the service shows the status "finished" of the turn before.
  local function show_old(model, transport, seconds)
    local request, since = transport.request, model:time()
    transport.request = function(self, asked, ...)
      local answer = request(self, asked, ...)
      if asked.path == "/api/v1/app-conversations" and model:time() < since + seconds then
        answer.body = answer.body:gsub('"execution_status":"[%w_]+"', '"execution_status":"finished"')
      end
      return answer
    end
  end

  local function cut_off(transport)
    local request = transport.request
    transport.request = function(self, asked, ...)
      if asked.path:find("^/runtime/") then return { class = "connect", sent = false } end
      return request(self, asked, ...)
    end
  end

  local function questions(model)
    local texts = {}
    for _, request in ipairs(model.requests) do
      if request.path:find "send%-message$" then texts[#texts + 1] = request.body end
    end
    return texts
  end

  for _, lag in ipairs { 0, 30 } do
    it(("ends the wait soon after it has ended, events shown after %d s"):format(lag), function()
      local client, conversation, model = finished { event_lag = lag }
      for turn = 1, 3 do
        assert(client:send(conversation, "go on"))
        model:advance(turn == 1 and 0 or 4) -- the agent answers meanwhile
        local before = model:time()
        local done = assert(client:wait(conversation))
        assert.equal("finished", done.state)
        assert.is_string(done.answer)
        assert.is_true(model:time() - before <= 5, model:time() - before)
        assert.equal(turn, #questions(model))
      end
    end)
  end

  it("ends the wait soon by the service's events where the own server cannot be reached", function()
    local client, conversation, model, transport = finished {}
    cut_off(transport)
    for turn = 1, 2 do
      assert(client:send(conversation, ("question %d"):format(turn)))
      model:advance(4)
      local before = model:time()
      assert.equal("finished", assert(client:wait(conversation)).state)
      assert.is_true(model:time() - before <= 3, model:time() - before)
    end
  end)

  it("is not taken for ended while the service shows the events of the turn before only", function()
    local client, conversation, model, transport = finished { event_lag = 60 }
    model:advance(60)
    assert(client:wait(conversation))
    cut_off(transport)
    show_old(model, transport, 3600)
    assert(client:send(conversation, "x")) -- the very words of the first question
    local before = model:time()
    assert(client:wait(conversation, { answer_timeout = 0 }))
    assert.is_true(model:time() - before >= 15, model:time() - before)
  end)

  it("is waited for as long as it lasts, however old the status is", function()
    local client, conversation, model, transport = finished {}
    show_old(model, transport, 10)
    model:configure { pace = 0.2 } -- jobs that exist keep their script
    assert(client:send(conversation, "[simulate: slow] go on"))
    local words = {}
    local done = assert(client:wait(conversation, {
      on_change = function(now) words[#words + 1] = now.state end,
    }))
    assert.equal("running", words[1])
    local last
    for event in client:events(conversation) do
      if event.kind == "ConversationStateUpdateEvent" and event.key == "execution_status" then last = event.value end
    end
    assert.same({ "finished", "finished" }, { done.state, last })
  end)

  it("is not taken for ended by the answer to another message than the latest", function()
    local client = in_process.simulated({}, { api = "v1" })
    for asked, is_answered in pairs { one = false, two = true } do
      local memory = client:_remember(asked)
      memory.message_at, memory.message_text, memory.end_is_uncertain = 0, "two", true
      memory.earlier_question_id = "event-0"
      local result = { question_id = "event-1", question_text = asked, answer = "Done.", execution = "finished" }
      assert.equal(is_answered, states.apply_result({ api = "v1" }, result, memory))
    end
  end)

  it("is judged in the same way by a status call", function()
    local client, conversation, model = finished { event_lag = 30 }
    assert(client:send(conversation, "go on"))
    model:advance(4)
    assert.equal("finished", assert(client:status(conversation)).state)
  end)
end)
