-- The page of the simulator did not say that some outcomes take far longer than the minute of the others, however fast
-- the simulator runs: a first run with `missing` or `never-ready` looked as if it hung.

local in_process = require "spec.support.in_process"

describe("a wait for a simulated conversation", function()
  -- Returns how a wait ends, and after how many seconds.
  local function ends(api, outcome, pace, timeout)
    local client, model = in_process.simulated({ api = api, outcome = outcome, pace = pace })
    local done, err = client:run({ initial_user_msg = "x" }, { timeout = timeout })
    client:close()
    return done and done.state or err.kind, model:time()
  end

  it("ends a grace time after the sandbox has gone, on V1", function()
    for _, pace in ipairs { 1, 0.1 } do
      local state, seconds = ends("v1", "missing", pace)
      assert.equal("gone", state)
      assert.is_true(seconds >= 30 * pace + 60 and seconds < 30 * pace + 75, seconds)
    end
  end)

  it("ends with its timeout on V1, after ten grace times on V0, if the start never ends", function()
    assert.same({ "timeout", 2000 }, { ends("v1", "never-ready", 0.1, 2000) })
    local state, seconds = ends("v0", "never-ready", 0.1)
    assert.equal("stopped", state)
    assert.is_true(seconds >= 600 and seconds < 640, seconds)
  end)

  it("takes ten minutes if it is slow", function()
    local state, seconds = ends("v1", "slow", 1)
    assert.equal("finished", state)
    assert.is_true(seconds >= 600 and seconds < 660, seconds)
  end)
end)
