--- Errors of a look that say nothing of what is looked at: the service cannot be reached, or something else answers in
--- its place.

local errors = require "openhands.errors"

local M = {}

--- Seconds of trouble that whoever waits outlives where it cannot be known whether that will pass.
M.LONGEST = require("openhands.limits").OUTAGE_TIMEOUT

--- What an error says of a conversation: "unreached", it will pass; "elsewhere", it may; nil: it is about this one.
---@param client openhands.Client
---@param id string
---@param err openhands.Error
---@return "unreached"|"elsewhere"|nil
function M.of(client, id, err)
  local memory = client:_remember(id)
  return errors.outage_of(err, memory.api or client._api, memory.first_seen ~= nil)
end

return M
