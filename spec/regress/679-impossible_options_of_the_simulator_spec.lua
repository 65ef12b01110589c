-- `simulator.spawn { port = 70000 }`, or a word where a number is wanted, raised "the simulator did not start", without
-- the name of the option; other options of a wrong type made requests fail later.
local simulator = require "openhands.simulator"

-- Returns the error that a function raises.
local function raised(action, options)
  local good, message = pcall(function()
    local started = action(options) -- no tail call: the error has the line of its caller
    return started
  end)
  assert.is_false(good)
  return message
end

describe("an impossible option of the simulator", function()
  it("is told by spawn: the port", function()
    for _, port in ipairs { 70000, 65536, -1, 1.5, 0 / 0, 1 / 0 } do
      local message = raised(simulator.spawn, { port = port })
      assert.matches("679.-simulator: port must be a whole number from 0 to 65535, not ", message)
    end
    assert.matches('simulator: port must be a whole number from 0 to 65535, not "x"$',
      raised(simulator.spawn, { port = "x" }))
  end)

  it("is told by spawn, which starts no process: the interpreter", function()
    assert.matches("simulator: lua must be a text, not 7$", raised(simulator.spawn, { lua = 7 }))
  end)

  local wrong = {
    { { pace = -1 }, "pace must be a number, at least 0, not %-1" },
    { { pace = "fast" }, 'pace must be a number, at least 0, not "fast"' },
    { { event_lag = 0 / 0 }, "event_lag must be a number, at least 0, not %-?nan" },
    { { visibility = 1 / 0 }, "visibility must be a number, at least 0, not inf" },
    { { event_count = 1.5 }, "event_count must be a whole number, at least 0, not 1.5" },
    { { repository_count = {} }, "repository_count must be a whole number, at least 0, not a table" },
    { { max_concurrent = -3 }, "max_concurrent must be false or a whole number, at least 0, not %-3" },
    { { max_concurrent = true }, "max_concurrent must be false or a whole number, at least 0, not true" },
    { { max_requests = 0 }, "max_requests must be a whole number, at least 1, not 0" },
    { { download_bytes = "1" }, 'download_bytes must be false or a whole number, at least 0, not "1"' },
    { { epoch = "today" }, 'epoch must be a number, not "today"' },
    { { spa = "no" }, 'spa must be true or false, not "no"' },
    { { keys = "sk" }, 'keys must be false or a list of texts, not "sk"' },
    { { keys = { 1 } }, "keys must be false or a list of texts, not a table" },
    { { git_providers = false }, "git_providers must be a list of texts, not false" },
    { { agent_files = { "x" } }, "agent_files must be a table of texts by name, not a table" },
    { { api = "v3" }, "api must be one of both, v0, v1, not \"v3\"" },
    { { outcome = "finish" }, "outcome must be one of budget, error, .*, not \"finish\"" },
    { { pace_ = 1 }, "unknown option: pace_" },
  }
  for _, each in ipairs(wrong) do
    local options, text = each[1], each[2]
    it("is told: " .. next(options) .. ", " .. tostring(select(2, next(options))), function()
      for _, start in ipairs { simulator.spawn, simulator.model } do
        assert.matches(text .. "$", raised(start, options))
      end
      assert.matches("679.-: simulator: ", raised(simulator.spawn, options))
    end)
  end

  it("is not one that is possible", function()
    local model = simulator.model { pace = 0.5, keys = { "a" }, max_concurrent = 3, git_providers = {}, time = -5,
      agent_files = { ["a.txt"] = "text" }, download_bytes = 0, event_lag = 0.5 }
    assert.equal(0, model:jobs())
  end)
end)
