-- Starts that are under way: they are seen, and leaving Neovim does not lose them.
local canary = require "spec.support.canary"
local child = require "spec.support.neovim_child"
local neovim_service = require "spec.support.neovim_service"
local simulator = require "openhands.simulator"

if not child.can_run() then return end

-- Leaves a Neovim whose start has reached the service, but not its answer. Then `id` is the start's.
local leave = [[
  child "vim.cmd 'OpenHands start Fix the typo.'"
  told "starting without a repository"
  child "vim.cmd 'OpenHands board'"
  await(child, "return vim.fn.search('^starting .*Fix the typo', 'nw') > 0")
  child "vim.cmd 'OpenHands log'"
  await(child, "return vim.fn.search('has the id', 'nw') > 0")
  local id = text():match "has the id (%S+)"
  has_started(id)
  await(child, "return require 'openhands.nvim'.statusline() == 'OpenHands: 1 starting'")
  child(("vim.notify = function(text) vim.fn.writefile({ text }, %q, 'a') end"):format(init .. ".left"))
  vim.rpcnotify(channel, "nvim_command", "qa!")
  say(vim.fn.jobwait({ channel }, 60000)[1])
  say((vim.fn.readfile(init .. ".left")[1]:gsub(vim.pesc(id), "ID")))
  local configuration = io.open(init):read "*a"
  child = start(configuration)
]]

describe("a start that is under way when Neovim is left", function()
  local service = neovim_service.specs(setup, teardown, before_each)
  local said = service.said
  before_each(function()
    local starts = { method = "POST", path = "app%-conversations$" }
    service.server:faults { { point = "after_commit", action = "hang", match = starts } }
  end)

  it("was seen, and the next Neovim takes it up by its id without a second job", function()
    local output = said(leave .. [[
      child("vim.cmd('OpenHands start id=' .. ...)", id)
      told("a start was under way when Neovim was left: " .. id)
      told "started without a repository"
      told "has finished"
      child = start(configuration)
      child "vim.cmd 'OpenHands board'"
      await(child, "return vim.fn.search('^1 conversation: 1 finished', 'nw') > 0")
      say(messages():find "under way" == nil)
    ]])
    assert.matches("^0\nOpenHands: Neovim ends while a start is under way: ID[^\n]*\ntrue\n$",
      output)
    assert.equal(1, service.server:jobs())
  end)

  it("is told by its task where the service has no id yet", function()
    service.server:faults { { point = "after_read", action = "hang", match = { method = "POST" } } }
    local output = said([[
      child "vim.cmd 'OpenHands start Fix the typo.'"
      told "starting without a repository"
      child "vim.cmd 'OpenHands board'"
      await(child, "return vim.fn.search('^starting .*Fix the typo', 'nw') > 0")
      child(("vim.notify = function(text) vim.fn.writefile({ text }, %q, 'a') end"):format(init .. ".left"))
      vim.rpcnotify(channel, "nvim_command", "qa!")
      say(vim.fn.jobwait({ channel }, 60000)[1], vim.fn.readfile(init .. ".left")[1])
    ]], { environment = { OPENHANDS_API = "v0" } })
    assert.matches("^0 OpenHands: [^\n]* under way: Fix the typo. %(see :OpenHands list before", output)
  end)

  it("has arrived once the service's list shows it", function()
    said(leave .. [[
      child "vim.cmd 'OpenHands board'"
      told("the start " .. id .. " has arrived: Fix the typo.")
      await(child, "return vim.fn.search('^1 conversation: 1 finished', 'nw') > 0")
      child("vim.cmd('OpenHands start id=' .. ...)", id)
      told("no start '" .. id .. "' is known here")
    ]])
    assert.equal(1, service.server:jobs())
  end)
end)

describe("a start whose outcome is unknown", function()
  it("stays on the board, is told with its id, and is taken up in the same Neovim", function()
    local server = simulator.spawn { pace = 0.004 }
    server:faults {
      { point = "after_commit", action = "close", match = { method = "POST", path = "app%-conversations$" } },
      { point = "after_read", action = "status", status = 403, match = { method = "GET" } },
    }
    local output = child.with_service(server, canary.key)([[
      child "vim.cmd 'OpenHands start Fix the typo.'"
      told "instead of starting again"
      local id = messages():match ":OpenHands start id=(%S+)"
      await(child, "return require 'openhands.nvim'.statusline() == 'OpenHands: 1 unknown'")
      child("vim.cmd('OpenHands start id=' .. ...)", id)
      told "has finished"
      await(child, "return require 'openhands.nvim'.statusline() == 'OpenHands: 1 finished'")
    ]])
    local jobs = server:jobs()
    server:close()
    assert.equal("", output)
    assert.equal(1, jobs)
  end)
end)
