-- While fields are checked, a hook (e.g. for Ctrl-C) may raise an error, or memory may run out. Such an error was taken
-- for a mistake in the fields. It must be raised unchanged, and nothing may be sent after it.

local core = require "openhands.core"
local openhands = require "openhands"
local simulator = require "openhands.simulator"

local unpack = table.unpack or unpack -- luacheck: ignore 143

local ID = "0f6f4c3e-1d2a-4b5c-8d9e-0a1b2c3d4e5f"

local function started(settings)
  local model = simulator.model()
  local given = { transport = simulator.transport(model), api_key = "any", random = function() return 0 end }
  for name, value in pairs(settings or {}) do given[name] = value end
  return openhands.new(given), model
end

-- Runs a function in which a hook raises a problem at the call of that number. Returns whether the hook has raised it,
-- and the results of pcall.
local function interrupted(number, problem, run, ...)
  local arguments, calls, raised, watched = { ... }, 0, false, false
  debug.sethook(function()
    calls = calls + (watched and 1 or 0)
    if watched and calls == number then
      raised = true
      error(problem, 0)
    end
  end, "c")
  local good, result, err = pcall(function()
    watched = true
    return run(unpack(arguments))
  end)
  watched = false
  debug.sethook()
  return raised, good, result, err
end

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

local problems = {
  ["Ctrl-C's text"] = "interrupted!",
  ["a table"] = { "of the program's own" },
  ["Lua's word on memory"] = "not enough memory",
}

describe("an error of a hook", function()
  for what, problem in pairs(problems) do
    it("ends a start wherever it comes, and is raised unchanged: " .. what, function()
      local number = 0
      repeat
        number = number + 1 + math.floor(number / 150)
        local client, model = started()
        local raised, good, result, err = interrupted(number, problem, client.start, client, { initial_user_msg = "x" })
        if raised then
          assert.is_false(good, number .. ": " .. tostring(err))
          assert.equal(problem, result)
        else
          assert.equal(1, model:jobs())
        end
      until not raised
      assert.is_true(number > 100)
    end)
  end

  it("in the check of any dialect or field keeps the call from being sent", function()
    local client, model = started()
    for number = 1, 40 do
      local raised, good, result = interrupted(number, problems["a table"], client._prepare_in_any, client, "start",
        { initial_user_msg = { "wrong" }, repository = "a/b" })
      assert.is_false(good)
      assert.equal(raised and problems["a table"], raised and result)
      if not raised then
        assert.matches("openhands.start: 'initial_user_msg.content' must be", result)
      end
    end
    assert.equal(0, model:jobs())
  end)

  it("while a sandbox's id is checked is not taken for a wrong id", function()
    local client = started { api = "v1" }
    local problem, raised_once = problems["a table"], false
    for number = 1, 40 do
      local raised, good, result = interrupted(number, problem, client._takes, client, "sandboxes.pause", "s-1", "v1")
      assert.equal(not raised, good)
      assert.equal(raised and problem or true, result)
      raised_once = raised_once or raised
    end
    assert.is_true(raised_once)
    assert.is_false(client:_takes("sandboxes.pause", "../x", "v1"))
  end)
end)

describe("Ctrl-C", function()
  it("in the function that gives the key is not taken for a missing key", function()
    local client, model = started { api = "v1", api_key = function() error("interrupted!", 0) end }
    local good, problem = pcall(client.start, client, { initial_user_msg = "x" })
    assert.same({ false, "interrupted!" }, { good, problem })
    assert.equal(0, model:jobs())
  end)

  it("in the log loses no answer, and keeps the next request from being sent", function()
    local client, model = started { log = function() error("interrupted!", 0) end }
    local good, problem = pcall(client.start, client, { initial_user_msg = "x" })
    assert.same({ false, "interrupted!" }, { good, problem })
    assert.equal(0, model:jobs())
    assert.is_truthy(client._api)
  end)
end)

describe("the core", function()
  it("marks the caller's mistakes and no other error", function()
    local client = core.new { base_url = "https://openhands.invalid", api_key = "k", external = true }
    local wrong = {
      { core.status, client, "../x", { api = "v1" } },
      { core.status, client, ID, { api = "v1", api_key = "a b" } },
      { core.status, client, ID, { api = "v1", timeout = -1 } },
      { core.request, client, { path = "x" }, {} },
      { client.prepare, client, "start", { initial_user_msg = {} }, "v1" },
      { core.new, {} },
    }
    for place, call in ipairs(wrong) do
      local good, problem = pcall(unpack(call))
      assert.is_false(good)
      assert.is_string(core.argument_error(problem), place)
      assert.equal(core.argument_error(problem), tostring(problem))
    end
    for _, other in ipairs { "status: 'conversation_id' is not an id", { "x" }, setmetatable({ "x" }, {}), 7 } do
      assert.is_nil(core.argument_error(other))
    end
    client:close()
  end)
end)
