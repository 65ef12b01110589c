--- One call: submit -> await -> retry -> value or `nil, err`. These are methods of the client, for the other rooms.

---@class (partial) openhands.Client
local Client = require "openhands.client_class"
local core = require "openhands.core"
local credentials = require "openhands.credentials"
local dialects = require "openhands.request.dialect"
local errors = require "openhands.errors"
local failures = require "openhands.request.failure"
local limits = require "openhands.limits"
local pendings = require "openhands.request.pending"
local tasks = require "openhands.task"

-- What each operation changes, and how many seconds it may take unless somebody says otherwise.
local effects, own_timeout = {}, { request = limits.REQUEST_TIMEOUT }
for _, row in ipairs(core.operations()) do
  effects[row.name] = effects[row.name] or {}
  effects[row.name][row.api] = row.effect
  own_timeout[row.name] = math.max(row.timeout, own_timeout[row.name] or 0)
end

-- What a call does: to the service, "creates" is what must not be done twice.
local function effect_of(operation, fields, api)
  if operation == "request" then
    local method = fields.method or "GET"
    return method == "GET" and "reads" or method == "POST" and "creates" or "writes"
  end
  return effects[operation][api]
end

local function no_time(operation)
  return errors.new {
    kind = "timeout",
    operation = operation,
    effect = "none",
    is_untried = true,
    message = ("%s: the time for this call is over; allow more with 'deadline'"):format(operation),
  }
end

-- Where one exchange goes and what becomes of its answer, where that is not as usual.
---@class openhands.Route
---@field server? string base URL of the conversation's own server
---@field session_api_key? string for that server
---@field keyless? boolean the exchange carries no key of the account's
---@field download? string path of the file to make
---@field undecoded? boolean the value is the text of the answer, which is of the right shape
---@field on_news? fun(number: number, items: table[]) called whenever more of the answer has come; `items`: those of a
--- stream that have come whole, to be removed from the list

-- Fills the one table of options: the core reads it before it returns.
local function options_of(self, call, api, key, timeout, route)
  local options = self._options
  options.api, options.api_key, options.timeout, options.connect_timeout = api, key, timeout, call.connect_timeout
  options.max_body, options.max_memory = rawget(call, "max_body"), rawget(call, "max_memory")
  options.organization = rawget(call, "organization")
  options.server, options.session_api_key = route and route.server, route and route.session_api_key
  options.download, options.undecoded = route and route.download, route and route.undecoded
  return options
end

local function submit(self, operation, fields, options)
  local good, number, refusal = pcall(core[operation], self._core, fields, options)
  options.api_key, options.session_api_key = nil, nil
  if not good then
    errors.raise_again(number)
  elseif not number then
    return nil, failures.from_core(refusal --[[@as table]], self._base_url)
  end
  return number
end

local function closed(operation, effect)
  return errors.new {
    kind = "closed",
    operation = operation,
    effect = effect,
    message = operation .. ": the client was closed",
  }
end

-- Waits for the end of an exchange, or of the client, telling of its news meanwhile.
local function await(self, number, on_news)
  local pending = pendings.new(number)
  self._waiting[number] = pending
  if on_news then
    pending.arrived, pending.items, self._watched[number] = 0, {}, pending
  end
  repeat
    self:_await(pending)
    while pending.news do
      pending.news = nil
      if on_news then
        on_news(number, pending.items)
      end
    end
  until pending.done or self._closed
  return pending
end

--- One exchange: sent at most once, awaited, never repeated.
---@param operation string
---@param fields any
---@param call table
---@param api "v0"|"v1"|"agent"|nil
---@param route openhands.Route?
---@return any value
---@return openhands.Error? err
function Client:_exchange(operation, fields, call, api, route)
  local admit, key, err = rawget(call, "admit"), nil, nil
  if admit and not admit(call) then
    return nil, no_time(operation)
  end
  if not (route and (route.server or route.keyless)) then
    key, err = credentials.of_call(self, call, operation)
  end
  if key == false then
    return nil, err
  elseif self._closed then
    return nil, closed(operation, "none")
  elseif tasks.is_cancelled() then
    return nil, tasks.cancellation(operation)
  end
  self:_check_place(operation)
  if self._deferred_interrupt then
    local interrupt = self._deferred_interrupt
    self._deferred_interrupt = nil
    error(interrupt, 0)
  end
  local now = self:_now()
  local timeout = math.min(call.timeout or own_timeout[operation], call.deadline_at - now)
  if timeout <= 0 then
    return nil, no_time(operation)
  end
  local number
  number, err = submit(self, operation, fields, options_of(self, call, api, key, timeout, route))
  if not number then
    return nil, err
  end
  local pending = await(self, number, route and route.on_news)
  if pending.err then
    err = failures.from_core(pending.err, self._base_url)
    if err.kind == "cancelled" then
      tasks.note_cancellation()
    end
  elseif not pending.done then
    return nil, closed(operation, "unknown")
  else
    self._retry:succeeded()
  end
  if not (route and route.server) then
    dialects.note(self, operation, api, err)
  end
  if self._settings.log then
    local outcome = err and "failed" or "answered"
    self:_log("%s (%s) %s after %.3f s%s", operation, api or "request", outcome, self:_now() - now,
      err and ": " .. err.message or "")
  end
  return pending.value, err
end

--- Waits before the next try of a call, where one is allowed; false if there should be none, or no time for it.
---@param call table
---@param attempt integer tries made so far, from 1
---@param err openhands.Error of the last one
---@return boolean may_repeat
function Client:_pause(call, attempt, err)
  local delay = attempt <= call.retries and self._retry:delay(attempt, err, call.deadline_at - self:_now())
  if not delay then
    return false
  end
  self:_sleep(delay)
  return true
end

--- A call that changes nothing, repeated while that may help and the time of the call allows it.
---@return any value
---@return openhands.Error? err
function Client:_read(operation, fields, call, api, route)
  local attempt = 1
  while true do
    local value, err = self:_exchange(operation, fields, call, api, route)
    if not err then
      return value
    elseif not self:_pause(call, attempt, err) then
      return nil, err
    end
    attempt = attempt + 1
  end
end

-- The value of a call that changed something; some are answered with 200 and the word that they did not.
local function done(self, value, operation)
  if type(value) ~= "table" or value.success ~= false then
    return value
  end
  local words = type(value.message) == "string" and self:_line(value.message, limits.LONGEST_QUOTE)
  return nil, errors.new {
    kind = "conflict",
    operation = operation,
    detail = self:_clean(value),
    message = ("%s: it was not done: %s"):format(operation, words or "the service gives no reason"),
  }
end

--- A call that changes something: repeated only when it certainly had no effect. Where doing it twice would be another
--- thing than doing it once, an outcome that nobody can tell is "ambiguous".
---@return any value
---@return openhands.Error? err
function Client:_write(operation, fields, call, api, route)
  local attempt = 1
  while true do
    local value, err = self:_exchange(operation, fields, call, api, route)
    if not err then
      return done(self, value, operation)
    elseif not errors.had_no_effect(err) then
      if effect_of(operation, fields, api) ~= "creates" then
        return nil, err
      end
      return nil, errors.new {
        kind = "ambiguous",
        operation = operation,
        status = err.status,
        detail = err.detail,
        cause = err.kind,
        message = ("%s; nobody can tell whether it was done: look before you do it again"):format(
          errors.happened(err)
        ),
      }
    elseif not self:_pause(call, attempt, err) then
      return nil, err
    end
    attempt = attempt + 1
  end
end

--- A call by what its operation does.
---@return any value
---@return openhands.Error? err
function Client:_call(operation, fields, call, api, route)
  if self:_only_reads(operation, fields, api) then
    return self:_read(operation, fields, call, api, route)
  end
  return self:_write(operation, fields, call, api, route)
end

--- Whether a call changes nothing.
---@return boolean
function Client._only_reads(_, operation, fields, api)
  return effect_of(operation, fields, api) == "reads"
end

-- The caller's mistake in the fields of a call, or the refusal of the dialect. What was raised for another reason, by
-- Ctrl-C or a finalizer, is no verdict on fields.
local function mistake_in(self, operation, fields, api)
  local good, problem, refusal = pcall(self._core.prepare, self._core, operation, fields, api)
  if good then
    return nil, refusal
  end
  return core.argument_error(problem) or error(problem, 0)
end

--- Checks the fields of a call without sending anything. Raises for the caller's mistakes: without a dialect, for what
--- every dialect of the service that has the operation takes for one.
---@param api "v0"|"v1"|"agent"|nil
---@return boolean? good
---@return openhands.Error? err refusal of that dialect
function Client:_check(operation, fields, api)
  local mistake
  for _, each in ipairs(api and { api } or { "v1", "v0" }) do
    if api or (effects[operation] or {})[each] then
      local found, refusal = mistake_in(self, operation, fields, each)
      if refusal and api then
        return nil, failures.from_core(refusal, self._base_url)
      elseif not found and not refusal then
        return true
      end
      mistake = mistake or found
    end
  end
  if mistake then
    errors.raise(mistake)
  end
  return true
end

--- Whether a dialect takes a value for a call's fields.
---@return boolean
function Client:_takes(operation, fields, api)
  local mistake, refusal = mistake_in(self, operation, fields, api)
  return not mistake and not refusal
end

--- The dialect for this call: as set for it or for the client, as remembered, or found out.
---@param operation string
---@param fields any nil: they are checked already
---@return "v0"|"v1"|nil api
---@return openhands.Error? err
function Client:_dialect(operation, fields, call)
  local chosen = rawget(call, "api")
  if chosen and chosen ~= "auto" then
    return chosen
  elseif not self._api then
    if fields ~= nil then
      self:_check(operation, fields) -- the caller's mistakes come before any question
    end
    local api, err = dialects.ask(self, operation, call)
    if not api then
      return nil, err
    end
    self._api = api
    if self._settings.log then
      self:_log("the service speaks %s", api)
    end
    return api
  end
  return self._api
end

--- Makes a call in the dialect of the service; where that was guessed and the answer says otherwise, in the other one.
---@param operation string
---@param fields any nil: they are checked already
---@param run fun(api: "v0"|"v1"): any, openhands.Error?
---@return any value
---@return openhands.Error? err
function Client:_in_dialect(operation, fields, call, run)
  local api, err = self:_dialect(operation, fields, call)
  if not api then
    return nil, err
  end
  local chosen = rawget(call, "api")
  if self._is_guess and (chosen == nil or chosen == "auto") then
    return dialects.try(self, operation, api, run)
  end
  return run(api)
end
