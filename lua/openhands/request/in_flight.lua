--- Manages the exchanges that are under way: advances them, gives their results to the waiters, and waits for them.
---
--- A transport can carry the exchanges in place of the network, e.g. to the simulator's model in the same process. A
--- transport is a table with `request(self, request)`. The request has the fields `method`, `path`, `query`, `body` and
--- `headers` (by lower-case name; the client's own keys are masked). The method returns `{status, headers, body}`,
--- where `headers` is a list of pairs of name and value, or `{class = "connect"|"timeout"|"tls"|"cut", sent = boolean,
--- reason = string?}`. A transport with a clock of its own also has the functions `now()`, `wall()` and
--- `sleep(seconds)`, which are called without self.

---@class (partial) openhands.Client
local Client = require "openhands.client_class"
local core = require "openhands.core"
local deferred = require "openhands.deferred"
local errors = require "openhands.errors"
local pendings = require "openhands.request.pending"
local task_use = require "openhands.task.use"

-- Only programs with tasks or a transport need these.
local coroutines = deferred.module "openhands.task.coroutines"
local tasks = deferred.module "openhands.task"

-- ---- transports in place of the network --------------------------------------------------------------------------

-- Ends the exchanges that a transport was carrying when an error stopped it, since nothing else will end them.
local function drop_carried(self)
  for number in pairs(self._waiting) do
    self._core:answer(number, { transport = "cut", sent = true, reason = "an error ended the transport" })
  end
end

-- The headers that the core reads, in their usual spellings, with the core's names for them.
local wanted_headers = {
  ["content-type"] = "content_type", ["Content-Type"] = "content_type",
  ["retry-after"] = "retry_after", ["Retry-After"] = "retry_after",
  ["date"] = "date", ["Date"] = "date",
}
local wanted_lengths = { [#"content-type"] = true, [#"retry-after"] = true, [#"date"] = true }

-- Returns a transport's response in the form that the core takes.
local function response_of(answer)
  local response = {
    status = answer.status,
    body = answer.body,
    transport = answer.class,
    sent = answer.sent,
    reason = answer.reason,
  }
  for _, pair in ipairs(answer.headers or {}) do
    local name = pair[1]
    local field = wanted_headers[name] or wanted_lengths[#name] and wanted_headers[core.lower(name)]
    if field and response[field] == nil then
      response[field] = pair[2]
    end
  end
  return response
end

-- Passes the exchanges to the transport. If there is none to pass on and the transport has no `sleep`, the core waits.
local function carry(self, seconds)
  local transport, handle = self._settings.transport, self._core
  if self._carrier and coroutines.is_abandoned(self._carrier, self._loop) then
    drop_carried(self)
  end
  self._carrier = { coroutine = coroutine.running() or coroutines.MAIN }
  local number, request = handle:outgoing()
  if not number and not transport.sleep then
    handle:step(seconds)
  end
  while number do
    handle:answer(number, response_of(transport:request(request)))
    number, request = handle:outgoing()
  end
  self._carrier = nil
end

-- ---- advancing ---------------------------------------------------------------------------------------------------

-- Takes the parts of watched responses that have arrived. Must be called before a result is taken, because that frees
-- the parts.
local function take_news(self)
  self._has_watched = next(self._watched) ~= nil
  for number, pending in pairs(self._watched) do
    local had_news, item = pending.news, self._core:take(number)
    while item do
      pending.items[#pending.items + 1], pending.news = item, true
      item = self._core:take(number)
    end
    local arrived = self._core:progress(number)
    if arrived and arrived > pending.arrived then
      pending.arrived, pending.news = arrived, true
    end
    if pending.news and not had_news then
      self:_wake(pending)
    end
  end
end

-- Notes the service's clock, see service_clock.lua.
local function note_date(self, date)
  local served, loop = self._service_time, self._loop
  if not (served and served.date == date) then
    self._service_time = { date = date, moment = { at = loop.now(), wall = math.floor(loop.wall()) } }
  end
end

--- Advances all exchanges and gives the results of finished ones to their waiters. Runs no code of the user except a
--- transport or loop of the user's own. If Ctrl-C raises an error in it, the next call completes the rest. Does nothing
--- once the client is closed.
---@param seconds number to wait at most
function Client:_pump(seconds)
  if self._closed then
    return
  end
  local handle, loop = self._core, self._loop
  if self._has_transport then
    carry(self, seconds)
  else
    handle:step(seconds)
  end
  if self._has_watched then
    take_news(self)
  end
  local number, value, err, date = handle:next(0) -- the core frees a result when the next one is asked for
  while number do
    if date then
      note_date(self, date)
    end
    local pending = self._waiting[number]
    if pending and pending.number == number then
      pending.value, pending.err, pending.done = value, err, true
      if loop.wake then
        loop.wake(self, pending)
      end
      self._waiting[number], self._watched[number] = nil, nil
    end
    number, value, err, date = handle:next(number)
  end
end

--- Advances all exchanges in a callback of a host. Returns an error (e.g. of Ctrl-C) instead of raising it, so that the
--- host can first renew its watch of the descriptor.
---@param seconds number
---@return boolean good
---@return any problem
function Client:_try_pump(seconds)
  local good, problem = pcall(self._pump, self, seconds)
  if not good then
    pcall(self._pump, self, 0) -- gives the waiters the results that have come
  end
  return good, problem
end

--- Returns whether there are exchanges to advance in this process.
---@return boolean
function Client:_is_busy()
  if self._closed or self._core:is_inherited() then
    return false
  end
  local in_flight, has_finished = self._core:in_flight()
  return in_flight > 0 or has_finished
end

--- Returns whether a long answer has come and is being read: each `_pump` reads for about a millisecond.
---@return boolean
function Client:_is_reading()
  return not self._closed and select(2, self._core:in_flight())
end

-- ---- waiting -----------------------------------------------------------------------------------------------------

--- Returns whether the running call was given up, because its task was cancelled or the client was closed.
---@return boolean?
function Client:_is_given_up()
  return task_use.are_in_use and tasks.is_cancelled() or self._closed
end

--- Raises in a place where no call can wait, e.g. in some callbacks of a host.
---@param operation string name of the call, for the message
function Client:_check_place(operation)
  local refusal = self._loop.refusal and self._loop.refusal()
  if refusal then
    errors.raise(("%s: %s"):format(operation, refusal))
  end
end

--- Makes every wait for a record return.
---@param pending openhands.Pending
function Client:_wake(pending)
  if self._loop.wake then
    self._loop.wake(self, pending)
  end
end

--- Waits for a record with the loop's `await`. In a cancelled task, ends the record's exchange and returns at once;
--- only a long answer to a write is still waited for, and read to its end.
--- Afterwards the caller has to check the record and `_is_given_up`.
---@param pending openhands.Pending
---@param deadline number? monotonic moment
function Client:_await(pending, deadline)
  local task = task_use.are_in_use and tasks.current()
  if task and tasks.is_cancelled(task) then
    self:_interrupt(pending)
    if not pending.number or pending.done or self._closed then
      return
    end
  end
  local awaited = not pending.number and self._awaited -- `close` finds an exchange in `_waiting`
  if awaited then
    awaited[pending] = (awaited[pending] or 0) + 1
  end
  if task then
    tasks.note_wait(task, self, pending)
  end
  self._loop.await(self, pending, deadline)
  if task then
    tasks.note_wait(task)
  end
  if awaited then
    local others = awaited[pending] - 1
    awaited[pending] = others > 0 and others or nil
  end
end

--- Returns a record for an exchange that is about to be submitted. It must be in `_waiting` right afterwards: a call in
--- a finalizer or a debug hook, e.g. for a signal, takes all results, and to make a table may run finalizers.
---@return openhands.Pending
function Client:_record()
  local pending = self._spare
  self._spare = false
  if not pending or pending.done then -- done: a debug hook's call has just used it, too
    ---@type openhands.Pending
    pending = { number = nil, done = nil, value = nil, err = nil } -- with room for its result
  end
  return pending
end

--- Waits until an exchange has ended or the client is closed. Calls `on_news` for parts of the response that arrive.
---@param pending openhands.Pending its record
---@param on_news (fun(number: integer, items: table[]))?
---@return boolean? has_ended
---@return any value
---@return table? err the core's own error table
function Client:_await_end(pending, on_news)
  local number = pending.number --[[@as integer]]
  if self._loop.is_alone and not (on_news or self._has_transport or self._closed) then
    -- No other code waits, so most need no loop: they come while the core waits.
    local finished, value, err, date = self._core:finish(number)
    if date then
      note_date(self, date)
    end
    if finished then
      self._waiting[number] = nil
      self._spare = pending -- last: Ctrl-C between the two must not leave it under both
      return true, value, err
    end
  end
  if on_news then
    pending.arrived, pending.items, self._watched[number], self._has_watched = 0, {}, pending, true
  end
  while not (pending.done or self._closed) do
    self:_await(pending)
    while pending.news do
      pending.news = nil
      if on_news and not self._closed then
        on_news(number, pending.items --[[@as table[] ]])
      end
    end
  end
  return pending.done, pending.value, pending.err
end

--- Ends all waits for a record, and the exchange that it stands for, if any.
---@param pending openhands.Pending
function Client:_interrupt(pending)
  if pending.number and not self._closed then
    self._core:cancel(pending.number)
    self:_pump(0)
  end
  self:_wake(pending)
end

--- Returns after the given seconds, or earlier if the client is closed or the task cancelled.
---@param seconds number
function Client:_sleep(seconds)
  local now = self._loop.now
  local pending, deadline = pendings.new(), now() + seconds
  while not self:_is_given_up() do
    self:_await(pending, deadline) -- also for 0 seconds, so that other tasks can run
    if now() >= deadline then
      return
    end
  end
end

--- Closes the client and ends its exchanges; the conversations on the service go on. Waiting calls return an error of
--- kind "closed"; those that may have created something, e.g. a start or a message, one of kind "ambiguous". May be
--- called more than once.
function Client:close()
  errors.check_receiver(getmetatable(self) == Client, "close", "client")
  self._closed = true
  self._loop.detach(self) -- before the descriptor closes
  self._core:close()
  local awaited = {}
  for pending in pairs(self._awaited) do
    awaited[#awaited + 1] = pending
  end
  for _, pending in pairs(self._waiting) do
    awaited[#awaited + 1] = pending
  end
  for _, pending in ipairs(awaited) do
    pending.news = true
    self:_wake(pending)
  end
end
