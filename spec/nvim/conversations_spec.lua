-- What the plugin does with a conversation that has started: messages, pausing, diffs, pages, autocommands.
local child = require "spec.support.neovim_child"
local files = require "spec.support.files"
local neovim_service = require "spec.support.neovim_service"

if not child.can_run() then return end

describe("in Neovim, a conversation", function()
  local service = neovim_service.specs(setup, teardown, before_each)
  local said = service.said

  it("announces its states by autocommands, and in a variable", function()
    local output = said([[
      child "vim.cmd 'OpenHands start Fix the typo. [simulate: slow]'"
      told "has finished"
      say(child "return table.concat(states, ' ')")
      say(unpack(child "return { type(last.answer), type(last.pull_requests), last.settled, last.url }"))
    ]], { configuration = [[
      vim.g.openhands = { interval = 0.02 }
      states, last = {}, nil
      for _, pattern in ipairs { "OpenHandsStatus", "OpenHandsFinished" } do
        vim.api.nvim_create_autocmd("User", { pattern = pattern, callback = function(event)
          local data = event.data or vim.g.openhands_event
          states[#states + 1] = pattern == "OpenHandsFinished" and "end:" .. data.state or data.state
          last = data
        end })
      end
    ]] })
    assert.matches("running finished end:finished\n", output)
    assert.matches("\nstring table true http://127[^\n]*\n$", output)
  end)

  it("goes on with a message, and is told again", function()
    local output = said [[
      child "vim.cmd 'OpenHands start Fix the typo.'"
      told "has finished"
      child "vim.cmd 'messages clear | OpenHands send Now the links.'"
      told "has your message"
      told "has finished"
      child "vim.cmd 'messages clear | OpenHands send -- deadbeef is a word of the message.'"
      told "has your message"
      child "vim.ui.input = function(options, done) done 'Typed.' end"
      child "vim.cmd 'messages clear | OpenHands send'"
      told "has your message"
      say(messages())
    ]]
    assert.matches("has your message", output)
    local sent = {}
    for _, request in ipairs(service.server:requests()) do
      if request.path:find "send%-message$" then sent[#sent + 1] = request.body:match '"(Now[^"]*)"'
        or request.body:match '"(dead[^"]*)"' or request.body:match '"(Typed[^"]*)"' end
    end
    assert.same({ "Now the links.", "deadbeef is a word of the message.", "Typed." }, sent)
    assert.equal(1, #service.server:starts())
  end)

  it("is paused, and is interrupted", function()
    service.server:options { outcome = "slow", pace = 0.02 } -- it runs for 12 s
    local output = said [[
      local function running()
        await(child, [=[
          local latest = require "openhands.nvim.conversations".latest()
          return latest and latest.conversation.state == "running"
        ]=])
      end
      child "vim.cmd 'OpenHands start Fix the typo.'"
      running()
      child "vim.cmd 'OpenHands pause'"
      told "is paused"
      child "vim.cmd 'OpenHands start Fix the links.'"
      running()
      child "vim.cmd 'messages clear | OpenHands stop'"
      told "is paused"
      say "done"
    ]]
    assert.equal("done\n", output)
    local paths = {}
    for _, request in ipairs(service.server:requests()) do
      if request.method == "POST" then paths[#paths + 1] = request.path end
    end
    assert.matches("/pause\n.*/interrupt\n", table.concat(paths, "\n") .. "\n")
  end)

  it("of V0 works the same; it is stopped where V1 pauses", function()
    service.server:options { outcome = "slow" }
    local output = said([[
      local function has(name, value)
        await(child, [=[
          local latest = require "openhands.nvim.conversations".latest()
          local name, value = ...
          return latest and latest.conversation[name] == value
        ]=], name, value)
      end
      child "vim.cmd 'OpenHands start Fix the typo.'"
      has("state", "running")
      child "vim.cmd 'OpenHands diff'"
      await(child, "return vim.bo.filetype == 'diff'")
      say(child "return vim.fn.search 'PLAN.md' > 0")
      child "vim.cmd 'tabclose | OpenHands pause'"
      has("status", "STOPPED")
      child "vim.cmd 'messages clear | OpenHands send Go on.'"
      told "has your message"
      child "vim.cmd 'OpenHands list zzz'"
      told "there is no such conversation"
    ]], { environment = { OPENHANDS_API = "v0" } })
    assert.equal("true\n", output)
    assert.equal("v0", service.server:starts()[1].api)
  end)

  it("shows what has changed, as a diff", function()
    local output = said [[
      child "vim.cmd 'OpenHands start Fix the typo.'"
      told "has finished"
      child "vim.cmd 'OpenHands diff'"
      await(child, "return vim.bo.filetype == 'diff'")
      say(text())
    ]]
    assert.is_truthy(output:find("--- /dev/null\n+++ b/PLAN.md\n@@ -0,0 +1,", 1, true), output)
    assert.is_truthy(output:find("diff --git a/README.md b/README.md\n--- a/README.md\n+++ b/README.md\n"
      .. "@@ -1,2 +1,2 @@\n # Widgets\n-A libary for widgets.\n+A library for widgets.\n", 1, true), output)
  end)

  it("has a page for the browser", function()
    local directory, remove = files.directory()
    files.write(directory .. "/xdg-open", ('#!/bin/sh\nprintf %%s "$1" >%s/page.part && mv %s/page.part %s/page\n')
      :format(directory, directory, directory))
    os.execute(("chmod +x '%s/xdg-open'"):format(directory))
    said(([[
      child "vim.cmd 'OpenHands start Fix the typo.'"
      told "started"
      child "vim.cmd 'OpenHands open'"
      assert(vim.wait(60000, function() return vim.fn.filereadable %q == 1 end, 5))
    ]]):format(directory .. "/page"), { environment = { PATH = directory .. ":" .. os.getenv "PATH" } })
    local page = files.read(directory .. "/page")
    remove()
    assert.matches("^http://127%.0%.0%.1:%d+/conversations/[%x-]+$", page)
  end)

  it("is completed by its id and its title, and named by a part of both", function()
    local output = said [[
      child "vim.cmd 'OpenHands start Fix the typo.'"
      told "has finished"
      local id = child "return require 'openhands.nvim.conversations'.latest().conversation.conversation_id"
      local function completed(line) return child("return vim.fn.getcompletion(..., 'cmdline')", line) end
      say(completed("OpenHands follow ")[1] == id, completed("OpenHands send " .. id:sub(1, 4))[1] == id)
      say(#completed "OpenHands follow zzz", #completed("OpenHands send " .. id .. " te"))
      local title = child "return require 'openhands.nvim.conversations'.latest().conversation.title"
      say(completed("OpenHands diff " .. title:sub(2, 5))[1] == id)
      child("vim.cmd('OpenHands follow ' .. ...)", title:sub(2, 9))
      say(child "return vim.b.openhands_conversation" == id)
      child "vim.cmd 'OpenHands follow no-such-title'"
      told "no conversation 'no-such-title' is known here"
      child "vim.cmd 'OpenHands folow'"
      told "there is no 'folow' (did you mean 'follow'?); there are: "
    ]]
    assert.equal("true true\n0 0\ntrue\ntrue\n", output)
  end)
end)
