--- Makes calls: sends a request, waits for the result, and repeats the request where that is safe. Every call uses
--- `_exchange`, which sends once; `_read`, `_write` and `_read_page` decide whether to send again.

---@class (partial) openhands.Client
local Client = require "openhands.client_class"
local core = require "openhands.core"
local credentials = require "openhands.credentials"
local deferred = require "openhands.deferred"
local dialects = require "openhands.request.dialect"
local errors = require "openhands.errors"
local request_errors = require "openhands.request.errors"
local rows_of = require "openhands.request.rows"
local settings = require "openhands.settings"
local task_use = require "openhands.task.use"
local tasks = deferred.module "openhands.task"

-- ---- operations --------------------------------------------------------------------------------------------------

local FREE_REQUEST_TIMEOUT = core.request_methods.GET.timeout -- seconds, unless the caller sets a `timeout`

-- Returns the effect of a call on the service. A call that "creates" must not be made twice.
local function effect_of(operation, fields, api)
  if operation == "request" then
    local method = core.request_methods[fields.method or "GET"]
    return method and method.effect or "writes" -- the core refuses other methods
  end
  return rows_of[operation][api].effect
end

--- Returns whether a call changes nothing on the service.
---@return boolean
function Client._only_reads(_, operation, fields, api)
  return effect_of(operation, fields, api) == "reads"
end

-- ---- the beginning of a call -------------------------------------------------------------------------------------

--- Raises if a call is impossible: its receiver is no client or a closed one, or its task was cancelled and has already
--- received the error of its cancellation.
---@param name string
---@param may_be_cancelled boolean? a task may make this call even then
function Client:_check_usable(name, may_be_cancelled)
  errors.check_receiver(getmetatable(self) == Client, name, "client")
  if self._closed then
    errors.raise(name .. ": this client is closed")
  elseif task_use.are_in_use and not may_be_cancelled then
    tasks.check(name)
  end
end

--- The settings of one call, and its deadline: a table that falls back on the client's settings.
---@class openhands.Call: openhands.Settings
---@field deadline number seconds
---@field deadline_at number monotonic moment by which the call has to end
---@field retries integer
---@field grace number seconds
---@field random fun(): number
---@field agent_of string? id of the conversation whose agent server is called
---@field progress openhands.StartProgress? of a start that reports its progress
---@field asked_at number? monotonic moment at which a poll began
---@field has_own_settings boolean? the caller has given settings for this call
---@field may_send (fun(): boolean)? of a start: asked before each try
---@field admit (fun(call: openhands.Call): boolean)? waits until the next exchange may go out; false: there is no time

--- Begins a call of the user. Raises errors about mistakes of the caller.
---@param name string
---@param options table?
---@param own table<string, boolean>? options that are no settings
---@return openhands.Call call
function Client:_begin(name, options, own)
  if getmetatable(self) ~= Client or self._closed then
    Client._check_usable(self, name)
  elseif task_use.are_in_use then
    tasks.check(name)
  end
  local inherited, now = self._settings, self._loop.now()
  local call
  if options == nil then
    call = setmetatable({ deadline_at = now + inherited.deadline }, inherited)
  else
    call = settings.of_call(inherited, name, options, own)
    call.deadline_at = now + call.deadline
  end
  ---@cast call openhands.Call
  return call
end

--- Returns a copy of a call with a new deadline: the given one, or the full time of the call from now on. Calls that go
--- on for long use a copy for each step.
---@param call openhands.Call
---@param deadline_at number? monotonic moment
---@return openhands.Call call
function Client:_fresh(call, deadline_at)
  ---@type table<string, any>
  local fresh = {}
  for name, value in pairs(call) do
    fresh[name] = value
  end
  fresh.deadline_at = deadline_at or self._loop.now() + call.deadline
  return setmetatable(fresh, self._settings) --[[@as openhands.Call]]
end

-- ---- checked and encoded once -------------------------------------------------------------------------------------

--- A checked and encoded request, used in place of the fields of its operation. `close` frees it early.
---@class openhands.Prepared
---@field close fun(self: openhands.Prepared)

-- Returns the request; or nil and the dialect's refusal; or nil, nil and the caller's mistake. Raises all other errors
-- (e.g. of Ctrl-C or a finalizer), since they are not about the fields.
local function prepare(self, operation, fields, api)
  local good, request, refusal = pcall(self._core.prepare, self._core, operation, fields, api)
  if good then
    return request, refusal
  end
  return nil, nil, core.argument_error(request) or error(request, 0)
end

-- Rewords a message about a mistake: names the user's call, and says where an option among the fields belongs.
local function renamed(mistake, name, own)
  local _, last = mistake:find "^[A-Za-z0-9_.]+:"
  mistake = name and last and name .. mistake:sub(last) or mistake
  local caller, option = mistake:match "^([A-Za-z0-9_.]+): '([^']+)' is not a field of this call"
  return own and caller and settings.misplaced(caller, option --[[@as string]], own) or mistake
end

-- Returns the error of a call that the core has refused. A value that it tells may be a key, given by mistake.
local function refused(self, refusal)
  refusal.reason = refusal.reason and self:_line(refusal.reason)
  return request_errors.from_core(refusal, self._base_url)
end

--- Prepares a call in one dialect. Raises errors about mistakes of the caller.
---@param operation string
---@param fields any
---@param api "v0"|"v1"|"agent"
---@param name string? of the user's call, if another
---@param own table<string, boolean>? if the user's call takes options: those of them that are no settings
---@return openhands.Prepared? request
---@return openhands.Error? err what this dialect cannot take
function Client:_prepare(operation, fields, api, name, own)
  local request, refusal, mistake = prepare(self, operation, fields, api)
  if mistake then
    errors.raise(renamed(mistake, name, own))
  end
  return request, refusal and refused(self, refusal)
end

--- Prepares a call whose dialect is not known yet, in the first dialect that accepts the fields. Raises the caller's
--- mistake if no dialect accepts them and at least one finds a mistake in them.
---@param operation string
---@param fields any
---@param v0_fields any the fields for V0, if they differ
---@param name string? of the user's call, if another
---@param own table<string, boolean>? if the user's call takes options: those of them that are no settings
---@return openhands.Prepared? request nil: each dialect refuses a field; the error comes once the dialect is known
---@return "v0"|"v1"|nil api
function Client:_prepare_in_any(operation, fields, v0_fields, name, own)
  local request, _, mistake = prepare(self, operation, fields, "v1")
  if request then
    return request, "v1"
  end
  local other, _, other_mistake = prepare(self, operation, v0_fields or fields, "v0")
  mistake = mistake or other_mistake
  if not other and mistake then
    errors.raise(renamed(mistake, name, own))
  end
  return other, other and "v0" or nil
end

--- Returns whether a dialect accepts a value as the fields of a call.
---@return boolean
function Client:_takes(operation, fields, api)
  return prepare(self, operation, fields, api) ~= nil
end

-- ---- one exchange ------------------------------------------------------------------------------------------------

--- Options of one exchange: its destination and the handling of its response.
---@class openhands.ExchangeOptions
---@field server? string base URL of the conversation's own server
---@field session_api_key? string for that server
---@field keyless? boolean the exchange does not carry the account's key
---@field download? string path of the file to make
---@field undecoded? boolean the value is the text of the response, once its shape is checked
---@field on_news? fun(number: number, items: table[]) called when more of the response has arrived; `items`: complete
--- items of a stream, to be removed from the list

-- Sets the options of an exchange that most exchanges leave out.
local function set_further_options(options, call, key, route)
  options.api_key, options.connect_timeout = key, call.connect_timeout
  options.max_body, options.max_memory = rawget(call, "max_body"), rawget(call, "max_memory")
  options.organization = rawget(call, "organization")
  options.server, options.session_api_key = route and route.server, route and route.session_api_key
  options.download, options.undecoded = route and route.download, route and route.undecoded
end

-- Submits an exchange. Returns its record, or nil and the core's refusal.
local function submit(self, operation, fields, call, api, key, timeout, route)
  local options = self._options -- exchanges share the table: the core reads it before it returns
  options.api, options.timeout = api, timeout
  local has_further_options = key or route or call.has_own_settings
  if has_further_options then
    set_further_options(options, call, key, route)
  end
  local pending = self:_record()
  local good, number, refusal = pcall(core[operation], self._core, fields, options)
  if good and number then
    pending.number = number
    self._waiting[number] = pending
  end
  if has_further_options then
    self._options = {}
  end
  if not good then
    errors.raise_again(number)
  end
  return number and pending, refusal
end

-- Returns the error of a call that must not send anything now, or nil. Raises in a place where no call can wait, and if
-- Ctrl-C came while the log function ran.
local function obstacle(self, operation)
  if self._closed then
    return errors.closed(operation, "none")
  elseif task_use.are_in_use and tasks.is_cancelled() then
    return tasks.cancellation(operation)
  end
  if self._loop.refusal then
    self:_check_place(operation)
  end
  if self._deferred_interrupt then
    local interrupt = self._deferred_interrupt
    self._deferred_interrupt = false
    error(interrupt, 0)
  end
end

-- Logs the end of an exchange.
local function log(self, operation, api, began, err)
  self:_log("%s (%s) %s after %.3f s%s", operation, api or "request", err and "failed" or "answered",
    self._loop.now() - began, err and ": " .. err.message or "")
end

--- Sends one exchange and waits for its result. Never sends it again.
---@param operation string
---@param fields any the operation's fields, or the request prepared from them
---@param call openhands.Call
---@param api "v0"|"v1"|"agent"|nil
---@param route openhands.ExchangeOptions?
---@return any value
---@return openhands.Error? err
function Client:_exchange(operation, fields, call, api, route)
  local admit, retry, key, err = call.admit, self._retry, nil, nil
  if admit and not admit(call) then
    return nil, errors.no_time(operation)
  end
  local goes_to_account = not (route and (route.server or route.keyless))
  if goes_to_account and (call.api_key ~= nil or not self._has_fixed_key) then
    key, err = credentials.of_call(self, call, operation)
  end
  err = err or obstacle(self, operation)
  local began = self._loop.now()
  local row = rows_of[operation][api]
  local timeout, time_left = call.timeout or row and row.timeout or FREE_REQUEST_TIMEOUT, call.deadline_at - began
  if time_left < timeout then
    timeout = time_left
  end
  if err or timeout <= 0 then
    return nil, err or errors.no_time(operation)
  end
  local pending, refusal = submit(self, operation, fields, call, api, key, timeout, route)
  if not pending then
    return nil, refused(self, refusal)
  end
  local is_done, value, problem = self:_await_end(pending, route and route.on_news)
  if problem then
    err = request_errors.from_core(problem, self._base_url)
    if task_use.are_in_use and err.kind == "cancelled" then
      tasks.note_cancellation()
    end
  elseif not is_done then
    return nil, errors.closed(operation, "unknown")
  elseif retry.spent > 0 then
    retry:note_success()
  end
  if not (route and route.server) and (err or api and not self._confirmed_dialects[api]) then
    dialects.note(self, operation, api, err --[[@as any]])
  end
  if self._settings.log then
    log(self, operation, api, began, err)
  end
  return value, err --[[@as any]]
end

-- ---- repeated where that is safe ---------------------------------------------------------------------------------

--- Waits before the next try of a call. Returns false if there should be no next try or no time is left for it.
---@param call openhands.Call
---@param attempt integer tries made so far, from 1
---@param err openhands.Error of the last one
---@return boolean may_repeat
function Client:_pause(call, attempt, err)
  local delay = attempt <= call.retries and self._retry:delay(attempt, err, call.deadline_at - self._loop.now())
  if not delay then
    return false
  end
  self:_sleep(delay)
  return true
end

--- Makes a call that changes nothing. Repeats it after errors that may pass, at most `retries` times, while the time of
--- the call allows it.
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

--- Makes a call that changes something. Repeats it as `_read` does, but only if it certainly had no effect. If doing it
--- twice would differ from doing it once, an unknown outcome gives the error "ambiguous". An answer with
--- `success = false` gives the error "conflict".
---@return any value
---@return openhands.Error? err
function Client:_write(operation, fields, call, api, route)
  local attempt = 1
  while true do
    local value, err = self:_exchange(operation, fields, call, api, route)
    if not err and type(value) == "table" and value.success == false then
      return nil, request_errors.not_done(operation, self:_clean(value))
    elseif not err then
      return value
    elseif not errors.had_no_effect(err) then
      return nil, effect_of(operation, fields, api) == "creates" and request_errors.ambiguous(operation, err) or err
    elseif not self:_pause(call, attempt, err) then
      return nil, err
    end
    attempt = attempt + 1
  end
end

--- Makes a call with `_read` or `_write`, depending on the effect of its operation.
---@return any value
---@return openhands.Error? err
function Client:_call(operation, fields, call, api, route)
  if effect_of(operation, fields, api) == "reads" then
    return self:_read(operation, fields, call, api, route)
  end
  return self:_write(operation, fields, call, api, route)
end

-- ---- pages whose items have no limit in size ----------------------------------------------------------------------

local GOOD_PAGES = 8 -- in a row, before a larger one is tried
-- Counts a page that could be read, and allows larger ones after some in a row.
local function note_good_page(memory, wanted_size)
  memory.good_pages = (memory.good_pages or 0) + 1
  if memory.good_pages >= GOOD_PAGES then
    memory.page_size, memory.good_pages = 2 * memory.page_size < wanted_size and 2 * memory.page_size or nil, 0
  end
end

--- Requests a page of events. While the page is too large to be read, requests half as many events. The size that
--- could be read is remembered for the next pages.
---@param fields table fields of the request; `limit` is the largest page that is wanted
---@param memory { page_size: integer?, good_pages: integer? } of the conversation, or of the collection
---@param request fun(...): table?, openhands.Error? sends a request with these fields
---@param ... any arguments of `request`
---@return table? page
---@return openhands.Error? err
function Client:_read_page(fields, memory, request, ...)
  local wanted_size = fields.limit
  fields.limit = math.min(wanted_size, memory.page_size or wanted_size)
  local page, err = request(...)
  while err and err.kind == "too_large" and fields.limit > 1 do
    fields.limit = math.ceil(fields.limit / 2)
    memory.page_size, memory.good_pages = fields.limit, 0
    self:_log("%s: the page is too large to be read; requesting %d at once", err.operation, fields.limit)
    page, err = request(...)
  end
  if page and memory.page_size then
    note_good_page(memory, wanted_size)
  end
  fields.limit = wanted_size
  return page, err
end
