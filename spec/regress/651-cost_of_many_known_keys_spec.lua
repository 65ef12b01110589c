-- An error with many short texts took a hundred times as long when the client knew long keys: each key was encoded in
-- base64 for each text, also for texts that were too short to contain it.

local core = require "openhands.core"
local core_client = require "spec.support.core_client"

describe("a table of short texts", function()
  it("is redacted at about the same cost when the client knows many long keys", function()
    local client, few = core_client.new(), core_client.new()
    local keys, fields = {}, {}
    for index = 1, 32 do keys[index] = ('{"session_api_key":"%s-%02d"}'):format(("k"):rep(500), index) end
    for index = 1, 1900 do fields["name" .. index] = "value" .. index end
    assert(core_client.answer(client, assert(core.request(client, { path = "/x" }, {})),
      core_client.json("[" .. table.concat(keys, ",") .. "]")))
    assert.equal("[redacted]", client:redact(("k"):rep(500) .. "-32"))

    local function cost(of)
      local best = math.huge
      for _ = 1, 5 do
        local start = os.clock()
        of:redact(fields)
        best = math.min(best, os.clock() - start)
      end
      return best
    end
    local ordinary, much = cost(few), cost(client)
    assert.is_true(much < 10 * ordinary, ("%.1f and %.1f ms"):format(1000 * ordinary, 1000 * much))
    client:close()
    few:close()
  end)
end)
