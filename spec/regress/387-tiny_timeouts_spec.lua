-- libcurl counts milliseconds and takes 0 for no timeout, so a timeout below one millisecond never ended.

local core = require "openhands.core"
local simulator = require "openhands.simulator"

local KEY = "any-key"

-- Steps until a number of exchanges has finished, for one minute at most; returns results by number.
local function collect(client, count)
  local results = {}
  for _ = 1, 600 do
    client:step(0.1)
    local number, value, err = client:next()
    while number do
      results[number], count = { value = value, err = err }, count - 1
      number, value, err = client:next()
    end
    if count == 0 then
      break
    end
  end
  return results, count
end

describe("a timeout below a millisecond", function()
  local service

  setup(function()
    service = simulator.spawn { pace = 0.01 }
  end)

  teardown(function()
    service:close()
  end)

  before_each(function()
    service:reset()
  end)

  local function hang(count)
    service:faults { { point = "after_read", action = "hang", match = { method = "POST" }, count = count } }
  end

  it("ends the exchange", function()
    hang(-1)
    local client = core.new { base_url = service.address, api_key = KEY }
    local number = assert(core.start(client, { initial_user_msg = "x" }, { api = "v0", timeout = 1e-7 }))
    local results = collect(client, 1)
    assert.equal("timeout", results[number] and results[number].err.kind)
    client:close()
  end)
end)
