--- Requests the status of a conversation, in either dialect.

---@class (partial) openhands.Client
local Client = require "openhands.client_class"
local conversations = require "openhands.conversation"
local core = require "openhands.core"
local deferred = require "openhands.deferred"
local errors = require "openhands.errors"
local asleep = deferred.module "openhands.conversation.asleep"
local lookups = deferred.module "openhands.conversation.lookup"

-- How the status is read, by dialect. Each returns the conversation, or nil and the error.
---@type table<string, fun(client: openhands.Client, id: string, call: table): any, any>
local status_in = {}

function status_in.v0(client, id, call)
  local response, err = client:_read("status", id, call, "v0")
  if err then
    return nil, err
  elseif response == core.null then
    return nil, lookups.unknown(id)
  end
  return conversations.from_status(client, response, "v0", id, call.grace)
end

function status_in.v1(client, id, call)
  local conversation, err = lookups.status(client, id, call)
  return conversation or nil, not conversation and (err or lookups.unknown(id)) or nil
end

--- Returns a conversation as its status shows it. On V1, the status is checked against the events if they may show
--- more.
---@param id string
---@param call table
---@return openhands.Conversation? conversation
---@return openhands.Error? err
function Client:_status(id, call)
  local has_chosen_api = call.has_own_settings and rawget(call, "api") ~= nil
  local known = not has_chosen_api and self:_remember(id).api
  local conversation, err
  if known then
    conversation, err = status_in[known](self, id, call)
  else
    conversation, err = self:_in_dialect("status", id, call, function(api)
      return status_in[api](self, id, call)
    end)
  end
  return conversation, err and errors.rename(err, "status", id)
end

--- Returns the current status of a conversation. If its sandbox is paused, or V0 says that the runtime is down, its
--- events are read to find out whether the work had ended before.
---@param subject string|openhands.Conversation its id, or the conversation
---@param options openhands.Settings? settings of this call
---@return openhands.Conversation? conversation
---@return openhands.Error? err
function Client:status(subject, options)
  local call = Client._begin(self, "status", options)
  local conversation, err = self:_status(self:_id_of(subject, "status"), call)
  local may_sleep = conversation
    and (conversation.state == "paused" or conversation.api == "v0" and conversation.state ~= "running")
  if may_sleep and asleep.is_asleep(self, conversation) then
    asleep.update(self, conversation, call)
  end
  if err then
    return nil, err
  end
  return conversation
end
