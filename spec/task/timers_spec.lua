local agendas = require "openhands.task.timers"

-- A source of numbers that is the same everywhere.
local function numbers()
  local state = 12345
  return function(most)
    state = (state * 1103515245 + 12345) % 2147483648
    return math.floor(state / 65536) % most
  end
end

describe("an agenda", function()
  it("is empty at first", function()
    assert.is_nil(agendas.new():first())
  end)

  it("gives the soonest first, whoever comes and goes", function()
    local agenda, random, inside, count = agendas.new(), numbers(), {}, 0
    for _ = 1, 3000 do
      local number = random(60)
      local item = inside[number]
      if item then
        agenda:remove(item)
        inside[number], count = nil, count - 1
      else
        inside[number] = { at = random(20), number = number }
        agenda:add(inside[number])
        count = count + 1
      end
      local soonest = math.huge
      for _, each in pairs(inside) do soonest = math.min(soonest, each.at) end
      local first = agenda:first()
      assert.equal(soonest, first and first.at or math.huge)
      assert.is_true(first == nil or inside[first.number] == first)
    end
    while agenda:first() do
      agenda:remove(agenda:first())
      count = count - 1
    end
    assert.equal(0, count)
  end)

  it("does not mind who is not in it", function()
    local agenda, item = agendas.new(), { at = 1 }
    agenda:remove(item)
    agenda:add(item)
    agenda:remove(item)
    agenda:remove(item)
    assert.is_nil(agenda:first())
  end)
end)
