-- doc/openhands.txt is a page of help, and has each subcommand, mapping, autocommand and field of the configuration.
local child = require "spec.support.neovim_child"
local files = require "spec.support.files"

local page = files.read "doc/openhands.txt"

local function has(text) return page:find(text, 1, true) ~= nil end

describe("doc/openhands.txt", function()
  it("has no line that is too long, and a modeline", function()
    for line in page:gmatch "[^\n]*" do
      assert.is_true(#line:gsub("\t", "        ") <= 100, line)
    end
    assert.matches("\n vim:tw=78:[^\n]*ft=help[^\n]*\n$", page)
  end)

  it("has every field of the configuration", function()
    for _, name in ipairs(require("openhands.nvim.configuration").names()) do
      assert.is_true(has("\t" .. name .. "\t") or has("\t" .. name .. "."), name)
    end
  end)

  it("has every subcommand, with a tag, and every mapping", function()
    for _, name in ipairs(require("openhands.nvim.command").names()) do
      assert.is_true(has("*:OpenHands-" .. name .. "*"), name)
      assert.is_true(has(":OpenHands " .. name) or has("]OpenHands " .. name), name)
    end
    local plugin, count = files.read "plugin/openhands.lua", 0
    for name in plugin:match("in pairs (%b{})"):gmatch "(%u%l+) = " do
      assert.is_true(has("*<Plug>(OpenHands" .. name .. ")*"), name)
      count = count + 1
    end
    assert.equal(#require("openhands.nvim.command").names(), count)
  end)

  it("has every autocommand, with its data", function()
    local code = files.read "lua/openhands/nvim/announcement.lua"
    for name in code:gmatch 'announce%("(%w+)"' do assert.is_true(has("*" .. name .. "*"), name) end
    for field in code:match("return (%b{})"):gmatch "\n +([%w_]+) = " do assert.is_true(has(field), field) end
  end)

  it("has every key of the buffers", function()
    local keys = files.read("lua/openhands/nvim/buffer.lua"):match "M%.keys = (%b{})"
    for key in keys:gmatch '\n +%[?"?([^ "%]]+)"?%]? = ' do
      assert.is_true(has("\n\t" .. key .. "\t"), key)
    end
  end)

  if not child.can_run() then return end

  it("gets tags without an error, beside the pages for other readers", function()
    local directory, remove = files.directory()
    os.execute(("cp -R doc '%s/doc'"):format(directory))
    local output = child.said(([[
      local child = start(%q)
      child("vim.cmd('helptags ' .. ...)", %q .. "/doc")
      child("vim.cmd('help openhands-configuration')")
      say(child "return vim.fn.expand '%%:t'", child "return vim.fn.getline '.'")
      say(child "return vim.api.nvim_exec('messages', true)" == "")
    ]]):format(("vim.opt.runtimepath:prepend(%q)"):format(directory), directory))
    remove()
    assert.matches("^openhands%.txt 7%. Configuration .*\ntrue\n$", output)
  end)
end)
