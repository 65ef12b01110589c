-- While a sandbox resumes, the service may show it as missing once. Resuming treated this as the end of the sandbox.

local in_process = require "spec.support.in_process"

describe("resuming", function()
  it("does not take one status MISSING for the end", function()
    local id, model = in_process.paused()
    local seen = 0
    local other = in_process.altered(model, "/app%-conversations$", function(answer)
      seen = seen + 1
      if seen == 2 then
        answer.body = answer.body:gsub('"sandbox_status":"[%u]*"', '"sandbox_status":"MISSING"')
      elseif seen == 3 then
        answer.body = "[null]"
      end
      return answer
    end)
    assert(other:resume(id, { send = "go on" }))
  end)
end)
