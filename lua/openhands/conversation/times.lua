--- Tells how long a conversation has existed, and how long its work has taken.

local timestamps = require "openhands.conversation.timestamp"

local M = {}

-- Returns the present on the service's clock, which dates conversations; on ours, while no response had a date.
local function service_now(client)
  local served, loop = client._service_time, client._loop
  return served and served.date + loop.now() - served.moment.at or loop.wall()
end

-- Returns the seconds between two moments, at least 0; nil if one is not known.
local function between(from, to)
  return from and to and math.max(0, to - from) or nil
end

--- Returns the seconds since a conversation was created. The service dates that in `created_at`; until it does (after a
--- start on V0), the start by this client counts.
---@param conversation openhands.Conversation
---@param client openhands.Client
---@return number? seconds
function M.age(conversation, client)
  local created_at = timestamps.seconds(rawget(conversation, "created_at"))
  if created_at then
    return between(created_at, service_now(client))
  end
  local id = rawget(conversation, "conversation_id")
  local memory = type(id) == "string" and client:_remember(id)
  return memory and between(memory.started_at, client._loop.now()) or nil
end

--- Returns the seconds that the work of a conversation has taken: until now, or if it has settled, until the service
--- changed it last (`updated_at`, on V0 `last_updated_at`).
---@param conversation openhands.Conversation
---@param client openhands.Client
---@return number? seconds
function M.elapsed(conversation, client)
  if not rawget(conversation, "settled") then
    return M.age(conversation, client)
  end
  local changed_at = rawget(conversation, "updated_at") or rawget(conversation, "last_updated_at")
  return between(timestamps.seconds(rawget(conversation, "created_at")), timestamps.seconds(changed_at))
end

return M
