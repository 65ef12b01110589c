--- Decides which wait sends the next request. Waits that are due while a request is under way wait for their turn. The
--- end of the request gives the turn to one of them: what that one requests serves the others, too.

local coroutines = require "openhands.task.coroutines"
local pendings = require "openhands.request.pending"

local M = {}

local weak = { __mode = "v" } -- the coroutines that wait own their turns

--- Is `done` when it has come, or when something is delivered to its group before.
---@class openhands.Turn: openhands.Pending
---@field group openhands.WaitGroup

---@class openhands.Turns
---@field private _client openhands.Client
---@field private _queue table<integer, openhands.Turn> weak
---@field private _first integer
---@field private _last integer
local Turns = {}
Turns.__index = Turns

--- Makes the turns of a client's poller.
---@param client openhands.Client
---@return openhands.Turns
function M.new(client)
  return setmetatable({ _client = client, _queue = setmetatable({}, weak), _first = 1, _last = 0 }, Turns)
end

--- Waits until a group has the turn, until something is delivered to it, or until the deadline. A group that has the
--- turn sends a request, or gives it to the next one. If its coroutine is killed before, the others go on at their
--- deadlines.
---@param group openhands.WaitGroup
---@param deadline number monotonic moment
function Turns:await(group, deadline)
  local turn, number = pendings.new() --[[@as openhands.Turn]], self._last + 1
  turn.group, group.turn, group.has_turn = group, turn, nil
  self._queue[number], self._last = turn, number
  self._client:_await(turn, deadline)
  group.turn = nil
end

--- Gives the turn to the group that has waited longest for it.
function Turns:give()
  while self._first <= self._last do
    local number = self._first
    local turn = self._queue[number]
    self._queue[number], self._first = nil, number + 1
    local group = turn and not turn.done and turn.group
    if group and group.turn == turn and not coroutines.is_abandoned(group --[[@as any]], self._client._loop) then
      group.has_turn, turn.done = true, true
      return self._client:_wake(turn)
    end
  end
end

return M
