-- V1 answers 404 to the deletion of a conversation whose start task still runs. The error advised to check the id and
-- the account, as if the conversation were gone, while its start, which costs money, went on.

local in_process = require "spec.support.in_process"
local openhands = require "openhands"

describe("deleting a conversation that is still starting", function()
  local client, model, transport, conversation

  before_each(function()
    client, model, transport = in_process.simulated { api = "v1" }
    conversation = assert(client:start { initial_user_msg = "x" })
  end)

  after_each(function() client:close() end)

  local function refused(deleter)
    local deleted, err = deleter:delete(conversation.conversation_id)
    assert.is_nil(deleted)
    assert.same({ "not_found", "delete", 404, conversation.conversation_id },
      { err.kind, err.operation, err.status, err.conversation_id })
    return tostring(err)
  end

  it("says that it is starting, and works once it runs", function()
    local message = refused(client)
    assert.equal(("delete: conversation %s is still starting, and goes on; try again when it runs"):format(
      conversation.conversation_id), message)
    while client:status(conversation).state == "starting" and model:time() < 1000 do client:sleep(1) end
    assert.is_true(client:delete(conversation))
  end)

  it("says so in a client that did not start it", function()
    local other = openhands.new { transport = transport, api_key = "sk-canary-0123456789" }
    assert.matches("is still starting", refused(other))
    other:close()
  end)

  it("says that it is unknown when the service knows no start of it", function()
    local _, err = client:delete "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"
    assert.equal("not_found", err.kind)
    assert.equal("delete: the service knows no conversation 7f3b9a1c2d4e4f60a1b2c3d4e5f60718; check the id, and that "
      .. "it belongs to the account of this API key", tostring(err))
  end)
end)
