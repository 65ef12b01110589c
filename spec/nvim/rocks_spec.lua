-- The plugin from a rock, as rocks.nvim installs it.
local child = require "spec.support.neovim_child"
local neovim_service = require "spec.support.neovim_service"
local rocks = require "spec.support.neovim_rock"

if not child.can_run() then return end

describe("the plugin from a rock", function()
  local said = neovim_service.specs(setup, teardown, before_each).said
  local plugin_line, remove

  setup(function()
    plugin_line, remove = rocks.install(assert(package.searchpath("openhands.core", package.cpath)))
  end)
  teardown(function() remove() end)

  it("starts a conversation, which ends on the board", function()
    local output = said([[
      child "vim.cmd 'OpenHands start Fix the typo.'"
      told "has finished"
      child "vim.cmd 'OpenHands board'"
      await(child, "return vim.fn.search('^finished .*Fix the typo', 'nw') > 0")
      say(child "return vim.api.nvim_buf_get_lines(0, -2, -1, false)[1]")
    ]], { plugin_line = plugin_line })
    assert.matches("^1 conversation: 1 finished", output)
  end)

  it("has its help, and its health", function()
    local output = said([[
      child "vim.cmd 'helptags ALL'"
      child "vim.cmd 'help openhands'"
      say(child "return vim.fn.expand '%:t'")
      child "vim.cmd 'checkhealth openhands'"
      say(text())
    ]], { plugin_line = plugin_line })
    assert.matches("^openhands%.txt\n", output)
    assert.matches("OK:? openhands [%d.]+, built for luajit", output)
    assert.is_nil(output:find "ERROR" or output:find "WARNING")
  end)
end)
