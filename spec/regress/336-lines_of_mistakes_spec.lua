-- A mistake in a call must be raised with the line of the program that made the call, also in tasks and in `all`.

local in_process = require "spec.support.in_process"

describe("the line of a mistake", function()
  local client

  before_each(function() client = in_process.simulated { api = "v1" } end)
  after_each(function() client:close() end)

  local here = "lines_of_mistakes_spec%.lua:(%d+): openhands%.start: 'promt' is not a field"

  -- The line that an error names, counted from the one of this function's call.
  local function named(err, line)
    local found = tostring(err):match(here)
    assert.is_truthy(found, tostring(err))
    return tonumber(found) - line
  end

  local function this_line() return debug.getinfo(2, "l").currentline end

  it("is that of a call outside of tasks", function()
    local line = this_line()
    local _, err = pcall(function() client:start { promt = "x" } end)
    assert.equal(1, named(err, line))
  end)

  it("is that of a call in a task", function()
    local line = this_line()
    local task = client:spawn(function()
      local conversation = client:start { promt = "x" }
      return conversation
    end)
    local _, err = task:wait()
    assert.equal(2, named(err, line))
  end)

  it("is inside the function that ends with a tail call, although its frame is gone", function()
    local line = this_line()
    local task = client:spawn(function()
      return client:start { promt = "x" }
    end)
    local _, err = task:wait()
    local found = named(err, line)
    assert.is_true(found >= 1 and found <= 3, found)
  end)

  it("is that of a call inside of all", function()
    local line = this_line()
    local _, err = client:all {
      function() return (client:start { promt = "x" }) end,
      function()
        return client:start { promt = "x" }
      end,
    }
    assert.equal(2, named(err.errors[1], line))
    local found = named(err.errors[2], line)
    assert.is_true(found >= 3 and found <= 5, found)
  end)
end)
