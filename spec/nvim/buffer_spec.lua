-- Buffers with a name of the plugin that it did not make, and buffers that somebody else has changed.
local child = require "spec.support.neovim_child"
local neovim_service = require "spec.support.neovim_service"

if not child.can_run() then return end

describe("a buffer with a name of the plugin", function()
  local said = neovim_service.specs(setup, teardown, before_each).said

  it("is made anew if the plugin did not make it, in the same window", function()
    local output = said [[
      child "vim.cmd 'OpenHands start Fix the typo.'"
      told "has finished"
      local id = child "return require 'openhands.nvim.conversations'.latest().conversation.conversation_id"
      for name, command in pairs { board = "board", ["events/" .. id] = "follow " .. id, log = "log" } do
        child("vim.cmd('silent only | edit openhands://' .. ...)", name)
        child("vim.cmd('OpenHands ' .. ...)", command)
        await(child, "return vim.fn.search('Fix the typo', 'nw') > 0 or vim.api.nvim_buf_line_count(0) > 3")
        say(unpack(child "return { vim.bo.modifiable, vim.bo.buftype, #vim.api.nvim_list_wins() }"))
        child "vim.cmd 'enew'"
      end
    ]]
    assert.equal(("false nofile 1\n"):rep(3), output)
  end)

  it("is made anew after a session with the board in it", function()
    local output = said [[
      child "vim.cmd 'OpenHands board'"
      child("vim.cmd('mksession ' .. ...)", init .. ".session")
      child = start(io.open(init):read "*a")
      child("vim.cmd('silent! source ' .. ...)", init .. ".session")
      say(child "return vim.fn.bufwinnr 'openhands://board' > 0")
      child "vim.cmd 'OpenHands board'"
      await(child, "return vim.fn.search('^0 conversations', 'nw') > 0")
      say(child "return vim.bo.modifiable")
    ]]
    assert.equal("true\nfalse\n", output)
  end)

  it("is drawn whole after somebody has changed the board", function()
    local output = said [[
      child "vim.cmd 'OpenHands start Fix the typo.'"
      told "has finished"
      child "vim.cmd 'OpenHands board'"
      await(child, "return vim.fn.search('^finished .*Fix the typo', 'nw') > 0")
      child "vim.cmd 'messages clear | setlocal modifiable | %d'"
      child "require 'openhands.nvim.conversations'.changed:note()"
      await(child, "return vim.fn.search('^finished .*Fix the typo', 'nw') > 0")
      say(child "return vim.api.nvim_buf_line_count(0)")
      child "vim.cmd 'setlocal modifiable' vim.fn.setline(2, '')"
      child "vim.cmd 'OpenHands start Fix another.'"
      await(child, "return vim.fn.search('^finished .*Fix another', 'nw') > 0")
      say(messages():find "Error" == nil and messages():find "nvim_" == nil)
    ]]
    assert.equal("3\ntrue\n", output)
  end)
end)
