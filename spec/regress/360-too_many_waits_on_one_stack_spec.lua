-- Each task that waits where Lua cannot yield takes a part of the C stack. Their number was not limited, until the
-- stack overflowed in all of them.

local in_process = require "spec.support.in_process"

local is_51 = _VERSION == "Lua 5.1" and not rawget(_G, "jit")

local job = { initial_user_msg = "job" }

describe("tasks that wait where Lua cannot yield", function()
  local function crowd(client, wait)
    local tasks = {}
    for i = 1, 150 do
      tasks[i] = client:spawn(wait, client)
    end
    return tasks
  end

  local ways = {}

  ways["in a coroutine of their own"] = function(client)
    return coroutine.wrap(function() return client:sleep(1) end)()
  end

  ways["in a function of C"] = coroutine.isyieldable and function(client)
    local slept
    table.sort({ 1, 2 }, function()
      slept = client:sleep(1)
      return false
    end)
    return slept
  end

  ways["in Lua 5.1's pcall"] = is_51 and function(client)
    return assert(pcall(function() assert(client:sleep(1)) end)) -- keeps the error of `sleep`
  end

  for way, wait in pairs(ways) do
    if wait then
      it(way .. " get an error when there are too many, and no start is lost", function()
        local client, model = in_process.simulated({}, { api = "v1" })
        local starts = {}
        for i = 1, 5 do starts[i] = client:spawn(client.start, client, job) end
        local slept, refused = 0, 0
        local tasks = crowd(client, wait)
        for i = 6, 10 do starts[i] = client:spawn(client.start, client, job) end
        for _, task in ipairs(tasks) do
          local value, err = task:wait()
          if value then
            slept = slept + 1
          else
            assert.matches("sleep: %d+ tasks already wait where Lua cannot yield", tostring(err))
            refused = refused + 1
          end
        end
        for _, task in ipairs(starts) do
          assert.is_truthy((assert(task:wait()).conversation_id))
        end
        assert.equal(10, model:jobs())
        assert.is_true(slept >= 40, slept)
        assert.equal(150, slept + refused)
      end)
    end
  end
end)
