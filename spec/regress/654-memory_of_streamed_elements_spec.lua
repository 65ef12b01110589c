-- The elements of a list that is read while it arrives were bounded each by itself, not together: 32 MiB of "{}" became
-- 3 GB of tables, which held up the host for seven seconds.

local core = require "openhands.core"
local core_client = require "spec.support.core_client"

describe("the elements of a stream", function()
  local client

  before_each(function() client = core_client.new() end)
  after_each(function() client:close() end)

  local function answered(body, options)
    local number = assert(core.start_streaming(client, { initial_user_msg = "x" }, options))
    client:outgoing()
    assert.is_true(client:answer(number, core_client.json(body)))
    return number
  end

  local function take_all(number)
    local taken = {}
    for element in function() return client:take(number) end do taken[#taken + 1] = element end
    return taken
  end

  it("are taken until they need a few MiB of memory together", function()
    local count = 500000
    local number = answered("[" .. ("{},"):rep(count - 1) .. "{}]", { api = "v1" })
    collectgarbage()
    collectgarbage()
    local before = collectgarbage "count"
    local taken = take_all(number)
    assert.is_true(#taken > 1000 and #taken < count, tostring(#taken))
    assert.is_true(collectgarbage "count" - before < 40 * 1024)
    assert.is_nil(client:take(number))
    local found, value = core_client.next(client)
    assert.equal(number, found)
    assert.equal(count, #value)
  end)

  it("are all taken where they need less, from each answer", function()
    local item = ('{"status":"WORKING","detail":"%s"}'):format(("x"):rep(1000))
    for _ = 1, 5 do
      local number = answered("[" .. (item .. ","):rep(999) .. item .. "]", { api = "v1" })
      assert.equal(1000, #take_all(number))
      assert.equal(number, (core_client.next(client)))
    end
  end)

  it("need no more memory together than the answer may", function()
    local number = answered("[" .. ("{},"):rep(999) .. "{}]", { api = "v1", max_memory = 20000 })
    local taken = #take_all(number)
    assert.is_true(taken > 10 and taken < 1000, tostring(taken))
    local _, _, err = core_client.next(client)
    assert.equal("too_large", err.kind)
  end)
end)
