--- Waiting in plain Lua: the process sleeps in the kernel, in slices short enough for Ctrl-C.

local core = require "openhands.core"

local M = { name = "plain" }

local SLICE = 0.1 -- seconds; the core never waits longer in one step either

--- Seconds on a clock that never jumps.
M.now = core.monotonic

--- Seconds since 1970, only to speak of moments to the service.
M.wall = os.time

--- Returns when an exchange has finished, when there is news for whoever waits, or when the time is over. (What gives
--- news in another coroutine calls `wake(client, box)` of a loop that has it. Here nobody else can run.)
---@param client openhands.Client
---@param box table its `done` or `news` turns true
---@param deadline number? by the clock of the client's loop
function M.await(client, box, deadline)
  -- A transport's own time passes in one piece: nothing else can happen meanwhile.
  local slice = client._loop.now == M.now and SLICE or math.huge
  while not (box.done or box.news) do
    if not deadline then
      client:_pump(SLICE)
    else
      local left = deadline - client._loop.now()
      if left <= 0 or client._closed then
        return
      end
      client._loop.sleep(client, math.min(left, slice))
    end
  end
end

--- Returns after so many seconds, moving the client's exchanges on meanwhile.
---@param client openhands.Client
---@param seconds number
function M.sleep(client, seconds)
  local deadline = M.now() + seconds
  local left = seconds
  while left > 0 do
    client:_pump(math.min(left, SLICE))
    left = deadline - M.now()
  end
end

function M.attach() end

function M.detach() end

return M
