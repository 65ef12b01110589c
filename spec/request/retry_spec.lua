-- Retries: when a request is repeated, after how long, and at most how often.

local retry = require "openhands.request.retry"
local in_process = require "spec.support.in_process"

local ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"

local function fixed(value)
  return retry.new(function()
    return value
  end)
end

describe("the retry policy", function()
  it("backs off with full jitter, 20 s at most", function()
    local most = fixed(1)
    assert.same({ 1, 2, 4, 8, 16, 20, 20 }, {
      most:backoff(1), most:backoff(2), most:backoff(3), most:backoff(4), most:backoff(5), most:backoff(6),
      most:backoff(60),
    })
    assert.equal(0, fixed(0):backoff(3))
  end)

  it("does not repeat what cannot succeed", function()
    assert.is_nil(fixed(0.5):delay(1, { retryable = false }))
  end)

  it("waits as long as the service asks, within reason", function()
    assert.equal(7, fixed(0):delay(1, { retryable = true, retry_after = 7 }))
    assert.equal(120, fixed(0):delay(1, { retryable = true, retry_after = 120 }))
    assert.is_nil(fixed(0):delay(1, { retryable = true, retry_after = 121 }))
  end)

  it("has a budget, which successes refill", function()
    local policy = fixed(0)
    local spent = 0
    while policy:delay(1, { retryable = true }) do
      spent = spent + 1
      assert.is_true(spent <= 1000)
    end
    assert.equal(20, spent)
    policy:note_success()
    assert.is_nil(policy:delay(1, { retryable = true }))
    policy:note_success()
    assert.equal(0, policy:delay(1, { retryable = true }))
    for _ = 1, 1000 do
      policy:note_success()
    end
    spent = 0
    while policy:delay(1, { retryable = true }) do
      spent = spent + 1
    end
    assert.equal(20, spent)
  end)
end)

describe("a read", function()
  it("is sent three times where that may help", function()
    local client, requests = in_process.scripted(function()
      return in_process.json("{}", 500)
    end, { api = "v0" })
    local conversation, err = client:status(ID)
    assert.is_nil(conversation)
    assert.equal("server", err.kind)
    assert.equal(3, #requests)
    client:status(ID, { retries = 0 })
    assert.equal(4, #requests)
  end)

  it("is not repeated where that does not help", function()
    for _, status in ipairs { 400, 401, 403, 404, 302 } do
      local client, requests = in_process.scripted(function()
        return in_process.json("{}", status)
      end, { api = "v0" })
      client:status(ID)
      assert.equal(1, #requests)
    end
  end)

  it("is repeated after the seconds of Retry-After, within its deadline", function()
    local client, requests = in_process.scripted(function(_, count)
      if count == 1 then
        return in_process.json("{}", 429, { { "Retry-After", "7" } })
      end
      return in_process.json "null"
    end, { api = "v0" })
    client:status(ID)
    assert.equal(2, #requests)
    assert.is_true(client:_now() >= 7)
    client, requests = in_process.scripted(function()
      return in_process.json("{}", 429, { { "Retry-After", "7" } })
    end, { api = "v0", deadline = 5 })
    local _, err = client:status(ID)
    assert.equal("throttled", err.kind)
    assert.equal(7, err.retry_after)
    assert.equal(1, #requests)
    assert.equal(0, client:_now())
  end)
end)
