-- The body of an error was decoded at once, however long it was: 32 MiB held up the host for most of a second.

local core = require "openhands.core"
local core_client = require "spec.support.core_client"

describe("the long body of an error", function()
  local client

  before_each(function() client = core_client.new() end)
  after_each(function() client:close() end)

  local function answered(body)
    local number = assert(core.request(client, { path = "/x" }, {}))
    client:outgoing()
    assert.is_true(client:answer(number, core_client.json(body, 500)))
    return number
  end

  local item = '{"session_api_key":"session-canary-0123456789","text":"a\\n","n":[1,2,{}]}'
  local body = "[" .. (item .. ","):rep(200000) .. item .. "]"

  it("is decoded in slices", function()
    local number = answered(body)
    local found, value, err
    local slices = 0
    repeat
      found, value, err = client:next()
      slices = slices + 1
    until found
    assert.equal(number, found)
    assert.is_nil(value)
    assert.equal("server", err.kind)
    assert.same({ session_api_key = "[redacted]", text = "a\n", n = { 1, 2, {} } }, err.detail[1])
    assert.is_true(slices > 10, tostring(slices)) -- of a millisecond each; it was one
  end)

  it("is quoted as a text if it is cut off", function()
    answered(body:sub(1, -2))
    local _, _, err = core_client.next(client)
    assert.equal("string", type(err.detail))
    assert.equal("server", err.kind)
    assert.equal('[{"session_api_key":"[redacted]"', err.detail:sub(1, 32))
  end)

  it("is given again until its number is named", function()
    local number = answered(body)
    for _ = 1, 2 do
      local found, _, err = core_client.next(client, 0)
      assert.equal(number, found)
      assert.equal("a\n", err.detail[1].text)
    end
    assert.is_nil((client:next(number)))
    assert.same({ 0, false }, { client:in_flight() })
  end)

  it("can be cancelled while it is decoded", function()
    local number = answered(body)
    assert.is_nil((client:next()))
    assert.is_true(client:cancel(number))
    local found, _, err = client:next()
    assert.equal(number, found)
    assert.equal("cancelled", err.kind)
    assert.is_nil(err.detail)
  end)
end)
