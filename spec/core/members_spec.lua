-- Members that are taken out of a table by their names.
local core = require "openhands.core"

describe("core.take_members", function()
  it("moves the members whose names are in the other table", function()
    local values = { wait = 1, pause = false, title = "t", [1] = "one" }
    local names = { wait = print, pause = print, send = print }
    assert.same({ wait = 1, pause = false }, core.take_members(values, names))
    assert.same({ title = "t", [1] = "one" }, values)
  end)

  it("returns nil when no name is in both", function()
    local values = { title = "t" }
    assert.is_nil(core.take_members(values, { wait = print }))
    assert.is_nil(core.take_members({}, { wait = print }))
    assert.same({ title = "t" }, values)
  end)

  it("takes all of many", function()
    local values, names = {}, {}
    for place = 1, 200 do
      values["name" .. place], names["name" .. place] = place, true
    end
    assert.equal(200, core.take_members(values, names).name200)
    assert.is_nil(next(values))
  end)

  it("runs no metamethod", function()
    local function fail() error "a metamethod ran" end
    local mistrusted = { __index = fail, __newindex = fail, __pairs = fail }
    local values = setmetatable({ wait = 1 }, mistrusted)
    assert.same({ wait = 1 }, core.take_members(values, setmetatable({ wait = true }, mistrusted)))
  end)

  it("takes nothing but tables", function()
    assert.has_error(function() core.take_members(nil, {}) end)
    assert.has_error(function() core.take_members({}, "names") end)
  end)
end)

describe("the metatables of a list", function()
  it("are set on its tables, and no metamethod runs", function()
    local class = { __index = function() error "a metamethod ran" end }
    local list = { {}, 7, setmetatable({}, class), core.null, { text = false } }
    assert.is_true(core.set_metatables(list, class, "text"))
    assert.same({ class, class, class }, { getmetatable(list[1]), getmetatable(list[3]), getmetatable(list[5]) })
    assert.is_false(core.set_metatables({ {}, "x" }, class, "text"))
    assert.is_false(core.set_metatables({}, class, "text"))
  end)

  it("are those of tables", function()
    assert.has_error(function() core.set_metatables(nil, {}, "text") end)
    assert.has_error(function() core.set_metatables({}, nil, "text") end)
    assert.has_error(function() core.set_metatables({}, {}, nil) end)
  end)
end)
