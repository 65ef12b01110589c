--- Errors of a look that say nothing of what is looked at: the service cannot be reached, or something else answers in
--- its place.

local errors = require "openhands.errors"

local M = {}

--- Seconds of trouble that whoever waits outlives where it cannot be known whether that will pass.
M.LONGEST = 900

-- Whether the service answered something else than it would have about this conversation, known or not: to everybody,
-- that is. V1's list leaves out what it does not know; V0 words in its own way that it knows no such conversation.
local function is_elsewhere(client, memory, err)
  local misfit = err.misfit == "path" or memory.first_seen and err.misfit
  return errors.is_misread(err) or err.status == 404 and (misfit or (memory.api or client._api) == "v1") or false
end

--- What an error says of a conversation: "unreached", it will pass; "elsewhere", it may; nil: it is about this one.
---@param client openhands.Client
---@param id string
---@param err openhands.Error
---@return "unreached"|"elsewhere"|nil
function M.of(client, id, err)
  if errors.passes(err) then
    return "unreached"
  end
  return is_elsewhere(client, client:_remember(id), err) and "elsewhere" or nil
end

return M
