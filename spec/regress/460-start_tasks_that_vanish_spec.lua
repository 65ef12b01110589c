-- A start task that vanished after it was ready ended the lookup of its conversation before the list was read.

local in_process = require "spec.support.in_process"

local ID, TASK = "5618fbb4-8b6c-4d2e-9f0a-1b2c3d4e5f60", "11111111-2222-4333-8444-555555555555"
local task = ('{"id":"%s","status":"READY","app_conversation_id":"%s"}'):format(TASK, ID)
local item = ('{"id":"%s","sandbox_status":"RUNNING","execution_status":"running"}'):format(ID)

describe("a conversation whose start task vanishes once it is ready", function()
  it("is found in the list", function()
    local start_task, listed = "null", "null"
    local client = in_process.scripted(function(request)
      if request.method == "POST" then
        return in_process.json(('{"id":"%s","status":"WORKING"}'):format(TASK))
      elseif request.path:find "start%-tasks$" then
        return in_process.json("[" .. start_task .. "]")
      elseif request.path:find "app%-conversations$" then
        return in_process.json("[" .. listed .. "]")
      end
      return in_process.json '{"items":[]}'
    end, { api = "v1" })
    local conversation = assert(client:start { initial_user_msg = "x", conversation_id = ID })
    start_task = task
    assert.equal("starting", assert(client:status(conversation)).state)
    start_task, listed = "null", item
    assert.equal("running", assert(client:status(conversation)).state)
  end)
end)
