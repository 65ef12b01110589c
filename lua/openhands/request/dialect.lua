--- Makes calls in the dialect that a service speaks: as set by the user, or as detected (request/detection.lua).
---
--- What was detected is a guess: releases between the two APIs answer some requests of each. If a response contradicts
--- the guess (405, 404 for a path, a web page), the guess is discarded and the call is repeated in the other dialect.

---@class (partial) openhands.Client
local Client = require "openhands.client_class"
local deferred = require "openhands.deferred"
local rows_of = require "openhands.request.rows"
local detection = deferred.module "openhands.request.detection"

local M = {}

local other_dialect = { v0 = "v1", v1 = "v0" }

M.GIVE_API = 'give `api` ("v0" or "v1")' -- advice, in messages

--- Returns whether a complete response came, of any content.
---@param err openhands.Error
---@return boolean
function M.is_answered(err)
  return err.effect == "refused" or err.effect == "done" or err.page or err.kind == "server"
end

-- ---- the guess ---------------------------------------------------------------------------------------------------

-- Returns how an error contradicts the guessed dialect. "path": the service has no such path or method. "perhaps": the
-- path or the item may be missing.
local function contradiction_of(err, operation, api)
  if err.status == 405 or err.page and (err.status == 200 or err.status == 404) then
    return "path"
  elseif err.status == 404 and (type(err.detail) ~= "table" or err.detail.detail == "Not Found") then
    local row = rows_of[operation][api]
    return row and row.path:find("{", 1, true) and "perhaps" or "path" -- "{": about one item, which may be missing
  end
end

-- Calls that servers of every dialect answer.
local says_nothing_of_dialect = { alive = true, health = true, ready = true, server_info = true }

--- Records whether the result of an exchange confirms or contradicts the guess.
---@param client openhands.Client
---@param operation string
---@param api string?
---@param err openhands.Error? gets a field `contradicts_dialect`
function M.note(client, operation, api, err)
  if says_nothing_of_dialect[operation] then
    return
  end
  if err then
    err.contradicts_dialect = contradiction_of(err, operation, api)
  end
  if not err and api and operation ~= "me" then
    client._confirmed_dialects[api] = true
  elseif err and err.contradicts_dialect == "path" and client._is_guess and api == client._api
    and not client._confirmed_dialects[api] then
    client._api = nil
  end
end

--- Repeats a call in the other dialect if its error shows that the guessed dialect is wrong. A call that may have
--- created something is never repeated: its error is `ambiguous`, which has no `contradicts_dialect`. Other changes may
--- be repeated even after a web page with status 200, because doing them twice does not differ from doing them once.
---@param client openhands.Client
---@param operation string
---@param api "v0"|"v1" the guess
---@param run fun(api: "v0"|"v1"): any, openhands.Error? makes the call
---@param err openhands.Error of the call in the guessed dialect, with a `contradicts_dialect`
---@return any value
---@return openhands.Error? err
function M.try_other(client, operation, api, run, err)
  local contradicts_dialect, other = err.contradicts_dialect, other_dialect[api]
  local rows = rows_of[operation]
  local has_other = rows[other] ~= nil or not (rows.v0 or rows.v1) -- without rows: a call of several requests
  if not has_other or contradicts_dialect == "perhaps" and client._confirmed_dialects[api] then
    return nil, err
  end
  local kept = (contradicts_dialect == "perhaps" or client._confirmed_dialects[api]) and api or nil
  client._api = other -- also for further requests of the call
  local second, problem = run(other)
  local is_other = not problem or M.is_answered(problem) or client._confirmed_dialects[other]
  local is_settled = not problem or problem.kind == "ambiguous"
    or contradicts_dialect == "path" and not problem.contradicts_dialect
  if is_settled then
    client._api = is_other and other or kept
    client._confirmed_dialects[api] = not is_other and client._confirmed_dialects[api] or nil
    return second, problem
  end
  client._api = kept
  if contradicts_dialect == "path" then
    err.message = err.message .. "; neither the V0 nor the V1 API answers there: check base_url, or " .. M.GIVE_API
  end
  return nil, err
end

-- ---- in the service's dialect ------------------------------------------------------------------------------------

--- Returns the dialect for a call: set for the call or the client, remembered, or detected.
---@param operation string
---@param fields any checked before the detection; nil: already checked
---@param call openhands.Call
---@return "v0"|"v1"|nil api
---@return openhands.Error? err
function Client:_dialect(operation, fields, call)
  local chosen = rawget(call, "api")
  if chosen and chosen ~= "auto" then
    return chosen
  elseif self._api then
    return self._api
  elseif fields ~= nil then
    self:_prepare_in_any(operation, fields)
  end
  return detection.find_out(self, operation, call)
end

--- Makes a call in the dialect of the service. If that was guessed and the response contradicts it, repeats the call in
--- the other dialect.
---@param operation string
---@param fields any as for `_dialect`
---@param call openhands.Call
---@param run fun(api: "v0"|"v1"): any, openhands.Error?
---@return any value
---@return openhands.Error? err
function Client:_in_dialect(operation, fields, call, run)
  local api, err = self._api, nil
  local chosen = rawget(call, "api")
  if not api or chosen then
    api, err = self:_dialect(operation, fields, call)
  end
  if not api then
    return nil, err
  end
  local value
  value, err = run(api)
  if err and err.contradicts_dialect and self._is_guess and (chosen == nil or chosen == "auto") then
    return M.try_other(self, operation, api, run, err)
  elseif err then
    return nil, err
  end
  return value
end

return M
