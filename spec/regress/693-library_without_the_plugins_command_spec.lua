-- A program that requires the library, such as examples/cookbook/selection.lua, failed in a Neovim with the plugin:
-- "module 'openhands.core' not found". Only the plugin's own command made the module known. The program itself is in
-- spec/cookbook_hosts_spec.lua.
local canary = require "spec.support.canary"
local child = require "spec.support.neovim_child"
local neovim_service = require "spec.support.neovim_service"

if not child.can_run() then return end

describe("a Neovim with the plugin, and without the variables of `make env`", function()
  local service = neovim_service.specs(setup, teardown, before_each)

  it("shares the library with the plugin, and changes the search path for its module only", function()
    local output = service.said [[
      say(child "return pcall(require, 'openhands_core') or package.cpath:find('build', 1, true) ~= nil")
      say(child "return require('openhands') == require('openhands.nvim.library').load()")
      child "vim.cmd 'OpenHands start repository= hello'"
      told "has finished"
      say(child "return select(2, package.cpath:gsub('build/luajit', ''))")
    ]]
    assert.equal("false\ntrue\n1\n", output)
    assert.equal(1, #service.server:starts())
    canary.assert_no_secret(output)
  end)

  it("prefers the module in the plugin's directory to another one", function()
    local output = child.said(([[
      local other = vim.fn.tempname()
      vim.fn.mkdir(other .. "/openhands", "p")
      vim.fn.writefile({ "no module" }, other .. "/openhands/core.so")
      local child = start(%q .. ("\npackage.cpath = %%q .. package.cpath"):format(other .. "/?.so;"))
      say(child "return type(require('openhands').start)")
    ]]):format(child.plugin_line))
    assert.equal("function\n", output)
  end)
end)
