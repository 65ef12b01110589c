--- Checks, compares and spells the ids of conversations. The service spells the same id with and without dashes.

local core = require "openhands.core"
local errors = require "openhands.errors"
local limits = require "openhands.limits"

local M = {}

local LONGEST_SHOWN, LONGEST_READ = 100, 4096 -- bytes of a text that is no id, in the message about it
local REDACTED = "[redacted]" -- what is left of a key: one that is given as an id must not get into a path

--- Returns whether a value can be an id.
---@type fun(value: any): boolean
M.is_valid = core.is_id

--- Returns an id in the form in which ids are compared: without dashes, in lower case.
---@type fun(id: string): string
M.normalize = core.normalize_id

--- Returns whether two ids are the same, in whatever spellings.
---@type fun(one: string, other: string): boolean
M.are_same = core.is_same_id

--- Returns a UUID in lower case with its dashes, which some endpoints require. Returns any other id unchanged.
---@type fun(id: string): string
M.with_dashes = core.id_with_dashes

--- Returns whether an id is a UUID, with or without dashes.
---@type fun(id: any): boolean
M.is_uuid = core.is_uuid

--- Returns the id of the conversation that a caller has given. Raises an error if it is missing, malformed, or a key of
--- the client.
---@param subject any a conversation or its id
---@param caller string name of the call, for the message
---@param client openhands.Client whose keys the message must not have
---@return string id
function M.of(subject, caller, client)
  local id = subject
  if type(subject) == "table" then
    id = rawget(subject, "conversation_id")
  end
  if type(id) ~= "string" then
    errors.raise(("%s: needs a conversation or its id, not a %s"):format(caller, type(subject)))
  elseif M.is_uuid(id) then
    return id
  end
  local shown = client:_redactor().redact_line(id:sub(1, LONGEST_READ), LONGEST_SHOWN)
  if not M.is_valid(id) or shown == REDACTED then
    local message = "%s: not an id: '%s'; an id has 1 to %d of A-Z a-z 0-9 _ -, this has %d bytes"
    errors.raise(shown == REDACTED and caller .. ": not an id: this is a key"
      or message:format(caller, shown, limits.LONGEST_ID, #id))
  end
  return id
end

return M
