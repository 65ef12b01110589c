--- Tells how a conversation stands, in either dialect.

---@class (partial) openhands.Client
local Client = require "openhands.client_class"
local conversations = require "openhands.conversation"
local core = require "openhands.core"
local result_check = require "openhands.conversation.result_check"
local lookup = require "openhands.conversation.lookup"

--- How a conversation stands, in either dialect.
function Client:_status(id, call)
  local conversation, err = self:_look_up(id, call)
  if err then
    err.conversation_id = err.conversation_id or id
  end
  return conversation, err
end

function Client:_look_up(id, call)
  local function look(api)
    if api == "v1" then
      local conversation, err = lookup.status(self, id, call)
      return conversation or nil, not conversation and (err or lookup.unknown(id)) or nil
    end
    local answer, err = self:_read("status", id, call, "v0")
    if err then
      return nil, err
    elseif answer == core.null then
      return nil, lookup.unknown(id)
    end
    return conversations.from_status(self, answer, "v0", id, call.grace)
  end
  local known = rawget(call, "api") == nil and self:_remember(id).api
  if known then
    return look(known)
  end
  return self:_in_dialect("status", id, call, look)
end

--- How a conversation stands now. Where V0 says that the runtime is down, the events tell whether the work has ended.
---@param subject string|openhands.Conversation its id, or the conversation
---@param options openhands.Settings? settings of this call
---@return openhands.Conversation? conversation
---@return openhands.Error? err
function Client:status(subject, options)
  local call = Client._begin(self, "status", options)
  local conversation, err = self:_status(self:_id_of(subject, "status"), call)
  if conversation and result_check.is_down(self, conversation) then
    result_check.add(self, conversation, call, true)
  end
  return conversation, err
end
