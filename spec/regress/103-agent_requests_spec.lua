-- With a custom request, a program can use endpoints of an agent server for which the library has no call. Such a
-- request has the session key, the checks, the errors and the redaction of every other call.

local calls = require "spec.support.calls"
local in_process = require "spec.support.in_process"
local canary = require "spec.support.canary"

describe("a request to an agent server", function()
  local at, agent, key

  before_each(function()
    at = calls.sandbox("info", { api = "v1", retries = 2 })
    agent, key = at.agent, at.conversation.session_api_key
  end)
  after_each(function()
    canary.assert_keys_apart(at.model)
    at.client:close()
  end)

  -- Answers what goes to a path; returns the requests that were sent there.
  local function answer(path, with)
    local request, sent = at.transport.request, {}
    at.transport.request = function(self, asked)
      if asked.path:find(path) then
        sent[#sent + 1] = asked
        return type(with) == "function" and with(asked) or with
      end
      return request(self, asked)
    end
    return sent
  end

  it("goes there with the session key, by every method", function()
    local sent = answer("/api/goals", in_process.json '{"ok":true}')
    for _, verb in ipairs { "GET", "POST", "PUT", "PATCH", "DELETE" } do
      local with_body = verb ~= "GET" and verb ~= "DELETE"
      assert.is_true(assert(agent:request {
        method = verb, path = "/api/goals/ü", query = { limit = 2 }, body = with_body and { text = "x" } or nil,
      }).ok)
      local request = sent[#sent]
      assert.same({ verb, "limit=2", key, nil },
        { request.method, request.query, request.headers["x-session-api-key"], request.headers.authorization })
      assert.matches("^/runtime/[^/]+/api/goals/%%C3%%BC$", request.path)
      assert.equal(with_body and '{"text":"x"}' or "", request.body)
    end
  end)

  it("fails like any other call, and shows no key", function()
    for status, kind in pairs { [400] = "invalid", [403] = "permission", [404] = "not_found", [409] = "conflict",
      [422] = "invalid", [500] = "server" } do
      at.client:close()
      at = calls.sandbox("info", { api = "v1", retries = 0 })
      agent, key = at.agent, at.conversation.session_api_key
      answer("/api/goals", in_process.json(('{"detail":"no %s","session_api_key":"%s"}'):format(key, key), status))
      local value, err = agent:request { path = "/api/goals" }
      assert.is_nil(value)
      assert.same({ kind, status, "request" }, { err.kind, err.status, err.operation })
      canary.assert_no_secret(err, key)
    end
    answer("/api/page", { status = 200, headers = { { "Content-Type", "text/html" } }, body = "<html>" })
    local _, err = agent:request { path = "/api/page" }
    assert.equal("protocol", err.kind)
  end)

  it("is repeated if it reads, and never if it may have had an effect", function()
    local failures = 0
    local sent = answer("/api/goals", function(asked)
      failures = failures + 1
      if asked.method == "GET" and failures == 2 then return in_process.json "[1]" end
      return in_process.json('{"detail":"down"}', 500)
    end)
    assert.same({ 1 }, agent:request { path = "/api/goals" })
    assert.equal(2, #sent)
    local _, err = agent:request { method = "POST", path = "/api/goals", body = {} }
    assert.equal("ambiguous", err.kind)
    assert.equal(3, #sent)
    _, err = agent:request { method = "DELETE", path = "/api/goals" }
    assert.equal("server", err.kind)
    assert.equal(4, #sent)
  end)

  it("may have an empty answer", function()
    answer("/api/goals", { status = 204, headers = {}, body = "" })
    for _, verb in ipairs { "POST", "PUT", "DELETE" } do
      assert.equal("", (assert(agent:request { method = verb, path = "/api/goals" })))
    end
  end)

  it("is refused before it is sent where it cannot be sent", function()
    local sent = #at.model.requests
    for pattern, request in pairs {
      ["'path'"] = {},
      ["methot"] = { path = "/x", methot = "GET" },
      ["method"] = { path = "/x", method = "BREW" },
      ["path"] = { path = "https://elsewhere.example/x" },
    } do
      local good, problem = pcall(function() agent:request(request) end)
      assert.is_false(good, pattern)
      assert.matches(pattern, problem, 1, true)
      assert.matches("103-agent_requests_spec", problem, 1, true)
    end
    assert.equal(sent, #at.model.requests)
  end)

  it("goes to the new address of a conversation that has moved", function()
    assert(agent:info())
    assert(at.client:pause(at.id))
    assert(at.client:resume(at.id))
    assert.equal(at.id, at.agent.conversation_id)
    assert(agent:request { path = "/api/conversations/count" })
    local last = at.model.requests[#at.model.requests]
    assert.not_equal(key, last.headers["x-session-api-key"])
  end)
end)
