-- A user who looked for the conversations of a fleet that was done found none: the list told that all were paused, and
-- `wait` ended with 2.
local commands = require "spec.support.command"
local files = require "spec.support.files"

local FAST = " --interval 0.05"

describe("the command", function()
  local here = commands.specs(setup, teardown, { pace = 0.005 })

  before_each(function() here.service:reset() end)

  -- Returns the states of the conversations in a list.
  local function listed(words)
    local states = {}
    for _, each in ipairs(here.run("list --json " .. words).json) do states[#states + 1] = each.state end
    return states
  end

  it("finds what a fleet has done, though its sandboxes are paused", function()
    files.write(here.directory .. "/typos.csv", "repository,message\nowner/one,Fix it.\nowner/two,Fix it.\n"
      .. "owner/three,Fix it. [simulate: error]\n")
    local run = here.run(("fleet run %s/typos.csv --ledger %s/ledger%s"):format(here.directory, here.directory, FAST))
    assert.equal(2, run.status)
    local paused = here.run("start 'Wait.' --repo owner/four --wait --json" .. FAST, {}).json
    here.run("pause " .. paused.conversation_id)
    here.run("start 'Pause. [simulate: paused]' --repo owner/five --wait" .. FAST)

    assert.same({ "finished", "finished", "finished" }, listed "--state finished")
    assert.same({ "failed" }, listed "--state failed")
    assert.same({ "failed" }, listed "--state failed --limit 1")
    assert.same({ "finished" }, listed "--state finished --limit 1")
    assert.equal(5, #listed "")
    assert.same({ "finished" }, listed "--repo owner/four --state finished")
    assert.same({}, listed "--state finished --up")

    local ids = {}
    for _, each in ipairs(here.run("list --json --state finished").json) do ids[#ids + 1] = each.conversation_id end
    for _, id in ipairs(ids) do
      local waited = here.run("wait " .. id .. FAST)
      assert.equal(0, waited.status)
      assert.matches("\tfinished\t.*\nDone%.", waited.output)
      assert.not_matches("paused", waited.errors)
    end
    assert.equal(0, here.run("wait " .. table.concat(ids, " ") .. FAST).status)
    for _, each in ipairs(here.run("status --json " .. table.concat(ids, " ")).json) do
      assert.equal("finished", each.state)
    end
    assert.matches("\tfinished\t", here.output("status " .. ids[1]))
  end)

  it("lists what is up with --up", function()
    local id = here.output "start 'Fix it.' --repo owner/one"
    here.run("wait " .. id .. FAST)
    assert.same({ "finished" }, listed "--state finished --up")
    here.run("pause " .. id)
    assert.same({}, listed "--state finished --up")
    assert.same({ "finished" }, listed "--state finished")
  end)

  it("tells of a conversation that was paused at work that it is paused, and ends with 2", function()
    local id = here.output "start 'Pause. [simulate: paused]'"
    local waited = here.run("wait " .. id .. FAST)
    assert.same({ 2, true }, { waited.status, waited.output:find "\tpaused\t" ~= nil })
    assert.same({ "paused" }, listed "--state paused")
    assert.same({}, listed "--state finished")
  end)
end)
