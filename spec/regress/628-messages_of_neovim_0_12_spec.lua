-- Neovim 0.12 does not say where its `vim.notify` is written, so that a long message was not cut. Its progress messages
-- have the title in front, and were as long as the line without it. In both cases the editor waited for a key.

local canary = require "spec.support.canary"
local child = require "spec.support.neovim_child"
local simulator = require "openhands.simulator"

if not child.can_run() then return end

-- `reached(code)` returns when the code is true in a Neovim with a screen of 80 columns. It fails when the editor waits
-- for a key; a request would then wait, too, so the code is sent as a notification, and its result comes as one.
local WITH_SCREEN = [[
  vim.rpcrequest(channel, "nvim_ui_attach", 80, 24, {})
  local function reached(code)
    is_reached = false
    local ask = "vim.rpcnotify(1, 'nvim_exec_lua', 'is_reached, has_come = ..., true', { (function() %s end)() })"
    has_come = true
    assert(vim.wait(60000, function()
      assert(not vim.rpcrequest(channel, "nvim_get_mode").blocking, "it waits for a key")
      if has_come and not is_reached then
        has_come = false
        vim.rpcnotify(channel, "nvim_exec_lua", ask:format(code), {})
      end
      return is_reached
    end, 1), "it never came")
  end
]]

describe("a message of the plugin in a Neovim that is built without debug information", function()
  it("is cut where the command line shows it", function()
    local output = child.said(([[
      local child, _, channel = start(%q)
      child "require 'openhands.nvim.notice'.warn(('long '):rep(60))"
      await(child, "return told ~= nil")
      say(#child "return told" < 80)
    ]]):format(child.plugin_line
      .. " vim.notify = loadstring(string.dump(function(words) told = words end, true), '=?')"))
    assert.equal("true\n", output)
  end)
end)

describe("a conversation with a long title in Neovim", function()
  it("makes the editor wait for no key, and is shown by the progress messages of Neovim 0.12", function()
    local server = simulator.spawn { pace = 0.004 }
    local output = child.with_service(server, canary.key)(WITH_SCREEN .. [[
      vim.rpcnotify(channel, "nvim_command", "OpenHands start " .. ("Fix it. "):rep(30) .. "[simulate: slow]")
      reached "return table.concat(require 'openhands.nvim.log'.lines()):find 'has finished' ~= nil"
      reached "return true" -- the line is in the log before the message is shown
      say(vim.fn.has "nvim-0.12")
      local shown = child "return shown"
      for _, each in ipairs(shown) do say(each.id == shown[1].id, each.source, each.title, each.status) end
    ]], { configuration = [[
      vim.g.openhands = { interval = 0.02 }
      shown = {}
      if vim.fn.has "nvim-0.12" == 1 then
        vim.api.nvim_create_autocmd("Progress", { callback = function(event) table.insert(shown, event.data) end })
      end
    ]] })
    server:close()
    local one = "true openhands OpenHands %s\n"
    assert.equal(output:find "^1" and "1\n" .. one:format "running" .. one:format "running" .. one:format "success"
      or "0\n", output)
  end)
end)
