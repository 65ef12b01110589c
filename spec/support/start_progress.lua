--- The progress of a start: a listener that records the reported states, and a check of their order.
local assertions = require "spec.support.assertions"

local M = {}

--- The states of a V1 start in their order.
M.STATES = { "WORKING", "WAITING_FOR_SANDBOX", "PREPARING_REPOSITORY", "RUNNING_SETUP_SCRIPT",
  "SETTING_UP_GIT_HOOKS", "SETTING_UP_SKILLS", "STARTING_CONVERSATION", "READY" }

local place_of = {}
for place, state in ipairs(M.STATES) do
  place_of[state] = place
end

--- Returns a listener, and the list of the states that were reported to it.
---@return fun(conversation: openhands.Conversation) listener, string[] told
function M.listener()
  local told = {}
  return function(conversation)
    assertions.assert_conversation(conversation)
    told[#told + 1] = conversation.status
  end, told
end

--- Fails unless the states are in order, each at most once, up to READY. Some may be missing: polling does not see each
--- state.
---@param told string[]
function M.assert_course(told)
  for i, state in ipairs(told) do
    assert(place_of[state] > (place_of[told[i - 1]] or 0), state .. " out of order")
  end
  assert(told[#told] == "READY", "the last state is " .. tostring(told[#told]))
end

--- Counts the POSTs of a list of requests.
---@param requests { method: string }[]
---@return integer
function M.posts(requests)
  local count = 0
  for _, request in ipairs(requests) do
    count = count + (request.method == "POST" and 1 or 0)
  end
  return count
end

return M
