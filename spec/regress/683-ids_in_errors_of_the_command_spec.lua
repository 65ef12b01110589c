-- The errors of `send`, `delete`, `changes` and `download` about an unknown id did not name it, so that nobody could
-- tell which of several was meant; `diff` called itself `changes`.
local commands = require "spec.support.command"

local UNKNOWN, OTHER = "11111111-2222-4333-8444-555555555555", "61111111-2222-4333-8444-555555555555"
local WORDS = "openhands-lua: %s: the service knows no conversation %s; check the id, and that it belongs to the "
  .. "account of this API key\n"

describe("the command", function()
  local here = commands.specs(setup, teardown, { pace = 0.005 })

  for command, rest in pairs {
    status = "", wait = "", events = "", send = " text", pause = "", resume = "", changes = "", diff = "",
    download = " %s/x.zip", delete = " --yes",
  } do
    it("names an unknown id: " .. command, function()
      for _, api in ipairs { "v1", "v0" } do
        local result = here.run(("%s %s%s --api %s"):format(command, UNKNOWN, rest:format(here.directory), api))
        assert.equal(1, result.status)
        if command ~= "download" or api == "v1" then
          assert.equal(WORDS:format(command, UNKNOWN), result.errors, api)
        end
      end
    end)
  end

  it("names each of several that fail", function()
    local id = here.output "start 'Fix it.' --wait --repo owner/repo" and here.output "list":match "^[^\t]+"
    local result = here.run(("delete --yes --api v1 %s %s %s"):format(UNKNOWN, id, OTHER))
    assert.equal(WORDS:format("delete", UNKNOWN) .. WORDS:format("delete", OTHER), result.errors)
    assert.equal(id .. "\tdeleted\n", result.output)
  end)

  it("names each of several when no service can be reached", function()
    local result = here.run(("pause %s %s --api v1 --base-url http://127.0.0.1:1"):format(UNKNOWN, OTHER))
    for _, id in ipairs { UNKNOWN, OTHER } do
      assert.matches(("pause: conversation %s: http://127.0.0.1:1 could not be asked"):format(id), result.errors, 1,
        true)
    end
  end)
end)
