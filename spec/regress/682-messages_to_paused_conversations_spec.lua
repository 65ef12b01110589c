-- A message for a conversation whose sandbox is paused was refused with the service's own words, which name a path of
-- its API, in the library and in the command.
local commands = require "spec.support.command"
local in_process = require "spec.support.in_process"

describe("a message for a paused conversation", function()
  it("is refused with the call that takes it", function()
    local client, conversation, model = in_process.started { api = "v1" }
    while client:status(conversation).state ~= "running" and model:time() < 1000 do client:sleep(1) end
    assert(client:pause(conversation))
    local id = conversation.conversation_id
    local sent, err = client:send(id, "Go on.")
    assert.same({ nil, "conflict", "send", 409, "refused", id },
      { sent, err.kind, err.operation, err.status, err.effect, err.conversation_id })
    assert.equal(("send: the sandbox of conversation %s is paused; wake it with `resume`, and give it the message "
      .. "there: conversation:resume { send = … }"):format(id), tostring(err))
    assert.matches("Sandbox is PAUSED", err.detail.detail)
    assert.equal("running", assert(client:resume(id, { send = "Go on." })).state)
    client:close()
  end)

  it("leaves other conflicts in the service's words", function()
    local client, conversation, model = in_process.started { api = "v1" }
    model:advance(100)
    local altered = in_process.altered(model, "/send%-message$", function()
      return in_process.json('{"detail":"Another message is being read"}', 409)
    end)
    local _, err = altered:send(conversation.conversation_id, "Go on.")
    assert.matches("HTTP status 409: Another message is being read$", tostring(err))
    altered:close()
    client:close()
  end)

  local here = commands.specs(setup, teardown, { pace = 0.005, api = "v1" })

  it("is refused by the command with the command that takes it", function()
    local id = here.output "start 'Fix it.' --wait --repo owner/repo" and here.output "list":match "^[^\t]+"
    here.output("pause " .. id)
    local result = here.run(("send %s 'Go on.'"):format(id))
    assert.same({ 1, "" }, { result.status, result.output })
    assert.equal(("openhands-lua: send: the sandbox of conversation %s is paused; wake it with the message: "
      .. "`openhands-lua resume %s --send TEXT`\n"):format(id, id), result.errors)
  end)
end)
