-- The service shows events up to half a minute after they happened; the conversation's own server shows them at once. A
-- failed conversation was returned without the reason for its failure.

local in_process = require "spec.support.in_process"

local REASON = "refused the key"

describe("the reason of a failed V1 conversation", function()
  local function started(options, prompt)
    options.event_lag, options.pace = options.event_lag or 30, 0.1
    local client, model, transport = in_process.simulated(options, { api = "v1", base_url = "http://127.0.0.1:1" })
    return client, assert(client:start { initial_user_msg = prompt or "[simulate: error]" }), model, transport
  end

  -- Own servers that cannot be reached: what goes there fails to connect.
  local function cut_off(transport)
    local request, attempts = transport.request, 0
    transport.request = function(self, asked, ...)
      if asked.path:find("^/runtime/") then
        attempts = attempts + 1
        return { class = "connect", sent = false }
      end
      return request(self, asked, ...)
    end
    return function() return attempts end
  end

  it("is read at once from its own server", function()
    local client, conversation, model = started {}
    local failed_at
    local failed = assert(client:wait(conversation, { on_change = function() failed_at = model:time() end }))
    assert.equal("failed", failed.state)
    assert.matches(REASON, failed.detail, 1, true)
    assert.is_true(model:time() - failed_at <= 1)
  end)

  it("is looked for until the service must have it, where its own server cannot be reached", function()
    local client, conversation, model, transport = started {}
    local attempts = cut_off(transport)
    local failed_at
    local failed = assert(client:wait(conversation, { on_change = function() failed_at = model:time() end }))
    assert.matches(REASON, failed.detail, 1, true)
    local took = model:time() - failed_at
    assert.is_true(took >= 20 and took <= 41, took)
    assert.is_true(attempts() <= 2, attempts()) -- each may take a while
  end)

  it("is looked for no longer than `answer_timeout`", function()
    for _, patience in ipairs { 0, 10 } do
      local client, conversation, model, transport = started { event_lag = 300 }
      cut_off(transport)
      local failed_at
      local failed = assert(client:wait(conversation, {
        answer_timeout = patience,
        on_change = function() failed_at = model:time() end,
      }))
      assert.same({ "failed" }, { failed.state, failed.detail })
      assert.equal(patience, math.floor(model:time() - failed_at + 0.5))
    end
  end)

  it("is looked for no longer than the wait goes on", function()
    local client, conversation, model, transport = started { event_lag = 300 }
    cut_off(transport)
    assert.equal("failed", assert(client:wait(conversation, { timeout = 12 })).state)
    assert.is_true(model:time() <= 13)
  end)

  it("may come late to an answer, too", function()
    local client, conversation = started({}, "x")
    assert.matches("Opened pull request", assert(client:wait(conversation)).answer, 1, true)
    local other, late, _, transport = started({}, "x")
    cut_off(transport)
    assert.matches("Opened pull request", assert(other:wait(late)).answer, 1, true)
  end)

  it("is read from its own server when the answer is asked for", function()
    local client, conversation, model = started({}, "x")
    model:advance(7)
    assert(client:status(conversation))
    assert.matches("Opened pull request", assert(client:answer(conversation)), 1, true)
  end)

  it("costs other waits little, however many servers cannot be reached", function()
    local client, _, _, transport = started {}
    local attempts, list = cut_off(transport), {}
    for place = 1, 30 do list[place] = assert(client:start { initial_user_msg = "[simulate: error]" }) end
    for _, failed in ipairs(assert(client:wait_all(list))) do assert.matches(REASON, failed.detail, 1, true) end
    assert.is_true(attempts() <= 3, attempts())
  end)

  it("is looked for only with a time that is valid", function()
    local client, conversation = started {}
    for _, wrong in ipairs { -1, "10", 0 / 0 } do
      assert.error_matches(function() client:wait(conversation, { answer_timeout = wrong }) end, "answer_timeout")
    end
  end)
end)
