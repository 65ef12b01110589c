-- A method that is called with a dot takes its first argument as the receiver. The error must say so, whatever the type
-- of that argument.

local core = require "openhands.core"
local calls = require "spec.support.calls"
local clients = require "openhands.client"

describe("a method that is called with a dot", function()
  local at

  setup(function() at = calls.service("v1", "list") end)
  teardown(function() at.client:close() end)

  local function assert_explained(owner, name, method)
    for _, receiver in ipairs { false, 7, "x", {}, setmetatable({}, {}) } do
      local good, problem = pcall(method, receiver or nil)
      assert.is_false(good, name)
      assert.matches("is a method: call " .. owner .. "[%w_:.]*%(.*%) with a colon", problem, nil, name)
    end
  end

  it("of a client", function()
    local names, groups = clients.names()
    for _, name in ipairs(names) do
      assert_explained("client:", name, at.client[name])
    end
    for group, leaves in pairs(groups) do
      for _, name in ipairs(leaves) do
        assert_explained("client%." .. group .. ":", name, at.client[group][name])
      end
    end
    assert(at.client:count()) -- it is still open
  end)

  it("of a conversation", function()
    local names = { "refresh", "wait", "fetch_answer", "send", "events", "file", "delete", "agent" }
    for _, name in ipairs(names) do
      assert_explained("conversation:", name, at.conversation[name])
    end
  end)

  it("of an agent server", function()
    local agent = at.conversation:agent()
    for name in pairs(core.operation_names(true)) do
      if not name:find("runtime.", 1, true) then assert_explained("agent:", name, agent[name]) end
    end
    for _, name in ipairs { "bash", "request" } do
      assert_explained("agent:", name, agent[name])
    end
  end)

  it("of a collection, and of one that is followed", function()
    for _, options in ipairs { {}, { follow = true } } do
      local pages = at.client:events(at.id, options)
      for _, name in ipairs { "next", "page", "all" } do
        assert_explained("pages:", name, pages[name])
      end
    end
  end)
end)
