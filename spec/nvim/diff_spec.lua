-- What a diff in Neovim shows of changes that try to hide.
local canary = require "spec.support.canary"
local child = require "spec.support.neovim_child"
local simulator = require "openhands.simulator"

if not child.can_run() then return end

describe("in Neovim, a diff", function()
  local server, said

  setup(function()
    server = simulator.spawn { pace = 0.004, agent_files = {
      ["evil.py"] = "# \27]0;\nevil()\n# \7\na\rb+fake\nc\226\128\168d\n",
    } }
    said = child.with_service(server, canary.key)
  end)
  teardown(function() server:close() end)

  it("hides no line, and adds none", function()
    local output = said [[
      child "vim.cmd 'OpenHands start Fix the typo.'"
      told "has finished"
      child "vim.cmd 'OpenHands diff'"
      await(child, "return vim.bo.filetype == 'diff'")
      say(text())
    ]]
    assert.is_truthy(output:find("+++ b/evil.py\n@@ -0,0 +1,5 @@\n"
      .. "+# ^[]0;\n+evil()\n+# ^G\n+a^Mb+fake\n+c<U+2028>d\n", 1, true), output)
  end)
end)
