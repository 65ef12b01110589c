-- The modules of errors were read from their files when the first error came. Where no file could be opened then, e.g.
-- in a process that had no descriptors left, a call raised "module not found" in place of returning its error.

local canary = require "spec.support.canary"
local processes = require "spec.support.processes"
local simulator = require "openhands.simulator"

local program = [[
  local openhands = require "openhands"
  local function connect(base_url)
    return openhands.new {
      base_url = base_url, api_key = %q, api = "v1", retries = 1, random = function() return 0 end, loop = "plain",
    }
  end
  assert(connect(%q):start { initial_user_msg = "x" })
  local client = connect "http://127.0.0.1:1"
  package.path, package.cpath = "", ""
  print(pcall(function()
    local conversation, err = client:start { initial_user_msg = "x" }
    return conversation, err.kind
  end))
]]

describe("the first error", function()
  it("is returned also if no file can be opened any more", function()
    local server = simulator.spawn()
    local result = processes.child(program:format(canary.key, server.address))
    server:close()
    assert.same({ 0, "true\tnil\tconnect\n", "" }, { result.code, result.output, result.errors })
  end)
end)
