--- Starts over a real socket: a simulator in a process of its own, which counts the jobs, and a client for it.
local assert = require "luassert"
local assertions = require "spec.support.assertions"
local simulator_process = require "spec.support.simulator_process"

local M = {}

--- Returns a `simulator_process` with functions for specs of starts.
function M.new()
  local here = simulator_process.new { pace = 0.01 }

  --- Returns the POST requests that the server has received.
  ---@return table[]
  function here.posts()
    local list = {}
    for _, request in ipairs(here.server:requests()) do
      if request.method == "POST" then list[#list + 1] = request end
    end
    return list
  end

  --- Returns the starts that the server has received, without repetitions.
  ---@return table[]
  function here.distinct_starts()
    local list = {}
    for _, start in ipairs(here.server:starts()) do
      if not start.repeated then list[#list + 1] = start end
    end
    return list
  end

  --- Fails unless the server has one job, and the conversation is this one.
  function here.assert_started(conversation)
    assertions.assert_conversation(conversation)
    local starts = here.distinct_starts()
    assert.are.equal(1, #starts)
    assert.are.equal(1, here.server:jobs())
    assert.are.equal(assertions.comparable_id(starts[1].conversation_id),
      assertions.comparable_id(conversation.conversation_id))
  end

  --- Fails unless a start with this id resumes the unclear one, once the faults are over.
  ---@param id string
  ---@param api "v0"|"v1"
  function here.assert_resumed(id, api)
    here.server:faults {}
    here.server:refuse(false)
    local conversation, err = here.client:start({
      initial_user_msg = here.fields.initial_user_msg, repository = here.fields.repository, conversation_id = id,
    }, { timeout = 10, deadline = 20, api = api })
    assert.is_nil(err and err.message)
    here.assert_started(conversation)
    assert.are.equal(assertions.comparable_id(id), assertions.comparable_id(conversation.conversation_id))
  end

  --- Fails unless all POST requests have the same conversation id.
  function here.assert_one_id()
    local id
    for _, post in ipairs(here.posts()) do
      local sent = post.body:match('"conversation_id":"([^"]+)"')
      assert.is_string(sent)
      assert.are.equal(id or sent, sent)
      id = sent
    end
  end

  return here
end

return M
