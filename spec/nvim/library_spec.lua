-- How the plugin finds the library: the module that was built in its directory. It needs no lua-cjson.
local canary = require "spec.support.canary"
local child = require "spec.support.neovim_child"
local json = require "cjson"
local simulator = require "openhands.simulator"

if not child.can_run() then return end

describe("the plugin without lua-cjson", function()
  it("uses Neovim's own encoder, and shows it to nobody else", function()
    local server = simulator.spawn { pace = 0.004 }
    local output = child.with_service(server, canary.key)([[
      child("vim.cmd('OpenHands start ' .. ...)", 'Quote "ü/\\" ü.')
      told "started"
      say(child "return package.loaded.cjson == nil and pcall(require, 'cjson') == false")
      child "require 'openhands.nvim.follow'"
    ]], { configuration = "package.preload.cjson = function() error 'there is none' end" })
    local body = json.decode(server:starts()[1].body)
    server:close()
    assert.equal('Quote "ü/\\" ü.', body.initial_message.content[1].text)
    assert.equal("true\n", output)
  end)
end)

describe("the plugin's module", function()
  it("is found by other code, and replaces none that is loaded", function()
    local output = child.said(([[
      local child = start(%q)
      say(child "return pcall(require, 'openhands.core')")
      say(child "return require('openhands.nvim.library').load() == require 'openhands'")
      say(child "return require('openhands.nvim.library').load() == require 'openhands'")
      say(child "return select(2, package.cpath:gsub('build/luajit', ''))")
    ]]):format(child.plugin_line))
    assert.equal("true\ntrue\ntrue\n1\n", output)
  end)
end)
