-- A finalizer may run at any allocation inside the core, and may use the same client. It once found an exchange that
-- was only partly created.

local core = require "openhands.core"
local core_client = require "spec.support.core_client"

local ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"

-- Makes garbage whose finalizer calls `act`; in Lua 5.1 only a proxy has finalizers.
local function plant(act)
  if newproxy then -- luacheck: ignore 113
    getmetatable(newproxy(true)).__gc = act -- luacheck: ignore 113
  else
    setmetatable({}, { __gc = act })
  end
end

describe("a finalizer that runs during a call", function()
  for _, intrusion in ipairs { "operation", "prepare", "next", "close" } do
    it("finds no exchange half made: " .. intrusion, function()
      local client = core_client.new()
      local inside, refused = false, 0
      local function intrude()
        if inside then
          return
        end
        inside = true
        local good
        if intrusion == "operation" then
          good = pcall(core.status, client, ID, { api = "v0" })
        elseif intrusion == "prepare" then
          good = pcall(client.prepare, client, "status", ID, "v1")
        else
          good = pcall(client[intrusion], client)
        end
        refused = refused + (good and 0 or 1)
        inside = false
      end
      local plugins = {}
      for i = 1, 100 do
        plugins[i] = { source = ("v"):rep(i), parameters = { n = i } }
      end
      local function use()
        core.start(client, { initial_user_msg = "x", plugins = plugins }, { api = "v1" })
        local number, request = client:outgoing()
        while number do
          assert(request.path == "/api/conversations/" .. ID or request.body:sub(-1) == "}")
          client:answer(number, core_client.json '{"id":"x","a":[{},{},{}]}')
          number, request = client:outgoing()
        end
        while client:next() do -- luacheck: ignore 542
        end
      end
      for _ = 1, 300 do
        for _ = 1, 20 do
          plant(intrude)
        end
        local good, message = pcall(use)
        if not good then
          -- A finalizer may close the client between two calls.
          assert.equal("close", intrusion)
          assert.matches("closed", message)
          client = core_client.new()
        end
      end
      collectgarbage()
      pcall(client.close, client)
    end)
  end
end)
