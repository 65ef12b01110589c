--- The ids of conversations: which are well-formed, how they are compared, and which spelling an endpoint needs. The
--- service spells the same id with and without dashes.

local ascii = require "openhands.ascii"
local errors = require "openhands.errors"
local limits = require "openhands.limits"

local M = {}

local HEX = "%x%x%x%x"
local DASHED = ("^%s%s%%-%s%%-%s%%-%s%%-%s%s%s$"):format(HEX, HEX, HEX, HEX, HEX, HEX, HEX, HEX)

--- Returns whether a value can be an id.
---@param value any
---@return boolean
function M.is_valid(value)
  return type(value) == "string" and #value <= limits.LONGEST_ID and value:find("^[A-Za-z0-9_-]+$") ~= nil
end

--- Returns an id in the form in which ids are compared.
---@param id string
---@return string
function M.normalize(id)
  if id:find("[%-A-Z]") then
    return ascii.lower((id:gsub("-", "")))
  end
  return id
end

--- Returns a UUID with its dashes, which some endpoints require; any other id as it is.
---@param id string
---@return string
function M.with_dashes(id)
  local plain = M.normalize(id)
  local dashed, count = plain:gsub("^(%x%x%x%x%x%x%x%x)(%x%x%x%x)(%x%x%x%x)(%x%x%x%x)(%x+)$", "%1-%2-%3-%4-%5")
  return count == 1 and #plain == 32 and dashed or id
end

--- Returns whether an id is a UUID, with or without dashes.
---@param id string
---@return boolean
function M.is_uuid(id)
  return #id == 32 and not id:find "%X" or id:find(DASHED) ~= nil
end

--- Returns the id of the conversation that a caller has given. Raises if there is none.
---@param subject any a conversation or its id
---@param caller string name of the call, for the message
---@return string id
function M.of(subject, caller)
  local id = subject
  if type(subject) == "table" then
    id = rawget(subject, "conversation_id")
  end
  if type(id) ~= "string" then
    errors.raise(("%s: needs a conversation or its id, not a %s"):format(caller, type(subject)))
  elseif not M.is_valid(id) then
    local message = "%s: not an id: 1 to %d of A-Z a-z 0-9 _ -, this has %d bytes"
    errors.raise(message:format(caller, limits.LONGEST_ID, #id))
  end
  return id
end

return M
