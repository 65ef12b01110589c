-- Newer agent servers classify a failure. The conversation contained only the text of the failure, on which no program
-- can rely.

local cjson = require "cjson"
local in_process = require "spec.support.in_process"

local ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"
local CLASS = { kind = "auth", retryable = false, user_action = "settings" }

local function conversation_of(events, state)
  local client = in_process.scripted(function(request)
    if request.path:find "/events/search" then
      return in_process.json(cjson.encode { items = events })
    end
    local item = { id = ID, sandbox_id = "s", sandbox_status = "RUNNING", execution_status = state }
    return in_process.json(cjson.encode { item })
  end, { api = "v1", grace = 1 })
  local conversation = assert(client:wait(ID, { timeout = 60 }))
  client:close()
  return conversation
end

local function failure(detail, classification)
  return { kind = "ConversationErrorEvent", source = "environment", code = "LLMAuthenticationError", detail = detail,
    classification = classification }
end

describe("the classification of a failure", function()
  it("stands beside it, from the event that has it", function()
    local conversation = conversation_of({ failure "for people", failure("as it was", CLASS) }, "error")
    assert.same({ "failed", "for people" }, { conversation.state, conversation.detail })
    assert.same(CLASS, conversation.classification)
  end)

  it("is absent where no event has it, or it is something else", function()
    for _, given in ipairs { false, cjson.null, "auth", { kind = 7 } } do
      assert.is_nil(conversation_of({ failure("x", given or nil) }, "error").classification)
    end
  end)

  it("is that of the latest turn, and of failed conversations", function()
    local question = { kind = "MessageEvent", source = "user", llm_message = { content = {} } }
    assert.is_nil(conversation_of({ failure "now", question, failure("before", CLASS) }, "error").classification)
    local finish = { kind = "ActionEvent", source = "agent", action = { kind = "FinishAction", message = "Done." } }
    assert.is_nil(conversation_of({ finish, failure("before", CLASS) }, "finished").classification)
  end)

  it("comes from the simulator, too", function()
    local client = in_process.simulated({}, { api = "v1" })
    local done = assert(client:run { initial_user_msg = "x [simulate: budget]" })
    assert.same({ "failed", "quota", false }, { done.state, done.classification.kind, done.classification.retryable })
    client:close()
  end)
end)
