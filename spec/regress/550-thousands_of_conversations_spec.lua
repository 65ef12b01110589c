-- Each request of a wait for thousands of conversations searched and sorted all of them: ten times as many
-- conversations cost a hundred times as much.
local in_process = require "spec.support.in_process"

local ROUNDS = 3
local INTERVAL = 4

local function ids(count)
  local list = {}
  for place = 1, count do
    list[place] = ("a"):rep(20) .. ("%012x"):format(place)
  end
  return list
end

-- Returns how many thousand instructions Lua runs while `wait` waits, and how many requests are sent.
local function cost(wait, count)
  local client, requests = in_process.scripted(in_process.running, { api = "v1" })
  local thousands = 0
  local function count_instructions()
    debug.sethook(function() thousands = thousands + 1 end, "", 1000)
  end
  local list, options = ids(count), { interval = INTERVAL, timeout = (ROUNDS - 0.5) * INTERVAL }
  count_instructions()
  local good, problem = pcall(wait, client, list, options, count_instructions)
  debug.sethook()
  assert(good, problem)
  return thousands, #requests
end

describe("waits for many conversations", function()
  local function wait_for_all(client, list, options)
    local done, err = client:wait_all(list, options)
    assert(not done and err.kind == "timeout", err and err.message)
  end

  it("send a request for 99 conversations", function()
    local _, sent = cost(wait_for_all, 990)
    assert.equal(10 * ROUNDS, sent)
  end)

  -- Waits for each in a task of its own.
  local function wait_for_each(client, list, options, count_instructions)
    local tasks = {}
    for place, id in ipairs(list) do
      tasks[place] = client:spawn(function()
        count_instructions() -- a hook is one of its coroutine
        return client:wait(id, options)
      end)
    end
    for _, task in ipairs(tasks) do
      local done, err = task:wait()
      assert(not done and err.kind == "timeout", err and err.message)
    end
  end

  for name, wait in pairs { ["one wait"] = wait_for_all, ["a task each"] = wait_for_each } do
    it("cost as much for each as waits for few, in " .. name, function()
      local compiler = rawget(_G, "jit")
      if compiler then
        compiler.off() -- hooks do not count compiled code
        compiler.flush()
        finally(compiler.on)
      end
      local few, many = cost(wait, 198), cost(wait, 1980)
      assert.is_true(few > 0)
      assert.is_true(many < 10 * few * 1.25, ("%d thousand instructions, ten times %d"):format(many, few))
    end)
  end
end)
