-- `list --state` with a word that is no state printed nothing and ended with 0, as if there were no such conversations.
-- Refusals of other words did not name the one that was meant; an outcome unknown to the simulator was blamed on the
-- port, too.
local commands = require "spec.support.command"
local files = require "spec.support.files"
local lists = require "openhands.command_line.commands.list"

describe("a word that an option does not know", function()
  local here = commands.specs(setup, teardown)

  -- Checks that the word is refused, and the nearest named.
  local function refused(words, nearest)
    local result = here.run(words)
    assert.equal(1, result.status, words)
    assert.equal("", result.output)
    assert.matches("must be one of", result.errors, 1, true)
    assert.matches(("(did you mean '%s'?)"):format(nearest), result.errors, 1, true)
  end

  it("is refused, and the nearest one is named", function()
    refused("list --state runing", "running")
    refused("list --state FINISHED", "finished")
    refused("--color allways list", "always")
    refused("--api v2 list", "v0")
    refused("worker --after paus", "pause")
    refused("worker --on-paused resme", "resume")
    refused("completion bsh", "bash")
    refused("simulate --outcome fnished", "finished")
  end)

  it("is refused without a guess if it resembles none", function()
    local result = here.run "list --state xyzzy"
    assert.equal(1, result.status)
    assert.is_nil(result.errors:find("did you mean", 1, true))
  end)

  it("is none of the states that conversations have", function()
    local names = files.read("lua/openhands/conversation/state.lua"):match "alias openhands%.State\n(.-)\n\n"
    local states = {}
    for name in names:gmatch '"(%l+)"' do states[#states + 1] = name end
    assert.same(states, lists.STATES)
  end)

  it("is completed by the shell", function()
    assert.matches("waiting paused", here.output "completion bash", 1, true)
    assert.matches("(auto v0 v1)", here.output "completion zsh", 1, true)
  end)
end)
