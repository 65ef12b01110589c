-- What a program does not use is not loaded.

local api_names = require "openhands.api.names"
local deferred = require "openhands.deferred"
local processes = require "spec.support.processes"

local deferred_modules = {
  "api", "api%.agent", "conversation%.actions", "conversation%.lookup", "conversation%.result", "events",
  "events%..*", "simulator", "simulator%..*", "spelling", "start", "start%..*", "task", "task%.coroutines",
  "task%.errors", "task%.group", "task%.scheduler", "task%.timers", "wait", "wait%..*",
}

-- The lines that a program prints in a process of its own.
local function lines_of(program)
  local child = assert(io.popen(processes.quoted(processes.interpreter()) .. " -e " .. processes.quoted(program)))
  local lines = {}
  for line in child:lines() do lines[#lines + 1] = line end
  child:close()
  return lines
end

describe("the modules that are loaded", function()
  it("with the library are those of clients and statuses", function()
    local loaded = {}
    for _, name in ipairs(lines_of [[require "openhands" for name in pairs(package.loaded) do print(name) end]]) do
      loaded[name] = true
    end
    for _, name in ipairs { "client", "conversation.status", "request", "request.in_flight", "core" } do
      assert.is_true(loaded["openhands." .. name], name)
    end
    for name in pairs(loaded) do
      for _, unused in ipairs(deferred_modules) do
        assert.is_nil(name:find("^openhands%." .. unused .. "$"), name)
      end
    end
  end)

  it("stay the same when the names of the library are listed", function()
    local lines = lines_of [[
      local openhands = require "openhands"
      local count = 0
      for name, value in pairs(openhands) do
        count = count + (type(value) == "function" and 1 or 0)
        if type(value) == "table" then for _ in pairs(value) do count = count + 1 end end
      end
      print(count > 100, type(openhands.agent), type(openhands.secrets.list), package.loaded["openhands.api"])
    ]]
    assert.same({ "true\tfunction\tfunction\tnil" }, lines)
  end)
end)

describe("a deferred call", function()
  it("is defined by the module that it loads, for each name", function()
    local lines = lines_of [[
      local Client = require "openhands.client_class"
      require "openhands.client"
      local names = require "openhands.api.names"
      local before, groups = {}, {}
      for name in pairs(names.calls) do before[name] = Client[name] end
      for group, leaves in pairs(names.groups) do
        for leaf in pairs(leaves) do groups[group .. "." .. leaf] = Client._groups[group][leaf] end
      end
      for name in ("all run sleep spawn start wait wait_all wait_any"):gmatch "[a-z_]+" do
        before[name] = Client[name]
      end
      require "openhands.api"
      require "openhands.start"
      require "openhands.task.group"
      require "openhands.wait.several"
      for name, standin in pairs(before) do
        if Client[name] == standin then print("nothing defines " .. name) end
      end
      for name, standin in pairs(groups) do
        local group, leaf = names.split(name)
        if Client._groups[group][leaf] == standin then print("nothing defines " .. name) end
      end
      print "checked"
    ]]
    assert.same({ "checked" }, lines)
    assert.is_true(api_names.calls.send)
    assert.is_false(api_names.calls.list)
  end)

  it("loads its module again after an error ended the loading", function()
    local attempts = 0
    package.preload["openhands.example"] = function()
      attempts = attempts + 1
      if attempts == 1 then error("interrupted!", 0) end
      return { value = 7 }
    end
    package.preload["openhands.outer_example"] = function()
      return { inner = require "openhands.example" }
    end
    for _, name in ipairs { "openhands.example", "openhands.outer_example" } do
      attempts = 0
      local module = deferred.module(name)
      assert.has_error(function() return module.value end, "interrupted!")
      assert.same({ 7, nil }, { (module.inner or module).value, module.other })
      assert.equal(2, attempts)
      package.loaded[name], package.loaded["openhands.example"] = nil, nil
    end
    package.preload["openhands.example"], package.preload["openhands.outer_example"] = nil, nil
  end)
end)
