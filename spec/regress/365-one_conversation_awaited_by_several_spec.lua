-- Several tasks may wait for the same conversation. They must share the requests for its result, too.

local in_process = require "spec.support.in_process"

describe("tasks that wait for the same conversation", function()
  it("share the requests for its end, too", function()
    local client, conversation, model = in_process.started { api = "v1" }
    local waits, states = {}, {}
    for i = 1, 30 do
      waits[i] = function()
        local done = assert(client:wait(conversation))
        states[#states + 1] = done.state .. ": " .. done.answer
      end
    end
    local before = #model.requests
    client:all(waits)
    assert.equal(30, #states)
    for _, state in ipairs(states) do assert.equal(states[1], state) end
    assert.matches("^finished: ", states[1])
    assert.is_true(#model.requests - before < 30) -- two of them for its end
  end)
end)
