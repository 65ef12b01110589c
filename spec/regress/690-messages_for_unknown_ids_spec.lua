-- `:OpenHands send` gave a text that began with an unknown, a misspelt or an ambiguous id to the conversation that was
-- followed: a paid turn for the wrong agent. So did a text that began with the title of another one.
local child = require "spec.support.neovim_child"
local neovim_service = require "spec.support.neovim_service"

if not child.can_run() then return end

describe("a message to a conversation that is not known", function()
  local service = neovim_service.specs(setup, teardown, before_each)

  -- Starts two conversations; the second is the one that is meant. `first` and `second` are their ids. `send(text)`
  -- returns what is told of it.
  local two = [[
    local function id_of_latest()
      return child "return require 'openhands.nvim.conversations'.latest().conversation.conversation_id"
    end
    child "vim.cmd 'OpenHands start repository= Alpha'"
    told "Alpha has finished"
    local first = id_of_latest()
    child "vim.cmd 'OpenHands start repository= Beta'"
    told "Beta has finished"
    local second = id_of_latest()
    child [=[
      for each, title in pairs { [...] = "Alpha", [select(2, ...)] = "Beta" } do
        require "openhands.nvim.conversations".get(each).conversation.title = title
      end
      for digit, title in pairs { ["1"] = "Fix cafe1234.", ["2"] = "Gamma" } do
        require "openhands.nvim.conversations".note {
          conversation_id = "abcdef12" .. digit:rep(24), title = title, state = "running", settled = false,
          pull_requests = {}, url = "http://127.0.0.1/", created_at = "2026-01-01",
        }
      end
    ]=]
    local function send(text)
      child "vim.cmd 'messages clear'"
      child("vim.cmd('OpenHands send ' .. ...)", text)
      local said
      assert(vim.wait(60000, function()
        said = messages():match "not sent: [^\n]*" or messages():match "[^\n]+ has your message"
        return said
      end, 5), "nothing was told of it")
      return said
    end
  ]]
  two = two:gsub("child %[=%[", "child([=["):gsub("%]=%]\n", "]=], first, second)\n", 1)

  -- The texts that were sent, with `1` or `2` for the conversation.
  local function sent(first, second)
    local list = {}
    for _, request in ipairs(service.server:requests()) do
      local id = request.path:match "([^/]+)/send%-message$" or request.path:match "([^/]+)/events$"
      if id and request.method == "POST" then
        local place = id:gsub("-", "") == first and 1 or id:gsub("-", "") == second and 2 or id
        list[#list + 1] = place .. ": " .. tostring(request.body:match '"text":"([^"]*)"')
      end
    end
    return list
  end

  it("is not sent to another one", function()
    local output = service.said(two .. [[
      say(first:gsub("-", ""), (second:gsub("-", "")))
      local digits = first:gsub("-", "")
      local short = digits:sub(1, 11) .. digits:sub(13) -- lacks a digit
      say((send "12345678 hello"))
      say((send("0000-1111-2222\thello")))
      say((send(short .. " hello"):gsub(short, "SHORT")))
      say((send(first .. "0"):gsub(vim.pesc(first), "FIRST")))
      say((send "abcdef12 hello"))
      say((send "cafe1234 hello"))
      say((send "alpha please go on"))
      say((send "Alpha"))
    ]])
    local first, second, told = output:match "^(%x+) (%x+)\n(.*)$"
    local refused = "not sent: no conversation '%s' is known here; to send it as text: :OpenHands send -- …\n"
    local titled = "not sent: 'Alpha' is the title of another conversation: name it by its id; to send it as text: "
      .. ":OpenHands send -- …\n"
    assert.equal(refused:format "12345678" .. refused:format "0000-1111-2222" .. refused:format "SHORT"
      .. refused:format "FIRST0" .. "not sent: 'abcdef12' may mean 2 conversations; to send it as text: "
      .. ":OpenHands send -- …\n" .. refused:format "cafe1234" .. titled .. titled, told)
    assert.same({}, sent(first, second))
  end)

  it("is sent as a text to the one that is meant after two dashes", function()
    local output = service.said(two .. [[
      say(first:gsub("-", ""), (second:gsub("-", "")))
      say((send "-- 12345678 is a word"))
      say((send "-- Alpha is a word"))
      child "vim.ui.input = function(options, done) done '-- typed' end"
      say((send "--"))
      say((send "Beta is a word"))
      say((send "Alphabet"))
      say((send "--force is a word"))
      say((send(first:gsub("-", ""):sub(1, 8):upper() .. " -- to the first")))
    ]])
    local first, second, told = output:match "^(%x+) (%x+)\n(.*)$"
    assert.equal(("OpenHands: Beta has your message\n"):rep(6) .. "OpenHands: Alpha has your message\n", told)
    assert.same({
      "2: 12345678 is a word", "2: Alpha is a word", "2: -- typed", "2: Beta is a word", "2: Alphabet",
      "2: --force is a word", "1: -- to the first",
    }, sent(first, second))
  end)
end)
