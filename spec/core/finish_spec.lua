-- `finish`: a step and the result of one exchange in one call.

local canary = require "spec.support.canary"
local core = require "openhands.core"
local core_client = require "spec.support.core_client"

local json = core_client.json

describe("finish", function()
  local client

  before_each(function() client = core_client.new() end)
  after_each(function() client:close() end)

  local function send()
    local number = assert(core.request(client, { path = "/x" }, {}))
    assert.equal(number, (client:outgoing()))
    return number
  end

  it("returns what `next` would, once", function()
    local number = send()
    local answer = json '{"a":1}'
    answer.date = "Thu, 01 Jan 1970 00:01:00 GMT"
    client:answer(number, answer)
    local finished, value, err, date = client:finish(number)
    assert.same({ number, { a = 1 }, nil, 60 }, { finished, value, err, date })
    assert.is_nil((client:finish(number)))
    assert.is_nil((client:next()))
    assert.same({ 0, false }, { client:in_flight() })
  end)

  it("returns an error without the key", function()
    local number = send()
    client:answer(number, json('{"detail":"' .. canary.key .. '"}', 400))
    local finished, value, err = client:finish(number)
    assert.same({ number, "invalid" }, { finished, err.kind })
    assert.is_nil(value)
    canary.assert_no_secret(err)
  end)

  it("returns nothing for an exchange that has not finished, whatever else has", function()
    local first, second = send(), send()
    client:answer(second, json '"second"')
    assert.equal(0, select("#", client:finish(first)))
    client:answer(first, json '"first"')
    assert.same({ first, "first" }, { client:finish(first) })
    assert.same({ second, "second" }, { client:next() })
  end)

  it("leaves a long answer to `next`", function()
    local number = send()
    client:answer(number, json('["' .. ("x"):rep(300 * 1024) .. '"]'))
    assert.equal(0, select("#", client:finish(number)))
    local finished, value = core_client.next(client)
    assert.same({ number, 300 * 1024 }, { finished, #value[1] })
  end)

  it("loses no result to a hook that raises before the exchange is taken, as Ctrl-C does", function()
    local number = send()
    client:answer(number, json '"kept"')
    debug.sethook(function()
      if debug.getinfo(2, "f").func == client.finish then
        debug.sethook()
        error "interrupted!"
      end
    end, "c")
    local good, problem = pcall(client.finish, client, number)
    debug.sethook()
    assert.is_false(good)
    assert.matches("interrupted!", problem)
    assert.same({ number, "kept" }, { client:finish(number) })
  end)

  for _, name in ipairs { "next", "finish" } do
    it("returns nothing if a debug hook takes the exchange first: " .. name, function()
      local number = send()
      client:answer(number, json '"taken"')
      local method, is_inside, taken = client[name], false, nil
      debug.sethook(function()
        if is_inside then -- the next function that it calls
          debug.sethook()
          taken = select(2, client:next())
        end
        is_inside = debug.getinfo(2, "f").func == method
      end, "c")
      local count = select("#", method(client, name == "finish" and number or nil))
      debug.sethook()
      assert.same({ "taken", 0 }, { taken, count })
    end)
  end

  it("refuses what is no number of an exchange, and a closed client", function()
    for _, wrong in ipairs { 0, -1, 1.5, "x" } do
      assert.error_matches(function() client:finish(wrong) end, "number")
    end
    client:close()
    assert.error_matches(function() client:finish(1) end, "closed")
  end)
end)
