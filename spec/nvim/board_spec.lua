-- The board: a line for each conversation, updated in place while the editor goes on.
local child = require "spec.support.neovim_child"
local neovim_service = require "spec.support.neovim_service"

if not child.can_run() then return end

describe("the board in Neovim", function()
  local service = neovim_service.specs(setup, teardown, before_each)
  local said = service.said

  -- Precedes programs: the board's lines, and the one of a state.
  local helpers = [[
    local function board()
      return child "return vim.api.nvim_buf_get_lines(vim.fn.bufnr('openhands://board'), 0, -1, false)"
    end
    local function await_line(pattern)
      await(child, "return vim.fn.search(..., 'nw') > 0", pattern)
    end
    local _ = { board, await_line }
  ]]

  it("shows a new user's conversation from its start to its end", function()
    local output = said(helpers .. [[
      child "vim.cmd 'OpenHands start Fix the typo. [simulate: slow]'"
      child "vim.cmd 'OpenHands board'"
      await_line "^running"
      await_line "^finished .* Done"
      for _, line in ipairs(board()) do say(line) end
      say(unpack(child "return { vim.bo.filetype, vim.bo.modifiable, vim.bo.modeline, vim.bo.buftype, vim.wo.wrap }"))
    ]])
    assert.matches("^STATE +CONVERSATION", output)
    assert.matches("\nfinished +[^\n]+ Done%.", output)
    assert.matches("\n1 conversation: 1 finished[^\n]*\nopenhands false false nofile false\n$", output)
  end)

  it("keeps the cursor on its conversation when another one moves above it", function()
    said(helpers .. [[
      child [=[
        function note(letter, state)
          require("openhands.nvim.conversations").note {
            conversation_id = letter:rep(32), title = "Fix " .. letter, state = state, settled = state == "failed",
            pull_requests = {}, url = "http://127.0.0.1/", created_at = "2026-01-0" .. (letter == "a" and 2 or 1),
          }
        end
        vim.cmd "OpenHands board"
        note("a", "running")
        note("b", "running")
      ]=]
      await_line "^2 conversations"
      child "vim.api.nvim_win_set_cursor(0, { 2, 5 })"
      assert(child "return vim.fn.getline '.'":find "Fix a")
      child "note('b', 'failed')"
      await_line "^failed"
      local place = child "return vim.api.nvim_win_get_cursor(0)"
      assert(place[1] == 3 and place[2] == 5, vim.inspect(place))
    ]], { environment = { OPENHANDS_BASE_URL = "http://127.0.0.1:9" } })
  end)

  it("writes only the lines that differ, at most five times a second", function()
    local output = said(helpers .. [[
      child "vim.cmd 'OpenHands board'"
      await_line "^0 conversations"
      child(
        "changes, drawn, since = 0, {}, vim.loop.now() " ..
        "vim.api.nvim_buf_attach(0, false, { on_lines = function(_, _, _, first, last, new) " ..
        "changes = changes + 1 drawn[vim.loop.now()] = true " ..
        "if new - first > 1 or last - first > 1 then whole = true end end })")
      child "vim.cmd 'OpenHands start Fix one. [simulate: error]'"
      child "vim.cmd 'OpenHands start Fix two. [simulate: slow]'"
      child "vim.cmd 'OpenHands start Fix three.'"
      await_line "^failed"
      await_line "^finished .*three"
      say(child "return whole == nil")
      say(child("local count = vim.tbl_count(drawn) " ..
        "return changes > 4 and count <= 2 + (vim.loop.now() - since) / 200"))
      say(board()[2])
      say(child("local marks = vim.api.nvim_get_namespaces().openhands_board " ..
        "return vim.tbl_count(vim.api.nvim_buf_get_extmarks(0, marks, 0, -1, {})) > 8"))
    ]])
    assert.matches("^true\ntrue\nfailed +Fix one%.[^\n]*\ntrue\n$", output)
  end)

  it("has keys for the conversation under the cursor", function()
    local output = said(helpers .. [[
      child "vim.cmd 'OpenHands start Fix one.'"
      child "vim.cmd 'OpenHands start Fix two.'"
      child "vim.cmd 'OpenHands board'"
      await_line "^finished .*Fix one" -- "one" stands in "Done", too
      await_line "^finished .*Fix two"
      child "opened = {} require 'openhands.nvim.browser'.open = function(url) opened[#opened + 1] = url end"
      child "vim.fn.search 'Fix one' vim.api.nvim_feedkeys('\\r', 'x', false)"
      say(child "return opened[1]":match "/conversations/" ~= nil)
      child "vim.ui.input = function(options, done) done 'Go on.' end vim.api.nvim_feedkeys('s', 'x', false)"
      told "has your message"
      child "vim.fn.search 'Fix two' vim.api.nvim_feedkeys('f', 'x', false)"
      say(child "return vim.fn.bufname()":match "^openhands://events/" ~= nil)
      child "vim.cmd 'wincmd p' vim.api.nvim_feedkeys('d', 'x', false)"
      await(child, "return vim.fn.bufname():find '^openhands://diff/' ~= nil")
      child "vim.cmd 'tabclose' vim.api.nvim_feedkeys('p', 'x', false)"
      told "Fix two. is paused"
      await_line "^finished .*Fix two"
      child "vim.api.nvim_feedkeys('gg', 'x', false) vim.api.nvim_feedkeys('p', 'x', false)"
      told "there is no conversation on this line"
      child "vim.api.nvim_feedkeys('q', 'x', false)"
      say(child "return vim.fn.bufexists 'openhands://board'")
    ]])
    assert.equal("true\ntrue\n0\n", output)
  end)

  it("shows as finished what was paused after its end, and reads its events once", function()
    local id = said [[
      child "vim.cmd 'OpenHands start Fix the typo.'"
      told "has finished"
      child "vim.cmd 'messages clear | OpenHands pause'"
      told "is paused"
      say(child "return require 'openhands.nvim.conversations'.latest().conversation.conversation_id")
    ]]
    local before = #service.server:requests()
    local output = said(helpers .. [[
      child "vim.cmd 'OpenHands board'"
      await_line "^1 conversation: 1 finished"
      child "vim.api.nvim_feedkeys('r', 'x', false)"
      child "vim.cmd 'OpenHands board'"
      await_line "^1 conversation: 1 finished"
      child "vim.cmd 'OpenHands send Go on.'"
      told "has your message"
      say "sent"
    ]])
    assert.equal("sent\n", output)
    local readings, resumed = 0, false
    for place, request in ipairs(service.server:requests()) do
      if place > before and not resumed then
        readings = readings + (request.path:find "/events/search" and 1 or 0)
      end
      resumed = resumed or request.path:find "/resume$" ~= nil
    end
    assert.same({ 37, 2, true }, { #id, readings, resumed })
  end)

  it("asks for many conversations with one request, also those of another day", function()
    local output = said(helpers .. [[
      for number = 1, 6 do child("vim.cmd('OpenHands start Fix number ' .. ...)", number) end
      await(child, "return require 'openhands.nvim.conversations'.counts().finished == 6") -- the list has them all then
    ]])
    assert.equal("", output)
    local before = #service.server:requests()
    output = said(helpers .. [[
      child "vim.cmd 'OpenHands board'"
      await_line "^6 conversations"
      say(#board())
    ]])
    assert.equal("8\n", output)
    assert.equal(1, #service.server:requests() - before)
  end)

  it("says why the list cannot be read, and shows hostile titles as text", function()
    local output = said(helpers .. [[
      child "vim.cmd 'OpenHands board'"
      await_line "could not be read: list:"
      child(
        "local conversations = require 'openhands.nvim.conversations' " ..
        "conversations.note { conversation_id = ('a'):rep(32), state = 'running', settled = false, " ..
        "pull_requests = {}, title = ..., url = 'http://127.0.0.1/' }", "\27[31mred\n vim: set ft=lua: \226\128\174txt")
      await_line "vim: set ft=lua"
      say(board()[2])
      say(child "return vim.bo.filetype")
    ]], {
      environment = { OPENHANDS_BASE_URL = "http://127.0.0.1:9" },
      configuration = "vim.g.openhands = { client = { retries = 0 } }",
    })
    assert.matches("^running +red vim: set ft=lua: txt[^\n]*\nopenhands\n$", output)
  end)
end)
