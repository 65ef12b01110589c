-- `fleet cancel` said how many items it had cancelled, on standard output, and no word there of those that it had left;
-- nobody said why, nor how many others were skipped. An error named one of the unknown keys.
local commands = require "spec.support.command"
local databases = require "spec.support.ledger_databases"

local function item(key, needed)
  return { key = key, initial_user_msg = "Fix.", depends_on = needed }
end

for _, name in ipairs { "SQLite", "PostgreSQL" } do
  describe("a fleet on " .. name .. " whose items are cancelled", function()
    local on_it = databases.new_fleets(name, { setup = setup, teardown = teardown, it = it, pending = pending })

    on_it("says why it leaves some", function(fleet)
      assert(fleet:add { item "a", item "b", item("c", "b") })
      assert(fleet:cancel { keys = "b" })
      local live
      local report = assert(fleet:run { on_change = function(run)
        if run.state == "running" then live = assert(fleet:cancel { keys = "a" }).left[1] end
      end })
      assert.same({ key = "a", state = "running", why = "it was started, and is running",
        conversation_id = report.runs[1].conversation_id }, live)
      assert.same({ cancelled = {}, skipped = 0, left = {
        { key = "a", state = "done", why = "it is done" },
        { key = "b", state = "cancelled", why = "it was cancelled before" },
        { key = "c", state = "skipped", why = "it was skipped" },
      } }, assert(fleet:cancel { keys = { "c", "b", "a" } }))
    end)

    on_it("counts what it skips: what depends on them", function(fleet)
      assert(fleet:add { item "a", item("b", "a"), item("c", "b"), item("d", { "a", "c" }), item "e" })
      assert.same({ cancelled = { "a", "d" }, left = {}, skipped = 2 }, assert(fleet:cancel { keys = { "d", "a" } }))
      assert.same({ cancelled = { "e" }, left = {}, skipped = 0 }, assert(fleet:cancel()))
    end)

    on_it("counts what it skips: all, after a canary", function(fleet)
      local list = { item "a" }
      for place = 1, 450 do list[place + 1] = item("k" .. place) end
      assert(fleet:add(list))
      assert.same({ cancelled = { "a" }, left = {}, skipped = 450 }, assert(fleet:cancel { keys = "a" }))
    end, { canary = 1 })

    on_it("names all unknown keys, and changes nothing", function(fleet)
      assert(fleet:add { item "a" })
      for _, method in ipairs { "cancel", "retry" } do
        local result, err = fleet[method](fleet, { keys = { "x", "a", "y", "x" } })
        assert.is_nil(result)
        assert.same({ "not_found", method, "x" }, { err.kind, err.operation, err.key })
        assert.matches("'x', 'y'", err.message, 1, true)
        assert.matches("nothing was changed", err.message, 1, true)
      end
      local keys = {}
      for place = 1, 1000 do keys[place] = ("unknown %d"):format(place) end
      assert.matches("'unknown 10' and 990 more in", select(2, fleet:cancel { keys = keys }).message, 1, true)
      assert.equal(1, assert(fleet:status()).queued)
    end)
  end)
end

describe("fleet cancel", function()
  local here = commands.specs(setup, teardown, { pace = 0.005 })

  before_each(function() here.renew() end)

  it("tells what it has cancelled, skipped and left", function()
    here.add_items("f", { item "a", item "b", item("c", "b"), item "d" })
    here.output "fleet cancel f d"
    local result = here.run "fleet cancel f d b"
    assert.equal(2, result.status)
    assert.equal("1 item cancelled, 1 more skipped, 1 left\nd is left: it was cancelled before\n", result.output)
    assert.equal("1 item cancelled", here.output "fleet cancel f a")
    result = here.run "fleet cancel f a c --json"
    assert.equal(2, result.status)
    assert.same({ cancelled = {}, skipped = 0, left = {
      { key = "a", state = "cancelled", why = "it was cancelled before" },
      { key = "c", state = "skipped", why = "it was skipped" } } }, result.json)
  end)

  it("names all unknown keys", function()
    here.add_items("f", { item "a" })
    local result = here.run "fleet cancel f x a y"
    assert.matches("'x', 'y'", result.errors, 1, true)
    assert.same("not_found", here.run "fleet cancel f x a y --json".json.error.kind)
    assert.equal("1 item cancelled", here.output "fleet cancel f a")
  end)
end)
