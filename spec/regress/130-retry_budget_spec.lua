-- Only some successful calls refilled the retry budget, and it was spent on retries for which no time was left. A busy
-- client stopped retrying.

local in_process = require "spec.support.in_process"

local TASK = '{"id":"c2a9e8b7d6f5443c92b1a0f9e8d7c6b5","status":"WORKING"}'

-- A service that throttles as `throttles` says: "always", each call "once", or not at all.
local function service()
  local at = { throttles = "always" }
  at.client, at.requests = in_process.scripted(function(request)
    at.refused = at.throttles == "always" or at.throttles == "once" and not at.refused
    if at.refused then
      return in_process.json('{"message":"Too many requests"}', 429, { { "Retry-After", "1" } })
    end
    return in_process.json(request.path:find "app%-conversations" and TASK or "{}")
  end, { api = "v1" })
  return at
end

local function start(at, options)
  return at.client:start({ initial_user_msg = "x" }, options)
end

-- Spends what there is of the budget on calls that are throttled to their end.
local function spend(at)
  for _ = 1, 20 do
    at.client:me({ retries = 1 })
  end
  local before = #at.requests
  at.client:me()
  assert.are.equal(1, #at.requests - before)
end

describe("the budget of retries", function()
  local successes = {
    start = start,
    ["secrets.update"] = function(at)
      return at.client.secrets:update("TOKEN", { description = "d" })
    end,
    ["request with POST"] = function(at)
      return at.client:request { method = "POST", path = "/api/x" }
    end,
    me = function(at)
      return at.client:me()
    end,
  }
  for name, call in pairs(successes) do
    it("is refilled by each success of " .. name, function()
      local at = service()
      spend(at)
      at.throttles = nil
      for _ = 1, 4 do
        assert(call(at))
      end
      at.throttles = "once"
      assert(start(at))
      assert(start(at))
    end)
  end

  it("is not spent on a retry for which there is no time", function()
    local at = service()
    for _ = 1, 30 do
      local _, of_start = start(at, { deadline = 0.9 })
      local _, of_read = at.client:me { deadline = 0.9 }
      assert.are.same({ "throttled", "throttled" }, { of_start.kind, of_read.kind })
    end
    at.throttles, at.refused = "once", false
    assert(start(at))
  end)
end)
