-- What reads the answer of a start, and what finds out whether it took place, was loaded after the start was sent. If
-- no file could be opened then, e.g. in a process without free descriptors, the start raised "module not found": the
-- conversation that it may have begun was lost.

local canary = require "spec.support.canary"
local processes = require "spec.support.processes"
local simulator = require "openhands.simulator"

local program = [[
  local openhands = require "openhands"
  local client = openhands.new { base_url = %q, api_key = %q, api = %q, loop = "plain", retries = 1, grace = 1 }
  local function close_all_files() package.path, package.cpath = "", "" end
  print(pcall(function()
    if %q == "v0" then -- there `on_id` is not called before
      assert(client:start { initial_user_msg = "x" })
      close_all_files()
    end
    local conversation, err = client:start({ initial_user_msg = "x" }, { on_id = close_all_files })
    return conversation and "started" or err.kind
  end))
]]

describe("what may follow a start", function()
  local server
  setup(function() server = simulator.spawn() end)
  teardown(function() server:close() end)
  before_each(function() server:reset() end)

  local function output_with(fault, api)
    if fault then
      fault.match = { method = "POST", path = api == "v0" and "conversations" or "app%-conversations" }
      server:faults { fault }
    end
    local result = processes.child(program:format(server.address, canary.key, api or "v1", api or "v1"))
    assert.same({ 0, "" }, { result.code, result.errors })
    return result.output
  end

  it("is loaded before it is sent", function()
    assert.equal("true\tstarted\n", output_with())
    assert.equal("true\tstarted\n", output_with { point = "after_commit", action = "close" })
    assert.equal("true\tstarted\n", output_with { point = "after_commit", action = "status", status = 502 })
    assert.equal("true\tstarted\n", output_with { point = "after_commit", action = "status", status = 302 })
    assert.equal("true\tpermission\n", output_with { point = "after_read", action = "status", status = 403 })
  end)

  it("is loaded before it is sent to V0", function()
    assert.equal("true\tambiguous\n", output_with({ point = "after_commit", action = "close", skip = 1 }, "v0"))
    assert.equal(2, server:jobs())
  end)
end)
