-- Leaving Neovim while conversations run: it ends at once, and they go on.
local canary = require "spec.support.canary"
local child = require "spec.support.neovim_child"
local simulator = require "openhands.simulator"

if not child.can_run() then return end

describe("leaving Neovim while the plugin waits", function()
  it("takes no time and stops no conversation", function()
    local server = simulator.spawn { pace = 1 }
    local output = child.with_service(server, canary.key)([[
      child "vim.cmd 'OpenHands start Fix the typo.'"
      told "started"
      child "vim.cmd 'OpenHands board'"
      child "vim.cmd 'OpenHands follow'"
      child "vim.cmd 'OpenHands log'"
      vim.rpcnotify(channel, "nvim_command", "qa!")
      say(vim.fn.jobwait({ channel }, 60000)[1])
    ]])
    local requests, jobs = server:requests(), server:jobs()
    server:close()
    assert.equal("0\n", output)
    assert.equal(1, jobs)
    for _, request in ipairs(requests) do
      assert.is_true(request.method == "GET" or request.path:find "app%-conversations$" ~= nil, request.path)
    end
  end)
end)

describe("a conversation in Neovim 0.12", function()
  it("has a progress message that is updated until its end", function()
    local server = simulator.spawn { pace = 0.004 }
    local output = child.with_service(server, canary.key)([[
      child "vim.cmd 'OpenHands start Fix the typo. [simulate: slow]'"
      told "has finished"
      for _, each in ipairs(child "return shown") do
        say(each.text, each.options.status, each.options.kind, each.options.title, each.id, each.options.id)
      end
    ]], { configuration = [[
      vim.g.openhands = { interval = 0.02 }
      shown = {}
      local has, echo = vim.fn.has, vim.api.nvim_echo
      vim.fn.has = function(name) return name == "nvim-0.12" and 1 or has(name) end
      vim.api.nvim_echo = function(chunks, history, options)
        if options.kind ~= "progress" then return echo(chunks, history, options) end
        shown[#shown + 1] = { text = chunks[1][1], options = options, id = options.id or #shown + 1 }
        return shown[#shown].id
      end
    ]] })
    server:close()
    assert.equal("Fix the typo. starting running progress OpenHands 1 nil\n"
      .. "Fix the typo. running running progress OpenHands 1 1\n"
      .. "Fix the typo. finished success progress OpenHands 1 1\n", (output:gsub(" %[simulate: slow%]", "")))
  end)
end)
