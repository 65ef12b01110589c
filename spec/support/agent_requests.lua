--- Requests that the simulator's model has received for a sandbox or for the service, and refusals of an agent server.
local assert = require "luassert"
local assertions = require "spec.support.assertions"

local M = {}

local function select_requests(model, since, to_sandbox)
  local found = {}
  for i = since + 1, #model.requests do
    local request = model.requests[i]
    if (request.path:find("^/runtime/") ~= nil) == to_sandbox then
      found[#found + 1] = request
    end
  end
  return found
end

--- Returns the requests to a sandbox after the first `since` requests.
---@param model openhands.simulator.Model
---@param since integer
---@return table[]
function M.to_sandbox(model, since) return select_requests(model, since, true) end

--- Returns the requests to the service after the first `since` requests.
---@param model openhands.simulator.Model
---@param since integer
---@return table[]
function M.to_service(model, since) return select_requests(model, since, false) end

--- Fails unless a call has returned an error of this kind about the conversation. Returns the error.
---@param at table of `calls.sandbox`
---@param kind string
---@param value any
---@param err any
---@return openhands.Error
function M.assert_refused(at, kind, value, err)
  assert.is_nil(value)
  assert.equal(kind, assertions.assert_error(err).kind)
  assert.equal(assertions.comparable_id(at.id), assertions.comparable_id(err.conversation_id))
  return err
end

return M
