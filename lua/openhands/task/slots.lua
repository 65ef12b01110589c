--- Lets the starts of a group wait until the account has a slot for one conversation more. Starts that the service has
--- refused wait in a queue of the client, in the order in which they came. Only the first of them is sent again: when a
--- function of a group has ended, which may have freed a slot, or after a while, because others use the account too.

local coroutines = require "openhands.task.coroutines"
local errors = require "openhands.errors"
local tasks = require "openhands.task"

local M = {}

local SHORTEST, LONGEST = 10, 60 -- seconds after which the first of the queue is sent again

--- A start that waits, or is being sent again.
---@class openhands.SlotTicket: openhands.Pending
---@field owner openhands.Owner
---@field ends_at number monotonic moment
---@field has_waited boolean?
---@field is_probe boolean? was sent because of the time, not because something had ended

--- The starts of a client that wait for a slot.
---@class openhands.SlotQueue
---@field tickets openhands.SlotTicket[] first come first
---@field ended integer functions that have ended, whose slots nobody has tried yet
---@field delay number seconds until the next try without an end
---@field next_try_at number monotonic moment
---@field refusal openhands.Error the latest one

--- Allows the starts of a task to wait for a slot.
---@param task openhands.Task
---@param seconds number at most
function M.allow(task, seconds)
  task._slot_timeout = seconds
end

-- Returns the first of the queue. Removes those whose coroutines were killed while they waited.
local function first(queue, client)
  local tickets = queue.tickets
  while tickets[1] and tickets[1].owner.coroutine ~= coroutines.running()
    and coroutines.is_abandoned(tickets[1].owner, client._loop) do
    table.remove(tickets, 1)
  end
  return tickets[1]
end

local function wake_first(queue, client)
  local ticket = first(queue, client)
  if ticket then
    ticket.news = true
    client:_wake(ticket)
  end
end

--- Notes that a function of a group has ended, so that a slot may be free.
---@param client openhands.Client
function M.note_end(client)
  local queue = client._slot_queue
  if queue and first(queue, client) then
    queue.ended = queue.ended + 1
    wake_first(queue, client)
  end
end

local function remove(queue, ticket)
  for place, each in ipairs(queue.tickets) do
    if each == ticket then
      table.remove(queue.tickets, place)
      return
    end
  end
end

-- Returns the error of a start that is not sent any more, or nil.
local function obstacle(client, queue, ticket, now)
  if client._closed then
    return errors.closed("start", "none")
  elseif tasks.is_cancelled() then
    return tasks.cancellation "start"
  elseif now >= ticket.ends_at then
    return errors.copy(queue.refusal)
  end
end

-- Waits until a ticket is the first of the queue and a slot may be free. Returns an error if it is given up.
local function await_turn(client, queue, ticket)
  while true do
    local now = client._loop.now()
    local err = obstacle(client, queue, ticket, now)
    if err then
      remove(queue, ticket)
      wake_first(queue, client)
      return err
    end
    local is_first = first(queue, client) == ticket
    if is_first and (queue.ended > 0 or now >= queue.next_try_at) then
      remove(queue, ticket)
      ticket.is_probe, ticket.has_waited = queue.ended == 0, true
      queue.ended = math.max(0, queue.ended - 1)
      queue.next_try_at = now + queue.delay -- for the next one, while this one is being sent
      wake_first(queue, client)
      return nil
    end
    ticket.news = nil
    client:_await(ticket, math.min(ticket.ends_at, is_first and queue.next_try_at or now + LONGEST))
  end
end

local function new_queue(client)
  return { tickets = {}, ended = 0, delay = SHORTEST, next_try_at = client._loop.now() + SHORTEST }
end

-- Notes the answer to a start that had waited, or was refused now. Returns whether it waits (again).
local function after(client, queue, ticket, conversation, err)
  if err and err.kind == "limit" and errors.had_no_effect(err) then
    queue.refusal = err
    if ticket.is_probe then
      queue.delay = math.min(LONGEST, 2 * queue.delay)
    end
    queue.next_try_at = client._loop.now() + queue.delay
    -- One that has waited came before those that wait.
    table.insert(queue.tickets, ticket.has_waited and 1 or #queue.tickets + 1, ticket)
    return true
  end
  if ticket.is_probe and conversation then -- there may be more slots
    queue.ended, queue.delay = queue.ended + 1, SHORTEST
    wake_first(queue, client)
  end
  return false
end

--- Sends a start. In a task of a group, first waits behind the starts that wait already, and waits for a slot if the
--- service refuses it because too many conversations are running.
---@param client openhands.Client
---@param call openhands.Call its deadline is set anew whenever it has waited
---@param send fun(...): openhands.Conversation?, openhands.Error? sends it once
---@param ... any arguments of `send`
---@return openhands.Conversation? conversation
---@return openhands.Error? err
function M.send(client, call, send, ...)
  local task = tasks.current()
  local seconds = task and task._slot_timeout
  if not seconds or seconds == 0 then
    return send(...)
  end
  local queue = client._slot_queue
  ---@type openhands.SlotTicket?
  local ticket
  if queue and first(queue, client) then
    ticket = { owner = coroutines.owner(), ends_at = client._loop.now() + seconds }
    table.insert(queue.tickets, ticket)
  end
  while true do
    if ticket then
      local problem = await_turn(client, queue, ticket)
      if problem then
        return nil, problem
      end
      call.deadline_at = client._loop.now() + call.deadline
    end
    local conversation, err = send(...)
    if not ticket and err and err.kind == "limit" then
      ticket = { owner = coroutines.owner(), ends_at = client._loop.now() + seconds }
      client:_log("start: waits for a slot: %s", err.message)
    end
    queue = ticket and (queue or client._slot_queue or new_queue(client)) --[[@as openhands.SlotQueue?]]
    client._slot_queue = queue or client._slot_queue
    if not ticket or not after(client, queue, ticket, conversation, err) then
      return conversation, err
    end
  end
end

return M
