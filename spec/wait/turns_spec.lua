local turns = require "openhands.wait.turns"

describe("waits that are due while a request is under way", function()
  local client, list, continued

  before_each(function()
    continued = {}
    client = { _loop = {} }
    function client._await(_, turn)
      while not turn.done do
        if coroutine.yield() == "deadline" then return end
      end
    end
    function client._wake(_, pending) pending.was_woken = true end
    list = turns.new(client)
  end)

  -- Makes a group that waits for its turn.
  local function waiting(name)
    local group = { name = name }
    group.coroutine = coroutine.create(function()
      list:await(group, 1)
      continued[#continued + 1] = name
    end)
    assert(coroutine.resume(group.coroutine))
    return group
  end

  local function resume(...)
    for _, group in ipairs { ... } do
      if coroutine.status(group.coroutine) ~= "dead" then assert(coroutine.resume(group.coroutine)) end
    end
  end

  it("get their turns one by one, in the order in which they came", function()
    local first, second, third = waiting "first", waiting "second", waiting "third"
    list:give()
    resume(first, second, third)
    assert.same({ "first" }, continued)
    assert.is_true(first.has_turn)
    list:give()
    resume(first, second, third)
    assert.same({ "first", "second" }, continued)
  end)

  it("do not get it when something was delivered to them", function()
    local first, second = waiting "first", waiting "second"
    first.turn.done = true
    list:give()
    resume(first, second)
    assert.same({ "first", "second" }, continued)
    assert.is_nil(first.has_turn)
    assert.is_true(second.has_turn)
  end)

  it("leave the turn to others when they have left", function()
    local late, dead, lost, last = waiting "late", waiting "dead", waiting "lost", waiting "last"
    assert(coroutine.resume(late.coroutine, "deadline"))
    dead.coroutine = coroutine.create(function() end)
    coroutine.resume(dead.coroutine)
    lost.coroutine = nil
    list:give()
    resume(last)
    assert.same({ "late", "last" }, continued)
    assert.is_true(last.has_turn)
  end)

  it("may wait again", function()
    local first = waiting "first"
    assert(coroutine.resume(first.coroutine, "deadline"))
    first.coroutine = coroutine.create(function()
      list:await(first, 1)
      continued[#continued + 1] = "again"
    end)
    assert(coroutine.resume(first.coroutine))
    list:give()
    resume(first)
    assert.same({ "first", "again" }, continued)
    list:give() -- nobody waits
  end)
end)
