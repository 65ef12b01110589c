-- With the seed 0, or a multiple of 2147483647, the simulator gave every conversation and every start task the same id.

local simulator = require "openhands.simulator"

describe("the ids of a model", function()
  local most = 2147483647

  local function ids(seed)
    local model, list = simulator.model { seed = seed }, {}
    for index = 1, 20 do list[index] = model:new_id() end
    return list
  end

  it("differ from each other with every seed", function()
    for _, seed in ipairs { 0, most, 2 * most, -most, 1, -1, most - 1, most + 1 } do
      local seen = {}
      for _, id in ipairs(ids(seed)) do
        assert.is_nil(seen[id], ("seed %.0f repeats %s"):format(seed, id))
        seen[id] = true
      end
    end
  end)

  it("differ from those of the next seed", function()
    for _, seed in ipairs { -1, 0, 1, most - 2, most - 1 } do
      assert.are_not.equal(ids(seed)[1], ids(seed + 1)[1])
    end
  end)

  it("are the same as ever for the seed 1", function()
    assert.are.equal("0179c4aff23e40a2abf18f82d574e3e0", ids(1)[1])
    assert.are.same(ids(1), ids())
  end)
end)
