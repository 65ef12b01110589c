-- A Retry-After with a date in the far future gave thousands of years in err.retry_after, although numbers of seconds
-- were limited: an alarm, for example, does not take so many.

local core = require "openhands.core"
local core_client = require "spec.support.core_client"

describe("a Retry-After in the far future", function()
  it("counts as the greatest number of seconds, as a date and as a number", function()
    local client = core_client.new()
    for _, header in ipairs { "Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 31 Dec 2100 23:59:59 GMT", "251601587096" } do
      local _, err = core_client.answer(client, core.status(client, ("0"):rep(32), { api = "v1" }),
        { status = 429, body = "{}", content_type = "application/json", retry_after = header })
      assert.equal("throttled", err.kind)
      assert.equal(1e9, err.retry_after)
      client:alarm(err.retry_after)
    end
    client:close()
  end)
end)
