-- In Neovim, the health of a rock without its C module advised to run make in a directory that has no sources, and had
-- all places in its message where Lua has looked, if LuaRocks had looked, too.
local canary = require "spec.support.canary"
local child = require "spec.support.neovim_child"
local rocks = require "spec.support.neovim_rock"

if not child.can_run() then return end

describe("the health of a rock without its C module", function()
  it("advises to install it again, and has no list of places", function()
    local plugin_line, remove = rocks.install(nil)
    -- What the loader of LuaRocks says has no line break in front.
    local configuration = plugin_line .. [[
      table.insert(package.loaders, 2, function(name)
        return name == "openhands.core" and "Failed loading module openhands.core in LuaRocks rock openhands" or nil
      end)
    ]]
    local output = child.said(([[
      local child = start(%q)
      child "vim.cmd 'checkhealth openhands'"
      say(table.concat(child "return vim.api.nvim_buf_get_lines(0, 0, -1, false)", "\n"))
    ]]):format(configuration), { environment = { OPENHANDS_API_KEY = canary.key } })
    remove()
    assert.matches("ERROR:? the C module cannot be loaded: [^\n]*module 'openhands.core' not found\n", output)
    assert.matches("install the rock again", output, 1, true)
    assert.is_nil(output:find("`cd ", 1, true))
  end)
end)
