-- What `make doc` gives to LDoc has every public function, with what it takes and what it returns.
local core = require "openhands.core"
local openhands = require "openhands"
local simulator = require "openhands.simulator"
local annotations = dofile "tools/annotations.lua"
local sources = dofile "tools/ldoc_sources.lua"

local texts = sources.texts()

local function assert_has(file, owner, what)
  for name, member in pairs(owner) do
    if type(name) == "string" and type(member) == "function" and not name:find "^_" then
      local text = texts[file] or error(file .. " is missing")
      local is_there = text:find(("\n%%-?%%-? ?@function %s[ \n]"):format(name))
      assert.is_truthy(is_there, ("%s: %s is not in %s"):format(what, name, file))
    end
  end
end

describe("the reference of the API", function()
  it("has every function of the modules", function()
    assert_has("openhands.lua", openhands, "openhands")
    local of_core = {}
    for name, member in pairs(core) do of_core[name] = member end
    for _, row in ipairs(core.operations()) do of_core[row.name] = nil end -- the library's clients have these
    assert_has("openhands.core.c", of_core, "the core")
    assert_has("openhands.simulator.lua", simulator, "the simulator")
  end)

  it("has every function of the groups", function()
    local count = 0
    for group, calls in pairs(openhands) do
      for name, call in pairs(type(calls) == "table" and calls or {}) do
        if type(call) == "function" then
          count = count + 1
          assert.is_truthy(texts["openhands.lua"]:find(("\n-- @function %s.%s\n"):format(group, name), 1, true), name)
        end
      end
    end
    assert.is_true(count > 40)
  end)

  it("has every method of clients, conversations, tasks, agents, collections and the core", function()
    local model = simulator.model()
    local client = openhands.new { transport = simulator.transport(model), api_key = "any" }
    assert_has("openhands.Client.lua", getmetatable(client).__index, "a client")
    assert_has("openhands.Agent.lua", getmetatable(client:agent(openhands.uuid())).__index, "an agent")
    assert_has("openhands.Pages.lua", getmetatable(client:list()).__index, "a collection")
    local names = require "openhands.api.names"
    local methods = {}
    for name, is_about_conversation in pairs(names.calls) do
      methods[name == "answer" and "fetch_answer" or name] = is_about_conversation and print or nil
    end
    assert_has("openhands.Conversation.lua", methods, "a conversation")
    assert_has("openhands.Task.lua", { wait = print, done = print, on_done = print, cancel = print }, "a task")
    local of_core = core.new { base_url = "http://127.0.0.1:1" }
    local of_client = {}
    for _, name in ipairs { "step", "next", "cancel", "pollfd", "timeout", "close", "in_flight" } do
      of_client[name] = assert(of_core[name])
    end
    assert_has("openhands.core.Client.c", of_client, "a client of the core")
    of_core:close()
    client:close()
  end)

  it("says what each function of the module returns, and what each does", function()
    local count = 0
    for block in texts["openhands.lua"]:gmatch "(%-%-%- [^\n]+\n.-)\n\n" do
      local name = block:match "@function (%S+)"
      if name then
        count = count + 1
        local returns_nothing = name == "close" or name == "show"
        assert.is_truthy(returns_nothing or block:find "\n%-%- @treturn", name)
        assert.is_nil(block:find "@tparam%S* any any", name)
      end
    end
    assert.is_true(count > 100)
  end)
end)

describe("the reader of annotations", function()
  it("reads the types of functions", function()
    local parameters, results = annotations.signature
      "fun(self: X, ...: any, run: fun(a: b): any, c?, o: Y|nil): T?, E?"
    local names = {}
    for place, each in ipairs(parameters) do names[place] = each.name .. " " .. each.type end
    assert.same({ "self X", "... any", "run fun(a: b): any, c?", "o Y|nil" }, names)
    assert.same({ { type = "T?" }, { type = "E?" } }, results)
    assert.is_nil(annotations.signature "string")
  end)

  it("reads alternatives", function()
    assert.same({ { "(a|b)[]", "c" }, true }, { annotations.alternatives "(a|b)[]|c|nil" })
    assert.same({ { "integer" }, true }, { annotations.alternatives "integer?" })
  end)
end)
