-- Ctrl-C can raise an error at any line of a program. Tasks were lost, ran twice, or waited for a slot forever.

local openhands = require "openhands"
local simulator = require "openhands.simulator"

local is_compiled = rawget(_G, "jit")

setup(function()
  if is_compiled then -- compiled code calls no hook
    is_compiled.off()
    is_compiled.flush()
  end
end)

teardown(function()
  if is_compiled then is_compiled.on() end
end)

local function started(settings)
  local model = simulator.model { pace = 0 }
  local given = { transport = simulator.transport(model), api_key = "any", api = "v1" }
  for name, value in pairs(settings or {}) do given[name] = value end
  return openhands.new(given), model
end

local here = debug.getinfo(1, "S").source

-- Runs a function in which a hook of this coroutine raises once: at the first line outside of this file from that
-- number on; `number` counts all lines that run. Tasks that were made before have no hook in PUC's Lua.
local function interrupted(number, run)
  local count, raised, watched = 0, false, false
  debug.sethook(function()
    count = count + (watched and 1 or 0)
    if watched and count >= number and debug.getinfo(2, "S").source ~= here then
      raised, watched = true, false
      error("interrupted!", 0)
    end
  end, "l")
  local good, result = pcall(function()
    watched = true
    return run()
  end)
  watched = false
  debug.sethook()
  return raised, good, result
end

describe("Ctrl-C while tasks run", function()
  -- Returns nine tasks, and how often each has begun: three call the service, one sleeps, one yields, one returns its
  -- argument, one fails, one waits for another, and one runs `all`.
  local function crowd(client)
    local runs, tasks = {}, {}
    local function spawn(place, run)
      runs[place] = 0
      tasks[place] = client:spawn(function(...)
        runs[place] = runs[place] + 1
        return run(...)
      end, "an argument")
    end
    for place = 1, 3 do
      spawn(place, function(argument)
        assert(argument == "an argument")
        return assert(client:start { initial_user_msg = "x" }).conversation_id
      end)
    end
    spawn(4, function() return client:sleep(3) end)
    spawn(5, function()
      coroutine.yield()
      return "gave way"
    end)
    spawn(6, function(argument) return argument end)
    spawn(7, function() error "of its own" end)
    tasks[8] = client:spawn(function() return (assert(tasks[4]:wait())) end)
    tasks[9] = client:spawn(function()
      return #assert(client:all { function() return client:sleep(1) end, function() return 2 end,
        function() return client:sleep(2) end })
    end)
    runs[8], runs[9] = 1, 1
    return tasks, runs
  end

  local expected = { [4] = true, [5] = "gave way", [6] = "an argument", [8] = true, [9] = 3 }

  it("loses none, wherever it is raised", function()
    local number, times = 1, 0
    repeat
      local client, model = started()
      local tasks, runs = crowd(client)
      local raised, good, problem = interrupted(number, function() return client:sleep(5) end)
      local is_of_task = raised and good -- LuaJIT's hook is in the tasks, too: there it is the task's own error
      if not is_of_task then
        assert.same({ not raised, raised and "interrupted!" or true }, { good, problem })
      end
      for place, task in ipairs(tasks) do
        local value, err = task:wait(100)
        local where = ("task %d, line %d"):format(place, number)
        assert.is_true(task:done(), where)
        assert.is_true(runs[place] == 1 or is_of_task and runs[place] == 0, where)
        if is_of_task then
          assert.is_true(value ~= nil or err.kind == "raised", where)
        elseif place <= 3 then
          assert.is_string(value, where .. tostring(err))
        elseif place == 7 then
          assert.equal("raised", err.kind, where)
        else
          assert.equal(expected[place], value, where .. tostring(err))
        end
      end
      assert.is_true(model:jobs() == 3 or is_of_task and model:jobs() == 2)
      times = times + 1
      number = number + 1 + math.floor(number / 8)
    until not raised
    assert.is_true(times > 30, times)
  end)

  it("leaves as many slots for waiting tasks as before", function()
    local client = started()
    for _ = 1, 100 do
      client:spawn(function() coroutine.yield() end)
      local raised = false
      local task = client:spawn(function() return true end)
      local resume = task.resume
      task.resume = function(...)
        if not raised then
          raised = true
          error("interrupted!", 0)
        end
        return resume(...)
      end
      assert.same({ false, "interrupted!" }, { pcall(client.sleep, client, 0) })
      assert.is_true(task:wait())
    end
    assert(client:sleep(0))
    assert(client:start { initial_user_msg = "x" })
  end)
end)

describe("an error while results are handed out", function()
  it("loses none of them", function()
    local number, raised = 1, true
    repeat
      local client = started()
      local got = {}
      for place = 1, 3 do
        client:spawn(function() got[place] = client:me() or false end)
      end
      local pump = client._pump
      client._pump = function(self, seconds)
        client._pump = pump
        raised = interrupted(number, function() return pump(self, seconds) end)
        return pump(self, seconds)
      end
      assert(client:sleep(1))
      for place = 1, 3 do assert.is_table(got[place], number) end
      number = number + 1 + math.floor(number / 8)
    until not raised
    assert.is_true(number > 20)
  end)
end)

describe("a heap of timers that an error has interrupted", function()
  it("still has all of them, in order", function()
    local timers = require "openhands.task.timers"
    local number, was_raised = 1, true
    while was_raised do
      local set, items = timers.new(), {}
      for place = 1, 7 do items[place] = { at = (place * 5) % 7 } end
      was_raised = interrupted(number, function()
        for _, item in ipairs(items) do set:add(item) end
        for place = 1, 3 do set:remove(items[place]) end
      end)
      for _, item in ipairs(items) do set:remove(item) end
      assert.is_nil(set:first())
      for _, item in ipairs(items) do set:add(item) end
      for _ = 1, 7 do
        local first = set:first()
        for _, item in ipairs(items) do assert.is_true(item.gone or first.at <= item.at) end
        set:remove(first)
        first.gone = true
      end
      assert.is_nil(set:first())
      number = number + 1
    end
  end)
end)
