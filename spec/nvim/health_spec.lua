-- `:checkhealth openhands` says what is missing and how to get it, and what is there.
local canary = require "spec.support.canary"
local child = require "spec.support.neovim_child"
local files = require "spec.support.files"
local simulator = require "openhands.simulator"

if not child.can_run() then return end

describe(":checkhealth openhands", function()
  local server

  setup(function() server = simulator.spawn {} end)
  teardown(function() server:close() end)

  local function health(plugin_line, environment)
    local output = child.said(([[
      local child = start(%q)
      child "vim.cmd 'checkhealth openhands'"
      say(table.concat(child "return vim.api.nvim_buf_get_lines(0, 0, -1, false)", "\n"))
    ]]):format(plugin_line), { environment = environment })
    assert.is_nil(output:find(canary.key, 1, true))
    return output
  end

  it("is content when everything is there", function()
    local output = health(child.plugin_line, { OPENHANDS_API_KEY = canary.key, OPENHANDS_BASE_URL = server.address })
    assert.matches("OK:? openhands [%d.]+, built for luajit", output)
    assert.matches("OK:? libcurl/%d+%.%d+", output)
    assert.matches("OK:? the key comes from the environment variable OPENHANDS_API_KEY", output)
    assert.matches("OK:? http://127%.0%.0%.1:%d+ answers", output)
    assert.is_nil(output:find "ERROR" or output:find "WARNING")
  end)

  it("says how to get a key, and that the service cannot be reached", function()
    local output = health(child.plugin_line, { OPENHANDS_API_KEY = "", OPENHANDS_BASE_URL = "http://127.0.0.1:9" })
    assert.matches("WARNING:? there is no API key", output)
    assert.matches("set OPENHANDS_API_KEY", output)
    assert.matches("ERROR:? http://127%.0%.0%.1:9 cannot be reached", output)
  end)

  it("says how to build the module, where that was not done", function()
    local directory, remove = files.directory()
    os.execute(("cp -R lua plugin '%s'"):format(directory))
    local output = health(("vim.opt.runtimepath:prepend(%q)"):format(directory), { OPENHANDS_API_KEY = canary.key })
    remove()
    assert.matches("ERROR:? the C module cannot be loaded", output)
    assert.is_truthy(output:find(("`cd %s && make LUA=luajit`"):format(directory), 1, true))
    assert.matches("libcurl4%-openssl%-dev", output)
  end)
end)
