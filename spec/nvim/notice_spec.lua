-- What the plugin tells: a long message must not hold up the editor.
local child = require "spec.support.neovim_child"

if not child.can_run() then return end

describe("a message of the plugin", function()
  it("is cut where the command line shows it, so that it waits for no key; the log has the whole", function()
    local output = child.said(([[
      local child, _, channel = start(%q)
      vim.rpcrequest(channel, "nvim_ui_attach", 80, 24, {})
      vim.rpcnotify(channel, "nvim_exec_lua", "require 'openhands.nvim.notice'.fail(('long '):rep(60) .. '\\nend')", {})
      vim.rpcnotify(channel, "nvim_exec_lua", "vim.schedule(function() vim.g.has_told = true end)", {})
      assert(vim.wait(60000, function()
        local mode = vim.rpcrequest(channel, "nvim_get_mode")
        assert(not mode.blocking, "it waits for a key")
        return child "return vim.g.has_told" == true
      end, 5))
      say(#child "return vim.api.nvim_exec('messages', true)" < 80)
      child "vim.cmd 'OpenHands log'"
      say(table.concat(child "return vim.api.nvim_buf_get_lines(0, 0, -1, false)", "|"))
    ]]):format(child.plugin_line))
    assert.matches("^true\n%d%d:%d%d:%d%d OpenHands: long .*long |end\n$", output)
  end)

  it("reaches a replaced vim.notify whole", function()
    local output = child.said(([[
      local child = start(%q)
      child "require 'openhands.nvim.notice'.warn(('long '):rep(60))"
      await(child, "return told ~= nil")
      say(#child "return told" > 300, child "return title")
    ]]):format(child.plugin_line .. " vim.notify = function(text, _, options) told, title = text, options.title end"))
    assert.equal("true OpenHands\n", output)
  end)
end)
