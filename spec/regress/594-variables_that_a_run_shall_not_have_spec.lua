-- A run of the command in a spec that asked for no HOME got that of the person who ran the specs, and read or wrote the
-- keys there.
local commands = require "spec.support.command"

describe("a variable that a run of the command shall not have", function()
  local here = commands.specs(setup, teardown)

  it("is not that of the specs", function()
    for _, name in ipairs { "HOME", "XDG_CONFIG_HOME" } do
      assert.matches(" -u " .. name .. " ", here.shell("list", { [name] = false }), 1, true)
    end
    local result = here.run("login --from-stdin", {
      input = "sk-another-key\n", environment = { HOME = false, XDG_CONFIG_HOME = false },
    })
    assert.equal(1, result.status)
    assert.matches("neither XDG_CONFIG_HOME nor HOME is set", result.errors, 1, true)
  end)
end)
