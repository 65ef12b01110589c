--- Searches for a V1 conversation that may have been started, in every place where the service may show it.

local conversations = require "openhands.conversation"
local lookups = require "openhands.conversation.lookup"
local start_tasks = require "openhands.conversation.start_tasks"
local states = require "openhands.conversation.state"

local M = {}

--- Searches in the list of conversations, then among the start tasks.
---@param client openhands.Client
---@param id string
---@param since openhands.Moment? when its start may have been sent; nil: recently
---@param call table
---@param fields table? of the start, see `start_tasks.find`
---@return openhands.Conversation|false? conversation false: the service does not know it
---@return openhands.Error?
---@return boolean? lookalike with false: see `start_tasks.find`
function M.find(client, id, since, call, fields)
  local list, err = client:_read("status", { id }, call, "v1")
  if not list then
    return nil, err
  end
  ---@type openhands.Conversation|false|nil
  local conversation = false
  if type(list[1]) == "table" then
    conversation, err = conversations.from_status(client, list[1], "v1", id, call.grace)
  end
  if conversation then
    local memory = client:_remember(id)
    memory.listed = true
    if not states.may_have_ended(conversation, memory) then
      return conversation
    end
    local lookup = { id = id, memory = memory, grace = call.grace, reads_events = true, step = "result_check" }
    lookup.conversation = conversation
    return lookups.run(client, lookup, call) or conversation
  elseif conversation == nil then
    return nil, err
  end
  local task, lookalike
  task, err, lookalike = start_tasks.find(client, id, since or start_tasks.recent(client), call, fields)
  if not task then
    return task, err, lookalike
  end
  return conversations.from_task(client, task, id, false)
end

return M
