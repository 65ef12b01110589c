-- A task may raise a value whose conversion to text fails. This must harm no other task, and the task's error must have
-- the value.

local in_process = require "spec.support.in_process"
local openhands = require "openhands"
local simulator = require "openhands.simulator"

local function started()
  return in_process.simulated({}, { api = "v1" })
end

describe("what a task raises, or returns after nil,", function()
  local function raises() error "of the error's own" end

  local odd = {
    ["may raise when it is turned into text"] = setmetatable({}, { __tostring = raises }),
    ["may be turned into something that is no text"] = setmetatable({}, { __tostring = function() return {} end }),
  }

  for what, problem in pairs(odd) do
    it(what .. ", and harms no other task", function()
      local client = started()
      local bystander = client:spawn(function()
        client:sleep(3)
        return "bystander"
      end)
      local raised = client:spawn(error, problem)
      local results, err = client:all {
        function() return nil, problem end,
        function() return "good" end,
        function() error(problem) end,
      }
      assert.is_nil(results)
      assert.same({ "raised", "good" }, { err.kind, err.results[2] })
      assert.equal(problem, err.errors[1].cause)
      assert.equal(problem, err.errors[3].cause)
      assert.equal(problem, select(2, raised:wait()).cause)
      assert.equal("bystander", bystander:wait())
    end)
  end

  it("is found in the error of a task that ended before anyone waited", function()
    local client = started()
    local thing = setmetatable({}, { __tostring = function() error "in tostring" end })
    local task = client:spawn(error, thing)
    client:sleep(1)
    local _, err = task:wait(0)
    assert.equal("raised", err.kind)
    assert.equal(thing, err.cause)
  end)

  it("is shown without secrets", function()
    local client = openhands.new { transport = simulator.transport(simulator.model()), api_key = "a-key-of-mine" }
    local _, err = client:all { function() return nil, "refused: a-key-of-mine" end }
    assert.matches("refused: ", tostring(err))
    assert.is_nil(tostring(err):find("a-key-of-mine", 1, true))
  end)
end)
