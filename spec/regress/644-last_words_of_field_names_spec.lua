-- `start { msg = ... }` said that 'msg' is no field, but not that 'initial_user_msg' is one: with so many letters
-- missing, the names were not near.
local databases = require "spec.support.ledger_databases"
local in_process = require "spec.support.in_process"
local openhands = require "openhands"

describe("the last word of the name of a field", function()
  local with_ledger = databases.specs(it, pending, after_each)
  local client

  before_each(function() client = in_process.simulated({ api = "v1" }, { api = "v1" }) end)

  -- Returns the error that a call raises.
  local function problem_of(call, ...)
    local good, problem = pcall(call, ...)
    return not good and tostring(problem) or nil
  end

  it("suggests the whole name", function()
    for given, meant in pairs { msg = "initial_user_msg", user_msg = "initial_user_msg" } do
      assert.matches(("'%s' is not a field of this call (did you mean '%s'?)"):format(given, meant),
        problem_of(client.start, client, { [given] = "Fix it." }), 1, true)
    end
    assert.matches("'ids' is not a field of this call$", problem_of(client.start, client,
      { initial_user_msg = "x", ids = {} }))
    assert.matches("'sg' is not a field of this call$", problem_of(client.start, client,
      { initial_user_msg = "x", sg = "x" }))
  end)

  with_ledger("suggests it for an item of a fleet", function(database)
    local fleet = assert(client:fleet { name = "f", ledger = database.address, account = "a" })
    assert.matches("'msg' is not a field of an item (did you mean 'initial_user_msg'?)",
      problem_of(fleet.add, fleet, { key = "k", msg = "Fix it." }), 1, true)
    fleet:close()
  end)

  it("suggests it for a setting", function()
    assert.matches("unknown setting 'agent' (did you mean 'user_agent'?)",
      problem_of(openhands.new, { agent = "x" }), 1, true)
  end)

  it("does not make a start of what a function of `map` returns", function()
    local results = assert(client:map({ 1 }, function() return { message = "no start" } end))
    assert.same({ { message = "no start" } }, { results[1] })
  end)
end)
