-- After an init.lua that had required the library before Neovim read the plugin's files, the first `:OpenHands` failed
-- with "loop or previous error loading module 'openhands'".
local child = require "spec.support.neovim_child"

if not child.can_run() then return end

describe("a library that was required before the plugin's files were read", function()
  it("is loaded by the plugin all the same", function()
    local output = child.said(([[
      local child = start(%q .. "\ntoo_early = { pcall(require, 'openhands') }")
      say(unpack(child "return { too_early[1], too_early[2]:match '^[^\\n]*' }"))
      say(child "return require('openhands.nvim.library').load() == require 'openhands'")
    ]]):format(child.plugin_line))
    assert.equal("false module 'openhands.core' not found:\ntrue\n", output)
  end)
end)
