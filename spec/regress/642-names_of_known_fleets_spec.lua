-- `fleet status NAME` for a name that the ledger does not have did not say which ones it has.
local commands = require "spec.support.command"
local files = require "spec.support.files"

describe("the command", function()
  local here = commands.specs(setup, teardown, { pace = 0.005 })

  it("names the fleets that are known, for a name that is not", function()
    local none = here.run "fleet status typos"
    assert.same({ 1, "" }, { none.status, none.output })
    assert.matches("the fleet 'typos' has no items in this ledger, and no other fleet has any", none.errors, 1, true)
    for _, name in ipairs { "typos", "links" } do
      files.write(("%s/%s.csv"):format(here.directory, name), "repository,message\nowner/one,Fix it.\n")
      assert.equal(0, here.run(("fleet run %s/%s.csv --interval 0.05"):format(here.directory, name)).status)
    end
    for _, method in ipairs { "status", "report" } do
      local unknown = here.run(("fleet %s typo"):format(method))
      assert.same({ 1, "" }, { unknown.status, unknown.output })
      assert.matches("fleet " .. method .. ": the fleet 'typo' has no items in this ledger (did you mean 'typos'?); "
        .. "it has: links, typos\n", unknown.errors, 1, true)
    end
    assert.equal(0, here.run("fleet status typos").status)
  end)

  it("names twenty of them", function()
    for number = 1, 21 do
      here.add_items(("f%02d"):format(number), { { key = "owner/one", initial_user_msg = "Fix it." } },
        here.directory .. "/many.db")
    end
    local unknown = here.run(("fleet status zzzzzz --ledger %s/many.db"):format(here.directory))
    assert.matches("in this ledger; it has: f01, f02, .*, f20 and 1 more\n", unknown.errors)
  end)
end)
