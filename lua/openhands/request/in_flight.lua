--- What a client has in flight: moving it on, handing what has come to whoever waits, and waiting. These are methods of
--- the client, for the other rooms and the loops.

---@class (partial) openhands.Client
local Client = require "openhands.client_class"
local coroutines = require "openhands.task.coroutines"
local errors = require "openhands.errors"
local pendings = require "openhands.request.pending"
local service_clock = require "openhands.request.service_clock"
local tasks = require "openhands.task"
local transports = require "openhands.request.transport"

-- An error has ended a carrier in the middle: nobody else carries what it has begun.
local function drop_carried(self)
  for number in pairs(self._waiting) do
    self._core:answer(number, { transport = "cut", sent = true, reason = "what carried it was ended by an error" })
  end
end

-- Hands the exchanges to a transport that is not the network. One without a time of its own waits by the clock.
local function carry(self, seconds)
  local transport = self._settings.transport
  if self._carrier and coroutines.is_abandoned(self._carrier, self._loop) then
    drop_carried(self)
  end
  self._carrier = { coroutine = coroutines.running() }
  local number, request = self._core:outgoing()
  if not number and not transport.sleep then
    self._core:step(seconds)
  end
  while number do
    self._core:answer(number, transports.carry(transport, request))
    number, request = self._core:outgoing()
  end
  self._carrier = nil
end

function Client:_wake(pending)
  if self._loop.wake then
    self._loop.wake(self, pending)
  end
end

-- Takes what has come of the answers that somebody watches, who may run later: once `next` has given an answer's end,
-- what came before it is gone.
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

--- Moves all exchanges on and hands finished ones to whoever waits. Runs none of the user's code, but Ctrl-C may raise
--- an error anywhere: what that has ended is done by the next call. A client that somebody has closed meanwhile has
--- none.
---@param seconds number to wait at most
function Client:_pump(seconds)
  if self._closed then
    return
  elseif self._settings.transport then
    carry(self, seconds)
  else
    self._core:step(seconds)
  end
  take_news(self)
  local number, value, err, date = self._core:next(0) -- the core lets go of an answer when the next one is asked for
  while number do
    if date then
      service_clock.note(self, date)
    end
    local pending = self._waiting[number]
    if pending then
      pending.value, pending.err, pending.done = value, err, true
      self:_wake(pending)
      self._waiting[number], self._watched[number] = nil, nil
    end
    number, value, err, date = self._core:next(number)
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
    pcall(self._pump, self, 0) -- for those whose answers have come
  end
  return good, problem
end

--- Whether there is anything to move on, in this process.
---@return boolean
function Client:_is_busy()
  if self._closed or self._core:is_inherited() then
    return false
  end
  local flying, has_finished = self._core:in_flight()
  return flying > 0 or has_finished
end

--- Whether the call that runs was given up: its task was cancelled, or the client closed.
---@return boolean?
function Client:_is_given_up()
  return tasks.is_cancelled() or self._closed
end

--- Raises if nobody may wait here: in a host's callback that must not, say.
---@param operation string that would
function Client:_check_place(operation)
  local refusal = self._loop.refusal and self._loop.refusal()
  if refusal then
    errors.raise(("%s: %s"):format(operation, refusal))
  end
end

--- Waits for a record, as the loop's `await`; a cancelled task does not wait. The caller reads the record, and
--- `_is_given_up`, afterwards.
---@param pending openhands.Pending
---@param deadline number? monotonic moment
function Client:_await(pending, deadline)
  if tasks.is_cancelled() then
    return self:_interrupt(pending)
  end
  self._awaited[pending] = (self._awaited[pending] or 0) + 1
  tasks.note_wait(self, pending)
  self._loop.await(self, pending, deadline)
  tasks.note_wait()
  local others = self._awaited[pending] - 1
  self._awaited[pending] = others > 0 and others or nil
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
  local pending, deadline = pendings.new(), self:_now() + seconds
  while not self:_is_given_up() do
    self:_await(pending, deadline) -- also when there is nothing to wait for: the others have their turns
    if self:_now() >= deadline then
      return
    end
  end
end

--- Ends everything that this client has in flight, here; conversations go on. Whoever waits gets an error of kind
--- "closed". May be called again.
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
