-- In Neovim 0.12, a lua-cjson that was installed mangled tasks of several lines: it called functions of the same names
-- that Neovim exports, which belong to another version. The library uses Neovim's own encoder there.

local canary = require "spec.support.canary"
local child = require "spec.support.neovim_child"
local json = require "cjson"
local simulator = require "openhands.simulator"

if not child.can_run() then return end

local TASK = "Explain this:\n\n" .. ('"two"\t/ three\n'):rep(20)

-- What the service gets of a task that is started in a Neovim with this configuration.
local function task_with(configuration)
  local server = simulator.spawn { pace = 0.004 }
  child.with_service(server, canary.key)([[
    child("require 'openhands.nvim.library'.load()")
    child("require 'openhands'.start { initial_user_msg = ... }", ]] .. ("%q"):format(TASK) .. [[)
  ]], { configuration = configuration })
  local body = json.decode(server:starts()[1].body)
  server:close()
  return body.initial_message.content[1].text
end

describe("a task of several lines in Neovim", function()
  it("is sent as it is, though a lua-cjson is installed", function()
    assert.equal(TASK, task_with "")
  end)

  it("is sent as it is, though a lua-cjson is loaded that encodes strings wrong", function()
    assert.equal(TASK, task_with [[
      local function mangle() return '"mangled"' end
      package.loaded.cjson = { encode = mangle, new = function() return { encode = mangle } end }
    ]])
  end)
end)
