-- Programs that the host started inherited the sockets of the core, so a connection stayed open as long as such a
-- program ran.

local core = require "openhands.core"
local core_client = require "spec.support.core_client"
local core_service = require "spec.support.core_service"

local ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"

describe("a program that the host starts", function()
  local here = core_service.new { pace = 0.01 }

  teardown(function() here.server:close() end)
  before_each(here.reset)

  it("inherits no connection", function()
    local client = here.handle()
    assert(core.status(client, ID, { api = "v0" }))
    core_client.collect(client, 1)
    local function sockets()
      local process = assert(io.popen "ls -l /proc/self/fd")
      local listing = process:read "*a"
      process:close()
      local _, count = listing:gsub("socket:", "")
      return count
    end
    assert.is_true(sockets() <= 2) -- libcurl's own pair to wake itself up is no connection
    client:close()
  end)
end)
