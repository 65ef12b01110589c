--- What a client has in flight: moves its exchanges on, hands their results to those who wait, and waits.
---
--- In place of the network a transport can carry the exchanges: the simulator's model in the same process, or a spec's
--- own. A transport is a table with `request(self, request)`, which returns `{status, headers, body}` or
--- `{class = "connect"|"timeout"|"tls"|"cut", sent = boolean}`, and, where its time is not the clock's, `now()`,
--- `wall()` and `sleep(seconds)`. `headers` is a list of pairs of name and value.

---@class (partial) openhands.Client
local Client = require "openhands.client_class"
local ascii = require "openhands.ascii"
local coroutines = require "openhands.task.coroutines"
local errors = require "openhands.errors"
local pendings = require "openhands.request.pending"
local tasks = require "openhands.task"

-- ---- transports in place of the network --------------------------------------------------------------------------

-- Ends the exchanges that a transport was carrying when an error ended it: nothing else will finish them.
local function drop_carried(self)
  for number in pairs(self._waiting) do
    self._core:answer(number, { transport = "cut", sent = true, reason = "an error ended the transport" })
  end
end

-- The headers that the core wants to know, in their usual spellings, with the names that it has for them.
local wanted_headers = {
  ["content-type"] = "content_type", ["Content-Type"] = "content_type",
  ["retry-after"] = "retry_after", ["Retry-After"] = "retry_after",
  ["date"] = "date", ["Date"] = "date",
}
local wanted_lengths = { [#"content-type"] = true, [#"retry-after"] = true, [#"date"] = true }

-- Returns a transport's response as the core takes it.
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
    local field = wanted_headers[name] or wanted_lengths[#name] and wanted_headers[ascii.lower(name)]
    if field and response[field] == nil then
      response[field] = pair[2]
    end
  end
  return response
end

-- Hands the exchanges to the transport. One without a time of its own waits by the clock.
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

-- ---- moving on ---------------------------------------------------------------------------------------------------

-- Takes what has come of the responses that are followed. Done before their ends are taken: then it is gone.
local function take_news(self)
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

--- Moves all exchanges on and hands finished ones to those who wait for them. Runs none of the user's code. Ctrl-C may
--- raise an error anywhere in it: the next call does what that has left undone. Does nothing once the client is closed.
---@param seconds number to wait at most
function Client:_pump(seconds)
  if self._closed then
    return
  end
  local handle, loop = self._core, self._loop
  if self._settings.transport then
    carry(self, seconds)
  else
    handle:step(seconds)
  end
  if next(self._watched) ~= nil then
    take_news(self)
  end
  local number, value, err, date = handle:next(0) -- the core frees a result when the next one is asked for
  while number do
    if date then -- the service's clock, see service_clock.lua
      self._served = { date = date, moment = { at = loop.now(), wall = math.floor(loop.wall()) } }
    end
    local pending = self._waiting[number]
    if pending then
      pending.value, pending.err, pending.done = value, err, true
      if loop.wake then
        loop.wake(self, pending)
      end
      self._waiting[number], self._watched[number] = nil, nil
    end
    number, value, err, date = handle:next(number)
  end
end

--- Pumps for a host that polls the client in a callback of its own: an error (e.g. of Ctrl-C) is returned, so that the
--- fd watch can be kept up before it is raised.
---@param seconds number
---@return boolean good
---@return any problem
function Client:_try_pump(seconds)
  local good, problem = pcall(self._pump, self, seconds)
  if not good then
    pcall(self._pump, self, 0) -- for those whose results have come
  end
  return good, problem
end

--- Whether there is anything to move on, in this process.
---@return boolean
function Client:_is_busy()
  if self._closed or self._core:is_inherited() then
    return false
  end
  local in_flight, has_finished = self._core:in_flight()
  return in_flight > 0 or has_finished
end

-- ---- waiting -----------------------------------------------------------------------------------------------------

--- Whether the running call was given up: its task was cancelled, or the client closed.
---@return boolean?
function Client:_is_given_up()
  return tasks.are_in_use and tasks.is_cancelled() or self._closed
end

--- Raises where nothing can wait, e.g. in some callbacks of a host.
---@param operation string that would wait
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

--- Waits for a record, as the loop's `await`; a cancelled task does not wait. The caller reads the record, and
--- `_is_given_up`, afterwards.
---@param pending openhands.Pending
---@param deadline number? monotonic moment
function Client:_await(pending, deadline)
  local in_task = tasks.are_in_use
  if in_task and tasks.is_cancelled() then
    return self:_interrupt(pending)
  end
  local awaited = self._awaited
  awaited[pending] = (awaited[pending] or 0) + 1
  if in_task then
    tasks.note_wait(self, pending)
  end
  self._loop.await(self, pending, deadline)
  if in_task then
    tasks.note_wait()
  end
  local others = awaited[pending] - 1
  awaited[pending] = others > 0 and others or nil
end

--- Ends all waits for a record, and the exchange that it stands for.
---@param pending openhands.Pending
function Client:_interrupt(pending)
  if pending.number and not self._closed then
    self._core:cancel(pending.number)
    self:_pump(0)
  end
  self:_wake(pending)
end

--- Returns after so many seconds, or sooner if the client is closed or the task cancelled.
---@param seconds number
function Client:_sleep(seconds)
  local now = self._loop.now
  local pending, deadline = pendings.new(), now() + seconds
  while not self:_is_given_up() do
    self:_await(pending, deadline) -- also for 0 seconds: the others go on meanwhile
    if now() >= deadline then
      return
    end
  end
end

--- Ends everything that this client has in flight; conversations go on. Those who wait get an error of kind "closed".
--- May be called again.
function Client:close()
  errors.check_receiver(getmetatable(self) == Client, "close", "client")
  self._closed = true
  self._loop.detach(self) -- before the descriptor closes
  self._core:close()
  local awaited = {}
  for pending in pairs(self._awaited) do
    awaited[#awaited + 1] = pending
  end
  for _, pending in ipairs(awaited) do
    pending.news = true
    self:_wake(pending)
  end
end
