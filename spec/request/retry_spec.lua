local retry = require "openhands.request.retry"

local function fixed(value)
  return retry.new(function()
    return value
  end)
end

describe("retry", function()
  it("backs off with full jitter, 20 s at most", function()
    local most = fixed(1)
    assert.same({ 1, 2, 4, 8, 16, 20, 20 }, {
      most:backoff(1), most:backoff(2), most:backoff(3), most:backoff(4), most:backoff(5), most:backoff(6),
      most:backoff(60),
    })
    assert.equal(0, fixed(0):backoff(3))
  end)

  it("does not ask again what cannot succeed", function()
    assert.is_nil(fixed(0.5):delay(1, { retryable = false }))
  end)

  it("waits as long as the service asks, within reason", function()
    assert.equal(7, fixed(0):delay(1, { retryable = true, retry_after = 7 }))
    assert.equal(120, fixed(0):delay(1, { retryable = true, retry_after = 120 }))
    assert.is_nil(fixed(0):delay(1, { retryable = true, retry_after = 121 }))
  end)

  it("has a budget, which successes fill again", function()
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
