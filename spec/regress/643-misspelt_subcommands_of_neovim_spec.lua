-- `:OpenHands strat` listed all subcommands, but did not say which one was probably meant, as the command line does.
local child = require "spec.support.neovim_child"

if not child.can_run() then return end

describe("an unknown subcommand in Neovim", function()
  -- Returns what is told about a subcommand.
  local function told_of(name)
    return child.said(([[
      local child = start(%q)
      child("vim.cmd('OpenHands ' .. ...)", %q)
      await(child, "return told ~= nil")
      say(child "return told")
    ]]):format(child.plugin_line .. " vim.notify = function(text) told = text end", name))
  end

  it("is answered with the nearest one, and with all", function()
    assert.equal("OpenHands: there is no 'strat' (did you mean 'start'?); there are: board, diff, follow, list, log, "
      .. "open, pause, send, start, stop\n", told_of "strat")
  end)

  it("is answered with all if none is near", function()
    assert.equal("OpenHands: there is no 'qqqq'; there are: board, diff, follow, list, log, open, pause, send, start, "
      .. "stop\n", told_of "qqqq")
  end)
end)
