-- Resuming gave up after the usual number of retries when the service throttled it, although minutes were left.

local in_process = require "spec.support.in_process"

describe("resuming", function()
  it("is repeated while the service throttles, as long as there is time", function()
    local id, model = in_process.paused()
    local left = 8
    local other = in_process.altered(model, "/resume$", function(answer)
      left = left - 1
      return left >= 0 and in_process.json('{"message":"Too many requests"}', 429) or answer
    end)
    assert(other:resume(id))
    assert.is_true(left < 0)
  end)
end)
