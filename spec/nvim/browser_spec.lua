-- Only addresses of the web are opened: what a program does with others, or with an option, nobody knows.
local child = require "spec.support.neovim_child"

if not child.can_run() then return end

describe("the plugin's browser", function()
  it("opens pages, and nothing else", function()
    local output = child.said(([[
      local child = start(%q)
      child [=[
        opened = {}
        vim.ui.open = function(url) opened[#opened + 1] = url end
        local browser = require "openhands.nvim.browser"
        for _, url in ipairs {
          "https://app.all-hands.dev/conversations/1", "http://127.0.0.1:1/conversations/1", "file:///etc/passwd",
          "--version", "javascript:alert(1)", "https://-x/", "https://a b", "https://a\nb", "", "https://",
        } do browser.open(url) end
      ]=]
      say(unpack(child "return opened"))
      await(child, "return select(2, vim.api.nvim_exec('messages', true):gsub('no address', '')) == 8")
    ]]):format(child.plugin_line))
    assert.equal("https://app.all-hands.dev/conversations/1 http://127.0.0.1:1/conversations/1\n", output)
  end)
end)
