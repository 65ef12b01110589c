local timers = require "openhands.task.timers"

-- Pseudo-random numbers that are the same on every Lua.
local function generator()
  local state = 12345
  return function(limit)
    state = (state * 1103515245 + 12345) % 2147483648
    return math.floor(state / 65536) % limit
  end
end

describe("a set of timers", function()
  it("is empty at first", function()
    assert.is_nil(timers.new():first())
  end)

  it("returns the earliest first, while others are added and removed", function()
    local set, random, inside, count = timers.new(), generator(), {}, 0
    for _ = 1, 3000 do
      local number = random(60)
      local timer = inside[number]
      if timer then
        set:remove(timer)
        inside[number], count = nil, count - 1
      else
        inside[number] = { at = random(20), number = number }
        set:add(inside[number])
        count = count + 1
      end
      local earliest = math.huge
      for _, each in pairs(inside) do earliest = math.min(earliest, each.at) end
      local first = set:first()
      assert.equal(earliest, first and first.at or math.huge)
      assert.is_true(first == nil or inside[first.number] == first)
    end
    while set:first() do
      set:remove(set:first())
      count = count - 1
    end
    assert.equal(0, count)
  end)

  it("ignores the removal of a timer that is not in it", function()
    local set, timer = timers.new(), { at = 1 }
    set:remove(timer)
    set:add(timer)
    set:remove(timer)
    set:remove(timer)
    assert.is_nil(set:first())
  end)
end)
