-- When the deadline of `resume` came while the sandbox ran but had no session key yet, the error said that the sandbox
-- did not run.

local in_process = require "spec.support.in_process"

local ID, SANDBOX = "5618fbb4-8b6c-4d2e-9f0a-1b2c3d4e5f60", "sandbox-1"

-- Returns the error of `resume` with a short deadline, where the sandbox has this status after it was resumed;
-- nil: the service cannot tell.
local function error_of(status)
  local is_resumed = false
  local client = in_process.scripted(function(request)
    is_resumed = is_resumed or request.method == "POST"
    if request.method == "POST" then
      return in_process.json '{"success":true}'
    end
    if is_resumed and not status then
      return in_process.json("{}", 503)
    end
    return in_process.json(('[{"id":"%s","sandbox_id":"%s","sandbox_status":"%s"}]'):format(ID, SANDBOX,
      is_resumed and status or "PAUSED"))
  end, { api = "v1" })
  local _, err = client:resume(ID, nil, { deadline = 3 })
  return err
end

describe("the error of a resume at its deadline", function()
  it("says what is missing: a running sandbox, its session key, or the status", function()
    local waking, running, unknown = error_of "STARTING", error_of "RUNNING", error_of(nil)
    assert.same({ "timeout", "timeout", "timeout" }, { waking.kind, running.kind, unknown.kind })
    assert.matches("it is unknown whether", unknown.message)
    assert.equal("server", unknown.cause)
    assert.matches("does not run yet", waking.message)
    assert.matches("runs, but its session key has not come yet", running.message)
    assert.equal("RUNNING", running.conversation.sandbox_status)
  end)
end)
