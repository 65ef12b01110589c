-- The error `ambiguous` of a start named the cause "timeout" although no time was over: the server had the same prompt
-- under an id of its own, or the call was cancelled or its client closed while it waited for another start of its id.

local in_process = require "spec.support.in_process"

local ID, TASK_ID = "0f6f4c3e-1d2a-4b5c-8d9e-0a1b2c3d4e5f", "c2a9e8b7-d6f5-443c-92b1-a0f9e8d7c6b5"

local function fields()
  return { initial_user_msg = "x", conversation_id = ID }
end

describe("the cause of an ambiguous start", function()
  -- A server that gives conversations ids of its own.
  local function client_of(answer)
    return (in_process.scripted(function(request)
      if request.method == "POST" then
        return answer
      elseif request.path:find "search" then
        return in_process.json(('{"items":[{"id":"%s","request":{"initial_message":"x"}}]}'):format(TASK_ID))
      end
      return in_process.json "[null]"
    end, { api = "v1" }))
  end

  it("is the server, where it has the same prompt under an id of its own", function()
    for _, options in ipairs { {}, { resume = true } } do
      local _, err = client_of(nil):start(fields(), options)
      assert.same({ "ambiguous", "unsupported", ID }, { err.kind, err.cause, err.conversation_id })
    end
    local _, err = client_of({ class = "cut", sent = true }):start { initial_user_msg = "x" }
    assert.same({ "ambiguous", "unsupported" }, { err.kind, err.cause })
  end)

  -- Starts an id twice, and ends the second call while the first is under way. Returns the error of the second.
  local function ended_while_waiting(finish)
    local client = in_process.simulated { api = "v1", visibility = 1000 }
    local transport = client._settings.transport
    transport.faults = { { point = "before", class = "timeout", sent = true, match = { method = "POST" } } }
    local first = client:spawn(function() return client:start(fields()) end)
    client:sleep(1)
    local second = client:spawn(function() return client:start(fields()) end)
    client:sleep(1)
    local caught
    client:spawn(function()
      local _, err = second:wait()
      caught = err
    end)
    finish(client, second)
    local _, err = second:wait()
    first:cancel()
    return caught or err
  end

  it("is the cancellation or the closing that ended the wait for another start of the id", function()
    local err = ended_while_waiting(function(_, second) second:cancel() end)
    assert.same({ "ambiguous", "cancelled" }, { err.kind, err.cause })
    err = ended_while_waiting(function(client) client:close() end)
    assert.same({ "ambiguous", "closed" }, { err.kind, err.cause })
  end)

  it("is the time that is over, where it is", function()
    local client = in_process.simulated({ api = "v1", visibility = 1000 }, { deadline = 5 })
    client._settings.transport.faults = {
      { point = "before", class = "timeout", sent = true, match = { method = "POST" } },
    }
    local _, err = client:start(fields())
    assert.same({ "ambiguous", "timeout" }, { err.kind, err.cause })
  end)
end)
