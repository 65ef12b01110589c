-- The key: a refused one is looked for once again, and no command for it stops the plugin.
local canary = require "spec.support.canary"
local child = require "spec.support.neovim_child"
local neovim_service = require "spec.support.neovim_service"

if not child.can_run() then return end

-- Precedes programs: `ask()` reads the list as the plugin does by itself, and returns the kind of the error.
local asking = [[
  local function ask()
    child "kind = nil require 'openhands.nvim.service'.run(function(client) return client:list():page() end, \
      function(err) kind = err and (err.kind or err) or 'none' end)"
    await(child, "return kind ~= nil")
    return child "return kind"
  end
  local counted = init .. ".count"
  local function count() return #vim.fn.readfile(counted) end
  local function set_up(command)
    child("require 'openhands.nvim'.setup { interval = 0.02, api_key = { 'sh', '-c', ... } }",
      ("echo x >>%s; %s"):format(counted, command))
  end
  local _ = { ask, count, set_up }
]]

describe("a key that the service refuses", function()
  local service = neovim_service.specs(setup, teardown, before_each)
  local said = service.said

  local function refuse(count)
    service.server:faults { { point = "after_read", action = "status", status = 401, count = count } }
  end

  it("is looked for once again, and then not before the user acts", function()
    refuse(-1)
    local output = said(asking .. ("set_up 'echo %s'"):format(canary.key) .. [[
      for _ = 1, 5 do say(ask(), count()) end
      child "vim.cmd 'OpenHands log'"
      for _ = 1, 3 do say(ask(), count()) end
    ]])
    assert.equal("authentication 1\n" .. ("authentication 2\n"):rep(4) .. ("authentication 3\n"):rep(3), output)
    assert.equal(2, #service.server:requests())
  end)

  it("is replaced by another one at once, and its client is closed", function()
    refuse(1)
    local output = said(asking .. [[
      vim.fn.writefile({}, counted)
      set_up("echo other-key-$(wc -l <" .. counted .. ")")
      say(ask())
      child "before = require 'openhands.nvim.service'.current()"
      say(ask(), count())
      say(child "return select(2, pcall(before.list, before)):match 'this client is closed'")
    ]])
    assert.equal("authentication\nnone 2\nthis client is closed\n", output)
    assert.equal(2, #service.server:requests())
  end)
end)

describe("the command for the key", function()
  it("is ended where it ignores requests to end, and those who wait hear of it, though one of them raises", function()
    local output = child.said(asking:gsub("^", ("local child = start(%q) "):format(child.plugin_line)) .. [[
      child [=[
        function set_patience(value)
          local run = require "openhands.nvim.process".run
          for place = 1, 20 do
            if debug.getupvalue(run, place) == "PATIENCE" then debug.setupvalue(run, place, value) end
          end
        end
        set_patience(300)
        notices = {}
        vim.notify = function(text) notices[#notices + 1] = text end
      ]=]
      set_up "trap '' TERM; while :; do sleep 0.01; done"
      child "require 'openhands.nvim.service'.run(function() end, function() error 'this one raises' end)"
      say(ask())
      say(child "return table.concat(notices, ' '):find 'this one raises' ~= nil")
      child "set_patience(30000)"
      set_up "exit 3"
      say(ask())
    ]])
    assert.matches("^the command given as api_key gave no key: sh has not ended in 0 s[^\n]*\ntrue\n"
      .. "[^\n]*sh ended with 3", (output:gsub("0%.3 s", "0 s")))
  end)

  it("is named while it is waited for", function()
    local output = child.said(asking:gsub("^", ("local child = start(%q) "):format(child.plugin_line)) .. [[
      child [=[
        local function upvalue(run, wanted, value)
          for place = 1, 20 do
            local name, present = debug.getupvalue(run, place)
            if name == wanted and value then debug.setupvalue(run, place, value) end
            if name == wanted then return present end
          end
        end
        upvalue(upvalue(require "openhands.nvim.key".find, "run_command"), "PATIENCE", 50)
        vim.notify = function(text) notice = text end
      ]=]
      set_up(("while [ ! -e %s.end ]; do sleep 0.01; done; exit 3"):format(init))
      child "require 'openhands.nvim.service'.run(function() end, function(err) ended = err end)"
      await(child, "return notice ~= nil")
      say(child "return notice", child "return ended == nil")
      vim.fn.writefile({}, init .. ".end")
      await(child, "return ended ~= nil")
    ]])
    assert.equal("OpenHands: waiting for the key command, sh true\n", output)
  end)

  it("has given the key when it has ended, though a child of its own goes on", function()
    local output = child.said(("local child = start(%q)"):format(child.plugin_line) .. [[
      child("require 'openhands.nvim'.setup { api_key = { 'sh', '-c', ... } }",
        "echo the-key; sleep 20 & echo $! >" .. init .. ".pid")
      child "vim.g.found = '' \
        require 'openhands.nvim.key'.find(function(problem, key) vim.g.found = problem or key end)"
      await(child, "return vim.g.found ~= ''")
      say(child "return vim.g.found")
      say(vim.loop.kill(tonumber(vim.fn.readfile(init .. ".pid")[1]), "sigkill")) -- it went on until now
    ]])
    assert.equal("the-key\n0\n", output)
  end)
end)
