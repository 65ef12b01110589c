--- Checks and encodes the fields of a call, once: the core makes a request of them that can be sent repeatedly.

---@class (partial) openhands.Client
local Client = require "openhands.client_class"
local core = require "openhands.core"
local errors = require "openhands.errors"
local failures = require "openhands.request.failure"

--- A request that takes the place of the fields of its operation. `close` frees it early.
---@class openhands.Prepared
---@field close fun(self: openhands.Prepared)

-- Returns the request; or nil and the dialect's refusal; or nil, nil and the caller's mistake. Raises errors of another
-- origin (e.g. Ctrl-C, a finalizer): they say nothing about the fields.
local function prepare(self, operation, fields, api)
  local good, request, refusal = pcall(self._core.prepare, self._core, operation, fields, api)
  if good then
    return request, refusal
  end
  return nil, nil, core.argument_error(request) or error(request, 0)
end

--- Prepares a call in one dialect. Raises the caller's mistakes.
---@param operation string
---@param fields any
---@param api "v0"|"v1"|"agent"
---@return openhands.Prepared? request
---@return openhands.Error? err what this dialect cannot take
function Client:_prepare(operation, fields, api)
  local request, refusal, mistake = prepare(self, operation, fields, api)
  if mistake then
    errors.raise(mistake)
  end
  return request, refusal and failures.from_core(refusal, self._base_url)
end

--- Prepares a call whose dialect is not known yet, in the first one of the service that takes the fields. Raises what
--- all dialects that have the operation take for the caller's mistakes.
---@param operation string
---@param fields any
---@param v0_fields any where they differ on V0
---@return openhands.Prepared? request nil: each dialect refuses something; the service's own one will say what
---@return "v0"|"v1"|nil api
function Client:_prepare_in_any(operation, fields, v0_fields)
  local request, _, mistake = prepare(self, operation, fields, "v1")
  if request then
    return request, "v1"
  end
  local other, _, other_mistake = prepare(self, operation, v0_fields or fields, "v0")
  mistake = mistake or other_mistake
  if not other and mistake then
    errors.raise(mistake)
  end
  return other, other and "v0" or nil
end

--- Whether a dialect takes a value for a call's fields.
---@return boolean
function Client:_takes(operation, fields, api)
  return prepare(self, operation, fields, api) ~= nil
end
