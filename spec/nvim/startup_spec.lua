-- The plugin at startup: it loads nothing but its command.
local child = require "spec.support.neovim_child"

if not child.can_run() then return end

describe("the plugin at startup", function()
  it("has its command and its mappings, and has loaded none of its modules", function()
    local output = child.said(([[
      local child = start(%q)
      say(child "return vim.fn.exists ':OpenHands'")
      say(child "return vim.fn.maparg('<Plug>(OpenHandsBoard)', 'n')")
      say(child "return vim.fn.maparg('<Plug>(OpenHandsStart)', 'x')")
      say(child "for name in pairs(package.loaded) do if name:find 'openhands' then return name end end return 'none'")
      say(child "return package.cpath:find('build/', 1, true) == nil")
    ]]):format(child.plugin_line))
    assert.equal("2\n<Cmd>OpenHands board<CR>\n:OpenHands start<CR>\nnone\ntrue\n", output)
  end)

  it("takes a setup and a statusline without loading the library", function()
    local output = child.said(([[
      local child = start(%q)
      say(child "require 'openhands.nvim'.setup { notify = false } return require 'openhands.nvim'.statusline() == ''")
      say(child "return package.loaded.openhands == nil and package.loaded['openhands.nvim.service'] == nil")
    ]]):format(child.plugin_line))
    assert.equal("true\ntrue\n", output)
  end)

  it("completes subcommands", function()
    local output = child.said(([[
      local child = start(%q)
      say(unpack(child "return vim.fn.getcompletion('OpenHands ', 'cmdline')"))
      say(unpack(child "return vim.fn.getcompletion('OpenHands st', 'cmdline')"))
      say(unpack(child "return vim.fn.getcompletion('OpenHands start re', 'cmdline')"))
      say(#child "return vim.fn.getcompletion('OpenHands follow ', 'cmdline')")
    ]]):format(child.plugin_line))
    assert.equal("board diff follow list log open pause send start stop\nstart stop\nrepository=\n0\n", output)
  end)
end)
