-- Neovim told "starting on owner: hello" before it refused the name of the repository; and the agent read "The whole of
-- `a.lua`, as they are in the editor".
local child = require "spec.support.neovim_child"
local json = require "cjson"
local neovim_service = require "spec.support.neovim_service"

if not child.can_run() then return end

describe("a start from Neovim", function()
  local service = neovim_service.specs(setup, teardown, before_each)

  it("on what is no repository is refused, and not announced", function()
    local output = service.said [[
      child "vim.cmd 'OpenHands start repository=owner hello'"
      told "names no owner"
      child "require 'openhands.nvim'.setup { repository = './a/b' }"
      child "vim.cmd 'OpenHands start hello'"
      told "is not the name"
      say(messages())
      child "vim.cmd 'OpenHands log'"
      say((text():gsub("%d", "0")))
    ]]
    local words = 'OpenHands: not started: \'repository\' names no owner: give "owner/name", or the address\n'
    local other = 'OpenHands: not started: \'repository\' is not the name of a repository: give "owner/name", or the '
      .. "address\n"
    assert.equal(words .. other .. "00:00:00 " .. words .. "00:00:00 " .. other, output)
    assert.same({}, service.server:starts())
  end)

  it("says of one line, and of the whole file, as it is in the editor", function()
    service.said [[
      child "vim.cmd 'edit a.lua' vim.api.nvim_buf_set_lines(0, 0, -1, false, { 'one', 'two' })"
      for _, range in ipairs { "%", "2", "1,2" } do
        child "vim.cmd 'messages clear'"
        child("vim.cmd(... .. 'OpenHands start repository= Explain this.')", range)
        told "OpenHands: started"
      end
      child "vim.api.nvim_buf_set_lines(0, 0, -1, false, { 'one', 'two', 'three' })"
      child "vim.cmd 'messages clear | 1,2OpenHands start repository= Explain this.'"
      told "OpenHands: started"
    ]]
    local texts = {}
    for place, start in ipairs(service.server:starts()) do
      texts[place] = json.decode(start.body).initial_message.content[1].text:match "\n\n([^\n]*):\n\n"
    end
    assert.same({
      "The whole of `a.lua`, as it is in the editor", "Line 2 of `a.lua`, as it is in the editor",
      "The whole of `a.lua`, as it is in the editor", "Lines 1 to 2 of `a.lua`, as they are in the editor",
    }, texts)
  end)
end)
