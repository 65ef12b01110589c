-- What each call may do twice: reads may be repeated; a call that changes something goes out again only when it
-- certainly was not done; where nobody can tell whether something was made, the error says so. For every row.

local calls = require "spec.support.calls"
local in_process = require "spec.support.in_process"
local assertions = require "spec.support.assertions"
local canary = require "spec.support.canary"

-- Requests of a row, wherever it is served.
local function match_of(row)
  local path = row.path:gsub("[%-.]", "%%%0"):gsub("{[^}]+}", "[^/]+")
  local prefix = row.host == "runtime" and "^/runtime/[^/]+" or "^"
  return { method = row.method, path = prefix .. path .. "$" }
end

local function count(at, row, pattern)
  local found, times = 0, {}
  for _, request in ipairs(at.model.requests) do
    if request.method == row.method and request.path:find(pattern) then
      found = found + 1
      times[found] = request.time
    end
  end
  return found, times
end

-- A row's call, with what happens to its requests. Returns value, error, and how many were sent, and when.
local function attempt(row, fault)
  local at, receiver, arguments
  if row.api == "agent" then
    at = calls.sandbox(row.name)
    receiver, arguments = at.agent, calls.agent_examples[row.name](at)
  else
    at = calls.service(row.api, row.name)
    receiver, arguments = at.client, calls.examples[row.name](at)
  end
  local match = match_of(row)
  local before = count(at, row, match.path)
  fault.match = match
  at.transport.faults = { fault }
  local value, err = calls.outcome(calls.call(receiver, row.name, arguments))
  local after, times = count(at, row, match.path)
  canary.assert_keys_apart(at.model)
  os.remove(at.target)
  return value, err, after - before, times
end

-- The start has a protocol of its own; `status` takes several requests.
local others = { start = true, start_streaming = true, status = true }

local function each_row(effect, run)
  for _, group in ipairs { { calls.names, calls.rows }, { calls.agent_names, calls.agent_rows } } do
    for _, name in ipairs(group[1]) do
      for _, api in ipairs { "v0", "v1", "agent" } do
        local row = group[2][name][api]
        if row and not others[name] and (row.effect == effect or effect == "any") then
          it(name .. " on " .. api, function() run(row) end)
        end
      end
    end
  end
end

describe("a call that reads is repeated:", function()
  each_row("reads", function(row)
    local _, err, sent = attempt(row, { point = "after_commit", class = "timeout", count = 2 })
    assert.is_nil(err, tostring(err))
    assert.is_true(sent >= 3, sent .. " sent")
  end)
end)

describe("a call that creates is sent once when its answer is lost, and is ambiguous:", function()
  each_row("creates", function(row)
    for _, class in ipairs { "timeout", "cut", "connect" } do
      local value, err, sent = attempt(row, { point = "after_commit", class = class, count = -1 })
      assert.is_nil(value)
      assert.equal("ambiguous", assertions.assert_error(err).kind)
      assert.is_false(err.retryable)
      assert.matches("outcome unknown: check before repeating it", err.message)
      assert.equal(1, sent)
    end
  end)
end)

describe("a call that changes something is sent once when its answer is lost, and the error says so:", function()
  each_row("writes", function(row)
    local kinds = { timeout = "timeout", cut = "protocol" }
    for class, kind in pairs(kinds) do
      local value, err, sent = attempt(row, { point = "after_commit", class = class, count = -1 })
      assert.is_nil(value)
      assert.equal(kind, assertions.assert_error(err).kind)
      assert.equal(1, sent)
    end
  end)
end)

describe("a call at which the service failed is not repeated:", function()
  local broken = { status = 500, headers = { { "Content-Type", "text/plain" } }, body = "Internal Server Error" }
  each_row("creates", function(row)
    local _, err, sent = attempt(row, { point = "after_commit", response = broken, count = -1 })
    assert.equal("ambiguous", assertions.assert_error(err).kind)
    assert.equal(500, err.status)
    assert.equal(1, sent)
  end)
  each_row("writes", function(row)
    local _, err, sent = attempt(row, { point = "after_commit", response = broken, count = -1 })
    assert.equal("server", assertions.assert_error(err).kind)
    assert.equal(1, sent)
  end)
end)

describe("a call that was certainly not done is repeated:", function()
  local throttled = in_process.json('{"error":"Rate limit exceeded: 10 per 1 second"}', 429, { { "Retry-After", "7" } })

  each_row("any", function(row)
    local _, err, sent = attempt(row, { point = "before", class = "connect" })
    assert.is_nil(err, tostring(err))
    assert.is_true(sent >= 2)
    if row.api == "agent" and row.name == "send" then return end -- an agent server keeps a message that it throttles
    local times
    _, err, sent, times = attempt(row, { point = "before", response = throttled })
    assert.is_nil(err, tostring(err))
    assert.is_true(sent >= 2)
    assert.is_true(times[#times - sent + 2] - times[#times - sent + 1] >= 7)
  end)
end)

describe("a call that the service refuses is not repeated:", function()
  local refused = in_process.json('{"detail":"No."}', 400)

  each_row("any", function(row)
    local value, err, sent = attempt(row, { point = "before", response = refused, count = -1 })
    assert.is_nil(value)
    assert.equal("invalid", assertions.assert_error(err).kind)
    assert.equal(1, sent)
  end)
end)

describe("a request of the caller's own", function()
  local function request(method, fault)
    local at = calls.sandbox "request"
    fault.match = { path = "/of%-ones%-own$" }
    at.transport.faults = { fault }
    local results = {}
    for _, receiver in ipairs { at.client, at.agent } do
      fault.count = -1
      local _, err = receiver:request { method = method, path = "/of-ones-own", body = method == "POST" and {} or nil }
      results[#results + 1] = assertions.assert_error(err).kind
    end
    canary.assert_keys_apart(at.model)
    return results, (count(at, { method = method or "GET" }, fault.match.path))
  end

  it("is repeated when it reads", function()
    local kinds, sent = request(nil, { point = "after_commit", class = "timeout" })
    assert.same({ "timeout", "timeout" }, kinds)
    assert.equal(6, sent)
  end)

  it("is sent once when it changes something", function()
    for _, method in ipairs { "POST", "PUT", "PATCH", "DELETE" } do
      local kinds, sent = request(method, { point = "after_commit", class = "timeout" })
      local kind = method == "POST" and "ambiguous" or "timeout"
      assert.same({ kind, kind }, kinds)
      assert.equal(2, sent)
    end
  end)
end)

describe("a secret that is sent", function()
  local SECRET = "canary-of-a-value-93f1"

  local function words_of(answer)
    local lines = {}
    local client = in_process.scripted(function(request)
      return type(answer) == "function" and answer(request) or answer
    end, { api = "v1", log = function(line) lines[#lines + 1] = line end })
    local value, err = client.secrets:create { name = "TOKEN", value = SECRET }
    assert.is_nil(value)
    canary.assert_no_secret(assertions.assert_error(err), SECRET)
    assert.is_true(#lines > 0)
    canary.assert_no_secret(lines, SECRET)
    canary.assert_no_secret(tostring(client), SECRET)
  end

  it("appears in no error and no line of the log", function()
    words_of { class = "timeout", sent = true }
    words_of { class = "connect", sent = false }
    words_of(in_process.json("{}", 500))
    words_of(in_process.json(([[{"detail":[{"type":"string_too_long","loc":["body","value"],"msg":"Too long",
      "input":"%s"}]}]]):format(SECRET), 422))
    words_of(in_process.json(([[{"detail":[{"type":"missing","loc":["body","name"],"msg":"Field required",
      "input":{"value":"%s"}}]}]]):format(SECRET), 422))
  end)

  it("is left for the program where it is an answer", function()
    local lines = {}
    local at = calls.service("v1", "keys.create", { log = function(line) lines[#lines + 1] = line end })
    local made = assert(at.client.keys:create { name = "ci" })
    assert.is_string(made.key)
    canary.assert_no_secret(lines, made.key)
    at.transport.faults = { { point = "after_commit", class = "timeout" } }
    local _, err = at.client.keys:create { name = "other" }
    assert.equal("ambiguous", err.kind)
    assert.equal(2, #at.model.account.keys)
    for _, key in ipairs(at.model.account.keys) do
      canary.assert_no_secret({ lines, err }, key.key)
    end
  end)
end)
