-- A client: its mistakes of use are raised before anything is sent, and what it remembers of conversations is bounded.

local openhands = require "openhands"
local in_process = require "spec.support.in_process"

local ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"
local ACCOUNT = '{"id":"5a0c1d7e","email":"dev@example.com"}'

describe("a mistake of the caller", function()
  local function refused(pattern, call, ...)
    local client, requests = in_process.scripted(in_process.with_account(in_process.json(ACCOUNT)))
    local good, message = pcall(client[call], client, ...)
    assert.is_false(good)
    assert.matches(pattern, message)
    assert.equal(0, #requests) -- not even a request for the dialect
    client:close()
  end

  it("is raised before anything is sent", function()
    refused("initial_user_msg", "start", { initial_user_mesg = "x" })
    refused("'initial_user_msg' is missing", "start", {})
    refused("needs a table of fields, not a string", "start", "x")
    refused("needs a table of fields, not a nil", "start")
    refused("unknown option", "start", { initial_user_msg = "x" }, { repository = "o/r" })
    refused("'plugins%[1%]' is a function", "start", { initial_user_msg = "x", plugins = { print } })
    refused("metatable", "start", setmetatable({ initial_user_msg = "x" }, { __index = error, __pairs = error }))
    for _, id in ipairs { "", "../x", "a/b", "%2e%2e", "a\0b", ("x"):rep(1e7) } do
      refused("not an id", "status", id)
      refused("not an id", "wait", id)
    end
    refused("needs a conversation or its id", "status", 7)
    refused("needs a conversation or its id", "status", {})
    refused("needs a conversation or its id", "status", setmetatable({}, { __index = error }))
  end)

  it("is raised for a call on a closed client", function()
    local client = in_process.scripted(in_process.with_account(in_process.json(ACCOUNT)))
    client:close()
    client:close()
    for _, call in ipairs { "start", "status", "wait", "run" } do
      local good, message = pcall(client[call], client, ID)
      assert.is_false(good)
      assert.matches("this client is closed", message)
    end
  end)

  it("is raised for a method called with a dot, and for a loop that lacks a function", function()
    local client = in_process.scripted(in_process.with_account(in_process.json(ACCOUNT)))
    local good, message = pcall(client.status, ID)
    assert.is_false(good)
    assert.matches("with a colon", message)
    good, message = pcall(openhands.new, { api_key = "x", loop = {} })
    assert.is_false(good)
    assert.matches("the loop has no function 'now'", message)
  end)

  it("is raised for a base URL without TLS, and for an unknown loop", function()
    assert.has_error(function()
      openhands.new { api_key = "x", base_url = "http://service.example" }
    end)
    assert.has_error(function()
      openhands.new { api_key = "x", loop = "hula" }
    end)
  end)
end)

describe("what a client remembers", function()
  it("is bounded", function()
    local client = in_process.scripted(in_process.with_account(in_process.json(ACCOUNT)))
    client:_remember("first").has_worked = true
    for i = 1, 2048 do
      client:_remember("a" .. i)
    end
    assert.is_true(client:_remember("FIRST").has_worked) -- used recently enough
    for i = 1, 5000 do
      client:_remember("b" .. i)
    end
    assert.is_nil(client:_remember("first").has_worked)
    local count = 0
    for _, generation in ipairs { client._memories, client._older_memories } do
      for _ in pairs(generation) do
        count = count + 1
      end
    end
    assert.is_true(count <= 4096)
  end)
end)
