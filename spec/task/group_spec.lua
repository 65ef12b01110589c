-- client:all: in virtual time, on the simulator's model.
local in_process = require "spec.support.in_process"

local function started()
  return in_process.simulated { api = "v1" }
end

describe("all", function()
  it("runs the list as it was given, even if the caller changes it", function()
    local client = started()
    local list = {}
    for i = 1, 3 do
      list[i] = function()
        client:sleep(1)
        return i
      end
    end
    local group = client:spawn(client.all, client, list, { concurrency = 1 })
    client:sleep(1.5)
    list[3], list[4] = false, "more"
    assert.same({ 1, 2, 3 }, (assert(group:wait())))
  end)

  it("treats `nil, text` as a failure", function()
    local client = started()
    local results, err = client:all { function() return nil, "no file" end, function() return 2 end }
    assert.is_nil(results)
    assert.equal("no file", err.errors[1].cause)
    assert.equal(2, err.results[2])
  end)

  it("starts nothing more when an error has interrupted it", function()
    local client, ran = started(), 0
    local list = {}
    for i = 1, 6 do
      list[i] = function()
        ran = ran + 1
        client:sleep(1)
      end
    end
    local transport = client._settings.transport
    local sleep = transport.sleep
    transport.sleep = function() error "interrupted!" end
    assert.error_matches(function() client:all(list, { concurrency = 1 }) end, "interrupted!")
    transport.sleep = sleep
    client:sleep(20)
    assert.equal(1, ran)
  end)
end)
