-- What is written of the operations is what the core does: the table, the types, and the names that users can call.
local api_names = require "openhands.api.names"
local core = require "openhands.core"
local openhands = require "openhands"
local files = require "spec.support.files"
local reference = dofile "tools/reference.lua"

describe("the reference", function()
  it("is what `make reference` writes now", function()
    assert.equal(reference.table(), files.read "doc/operations.md")
  end)

  it("has a line for every operation and each of its dialects", function()
    local text = files.read "doc/operations.md"
    for _, row in ipairs(core.operations()) do
      assert.truthy(text:find(("\n| `%s` |"):format(row.name), 1, true), row.name)
      assert.truthy(text:find(("`%s %s`"):format(row.method, row.path), 1, true), row.path)
    end
  end)
end)

describe("the types", function()
  it("are what `make reference` writes now", function()
    assert.equal(reference.types(), files.read "lua/openhands/types/operations.lua")
  end)

  -- Names that a class has, in all files of types and in the docstrings of the rooms.
  local function declared(class)
    local names = {}
    for _, path in ipairs { "types/init", "types/operations" } do
      local inside = false
      for line in files.read(("lua/openhands/%s.lua"):format(path)):gmatch "[^\n]+" do
        local name = line:gsub("%(partial%) ", ""):match "^%-%-%-@class ([%w_.]+)"
        if name then
          inside = name == class
        elseif not line:find "^%-%-%-" then
          inside = false
        end
        local field = inside and line:match "^%-%-%-@field ([%w_]+)"
        if field then
          names[field] = true
        end
      end
    end
    return names
  end

  local function assert_declared(class, value, path)
    local names = declared(class)
    for name, member in pairs(value) do
      if type(name) == "string" and not name:find "^_" and (type(member) == "function" or type(member) == "table") then
        assert.truthy(names[name], ("%s: %s is not declared"):format(path, name))
      end
    end
  end

  it("name every function of the module, of its groups, of a client, a conversation and an agent", function()
    assert_declared("openhands", openhands, "openhands")
    for name, group in pairs(openhands) do
      if type(group) == "table" then
        assert_declared("openhands." .. name, group, "openhands." .. name)
      end
    end
    local client = openhands.new { base_url = "http://127.0.0.1:1", api_key = "any" }
    assert_declared("openhands.Client", getmetatable(client).__index, "a client")
    local conversation, methods = setmetatable({}, client._conversation), {}
    for name, is_about_conversation in pairs(api_names.calls) do
      local method = name == "answer" and "fetch_answer" or name
      methods[method] = is_about_conversation and assert(conversation[method], method) or nil
    end
    assert_declared("openhands.Conversation", methods, "a conversation")
    local agent = client:agent(openhands.uuid())
    assert_declared("openhands.Agent", getmetatable(agent).__index, "an agent")
    client:close()
  end)
end)
