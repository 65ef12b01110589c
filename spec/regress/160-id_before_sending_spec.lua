-- A start ended with an error of Lua itself (memory, Ctrl-C) after it had sent a job whose id the caller did not know.
-- The caller must know the id before anything is sent.

local in_process = require "spec.support.in_process"

local ID = "0f6f4c3e-1d2a-4b5c-8d9e-0a1b2c3d4e5f"

local jit = rawget(_G, "jit") -- compiled code calls no hook

setup(function()
  if jit then
    jit.off()
    jit.flush()
  end
end)

teardown(function()
  if jit then jit.on() end
end)

-- Runs a function in which memory runs out at the call of that number after the POST. Returns whether it did, and the
-- results of pcall.
local function without_memory_after(model, number, run)
  local calls, raised = 0, false
  debug.sethook(function()
    if model.starts[1] and not raised then
      calls = calls + 1
      raised = calls == number
      if raised then error("not enough memory", 0) end
    end
  end, "c")
  local good, result = pcall(run)
  debug.sethook()
  return raised, good, result
end

describe("the id of a start", function()
  local ways = {
    start = function(client, options) return client:start({ initial_user_msg = "x" }, options) end,
    ["a streamed start"] = function(client, options)
      options.stream = true
      return client:start({ initial_user_msg = "x" }, options)
    end,
    run = function(client, options) return client:run({ initial_user_msg = "x" }, options) end,
    ["a start with an id of the caller's"] = function(client, options)
      return client:start({ initial_user_msg = "x", conversation_id = ID, on_id = options.on_id })
    end,
  }
  for name, start in pairs(ways) do
    it("is known when memory runs out after the post: " .. name, function()
      local number, raised, reached = 1, true, 0
      while raised and number < 200 do
        local client, model = in_process.simulated { pace = 0 }
        local known
        local good, result
        raised, good, result = without_memory_after(model, number, function()
          return start(client, { on_id = function(id)
            assert(not model.starts[1], "told too late")
            known = id
          end })
        end)
        assert.is_true(raised and not good and result == "not enough memory" or not raised and good, tostring(result))
        assert.equal(model.starts[1].conversation_id:gsub("-", ""), (known:gsub("-", "")))
        reached = reached + (raised and 1 or 0)
        -- With it the start is taken up, and not sent again.
        debug.sethook()
        assert(client:start({ initial_user_msg = "x", conversation_id = known }, { resume = true }))
        assert.equal(1, #model.starts)
        number = number + 1 + math.floor(number / 6)
      end
      assert.is_true(reached > 10)
    end)
  end

  it("continues the start in the client that has sent it, even without `resume`", function()
    for number = 1, 61, 6 do
      local client, model = in_process.simulated { api = "v1", visibility = 40 }
      local known
      local raised = without_memory_after(model, number, function()
        return client:start({ initial_user_msg = "x" }, { on_id = function(id) known = id end })
      end)
      assert.is_true(raised)
      assert(client:start { initial_user_msg = "x", conversation_id = known })
      assert.equal(1, #model.starts)
    end
  end)

  it("is not reported when nothing would be sent; an error of the listener stops the start", function()
    local client, model = in_process.simulated { pace = 0 }
    local told = 0
    local function note() told = told + 1 end
    assert.has_error(function() client:start({ prompt_of_no_dialect = "x" }, { on_id = note }) end)
    assert.has_error(function() client:start({ initial_user_msg = "x" }, { on_id = "not a function" }) end)
    assert.equal(0, told)
    local mine = { "the disk is full" }
    local good, problem = pcall(client.start, client, { initial_user_msg = "x", on_id = function() error(mine) end })
    assert.same({ false, mine }, { good, problem })
    assert.equal(0, #model.starts)
  end)

  it("stands in the error, whatever the service answers", function()
    local match = { method = "POST" }
    for kind, fault in pairs {
      connect = { point = "before", class = "connect", match = match, count = -1 },
      invalid = { point = "before", response = in_process.json('{"detail":"no"}', 422), match = match, count = -1 },
    } do
      local client, _, transport = in_process.simulated({ api = "v1" }, { retries = 0 })
      transport.faults = { fault }
      local known
      local _, err = client:start({ initial_user_msg = "x" }, { on_id = function(id) known = id end })
      assert.same({ kind, known }, { err.kind, err.conversation_id })
    end
  end)

  it("does not exist on V0", function()
    local client = in_process.simulated({ api = "v0" }, { api = "v0" })
    local told = 0
    assert(client:start({ initial_user_msg = "x" }, { on_id = function() told = told + 1 end }))
    assert.equal(0, told)
  end)
end)
