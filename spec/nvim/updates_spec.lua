-- Changes are drawn at most five times a second, however many there are.
local child = require "spec.support.neovim_child"

if not child.can_run() then return end

describe("changes", function()
  it("are handed on at once, then at most five times a second, and the last one always", function()
    local output = child.said(([[
      local child = start(%q)
      child [=[
        local updates = require("openhands.nvim.updates").new()
        noted, drawn, calls = 0, 0, {}
        updates:subscribe("one", function()
          drawn = noted
          calls[#calls + 1] = vim.loop.now()
        end)
        updates:subscribe("broken", function() error "it fails" end)
        local timer = vim.loop.new_timer()
        timer:start(0, 1, function()
          noted = noted + 1
          updates:note()
          if noted == 300 then timer:close() end
        end)
      ]=]
      await(child, "return noted == 300 and drawn == 300")
      say(child [=[
        for place = 2, #calls do
          if calls[place] - calls[place - 1] < 195 then return "too soon" end
        end
        return #calls >= 2 and "coalesced"
      ]=])
      say(child "return vim.api.nvim_exec('messages', true)":match "it fails")
    ]]):format(child.plugin_line))
    assert.equal("coalesced\nit fails\n", output)
  end)
end)
