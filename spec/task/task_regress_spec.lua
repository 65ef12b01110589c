-- What tasks once did wrong to others, or to a start: in virtual time, on the simulator's model.
local openhands = require "openhands"
local simulator = require "openhands.simulator"

local is_51 = _VERSION == "Lua 5.1" and not rawget(_G, "jit")

-- A client, its model, and another client that lives on when the first is closed.
local function started()
  local model = simulator.model()
  local settings = { transport = simulator.transport(model), api_key = "any", api = "v1" }
  local client, other = openhands.new(settings), openhands.new(settings)
  return client, model, other
end

local job = { initial_user_msg = "job" }

describe("tasks that wait where they cannot give way", function()
  -- Each holds a part of Lua's stack; they were as many as there were, until it ended for everybody.
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
    return assert(pcall(function() assert(client:sleep(1)) end)) -- says whose trouble it was
  end

  for way, wait in pairs(ways) do
    if wait then
      it(way .. " are told when there are too many, and no start is lost", function()
        local client, model = started()
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

describe("what a task gives instead of a result", function()
  local function raises() error "of the error's own" end

  local odd = {
    ["raises when it is asked for its text"] = setmetatable({}, { __tostring = raises }),
    ["has no text"] = setmetatable({}, { __tostring = function() return {} end }),
  }

  for what, problem in pairs(odd) do
    it("and " .. what .. " reaches nobody else", function()
      local client = started()
      local bystander = client:spawn(function()
        client:sleep(3)
        return "bystander"
      end)
      local raised = client:spawn(error, problem)
      local results, err = client:all {
        function() return nil, problem end,
        function() return "good" end,
        function() error(problem) end,
      }
      assert.is_nil(results)
      assert.same({ "raised", "good" }, { err.kind, err.results[2] })
      assert.equal(problem, err.errors[1].cause)
      assert.equal(problem, err.errors[3].cause)
      assert.equal(problem, select(2, raised:wait()).cause)
      assert.equal("bystander", bystander:wait())
    end)
  end

  it("holds no secret", function()
    local client = openhands.new { transport = simulator.transport(simulator.model()), api_key = "a-key-of-mine" }
    local _, err = client:all { function() return nil, "refused: a-key-of-mine" end }
    assert.matches("refused: ", tostring(err))
    assert.is_nil(tostring(err):find("a-key-of-mine", 1, true))
  end)
end)

describe("all", function()
  it("runs the list as it was given", function()
    local client = started()
    local list = {}
    for i = 1, 3 do
      list[i] = function()
        client:sleep(1)
        return i
      end
    end
    local group = client:spawn(client.all, client, list, { concurrency = 1 })
    client:sleep(1.5)
    list[3], list[4] = false, "more"
    assert.same({ 1, 2, 3 }, (assert(group:wait())))
  end)
end)

describe("who waits while the one who asks for all", function()
  it("is held up beyond the time of its request has its turn", function()
    local slow, client = false, nil
    local function key()
      if slow then
        slow = false
        client:sleep(1000)
      end
      return "any"
    end
    local transport, asked = simulator.transport(simulator.model()), 0
    local now = transport.now
    function transport.now()
      asked = asked + 1
      if asked > 100000 then error "time stands still" end
      return now()
    end
    client = openhands.new { transport = transport, api = "v1", api_key = key }
    local one, two = assert(client:start(job)), assert(client:start(job))
    slow = true
    local first, second = client:spawn(client.wait, client, one), client:spawn(client.wait, client, two)
    assert.equal("finished", assert(second:wait()).state)
    assert.equal("finished", assert(first:wait()).state)
  end)
end)

describe("a listener", function()
  if not is_51 then -- which cannot wait inside of pcall
    it("that raises does not keep others from the conversation whose start it listens to", function()
      local client, model = started()
      local named = { initial_user_msg = "job", conversation_id = openhands.uuid() }
      client:spawn(function()
        assert.is_false((pcall(client.start, client, named, { on_progress = function() error "oops" end })))
        client:sleep(7200)
      end)
      client:sleep(1)
      local conversation = assert(client:start(named, { resume = true }))
      assert.is_true(model:time() < 60, model:time())
      assert.equal(named.conversation_id:gsub("-", ""), (conversation.conversation_id:gsub("-", "")))
      assert.equal(1, model:jobs())
    end)
  end

  for _, name in ipairs { "on_progress", "on_change" } do
    for _, ending in ipairs { "cancel", "close" } do
      it(("of %s in which its call is given up by %s is called no more, and the call tells the id"):format(name,
        ending), function()
        local client, model, other = started()
        local told, fields, options = 0, { initial_user_msg = "job" }, {}
        local function listener()
          told = told + 1
          client:sleep(500)
        end
        if name == "on_progress" then fields.on_progress = listener else options.on_change = listener end
        local task = client:spawn(client.run, client, fields, options)
        other:sleep(100)
        assert.equal(1, told)
        if ending == "cancel" then task:cancel() else client:close() end
        local value, err = other:spawn(task.wait, task):wait()
        assert.is_nil(value)
        assert.equal(ending == "cancel" and "cancelled" or "closed", err.kind)
        assert.is_truthy(other:status(err.conversation_id))
        assert.equal(1, model:jobs())
        assert.equal(1, told)
      end)
    end
  end
end)
