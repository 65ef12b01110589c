-- The ledger kept an integer above 2^53 in an item as the nearest float, so that another number was sent.
local json = require "openhands.fleet.json"

describe("a large integer in an item of a fleet", function()
  if not rawget(math, "type") then return end -- this Lua has no integers

  it("is the same after it was stored", function()
    for _, number in ipairs { math.tointeger(2 ^ 53) + 1, math.maxinteger, math.mininteger } do
      assert.equal(("%d"):format(number), json.encode(number))
      assert.equal(number, (json.decode(json.encode(number))))
    end
  end)
end)
