-- What a diff in Neovim shows of changes that try to hide.
local child = require "spec.support.neovim_child"
local neovim_service = require "spec.support.neovim_service"

if not child.can_run() then return end

describe("in Neovim, a diff", function()
  local said = neovim_service.specs(setup, teardown, before_each, {
    agent_files = { ["evil.py"] = "# \27]0;\nevil()\n# \7\na\rb+fake\nc\226\128\168d\n" },
  }).said

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
