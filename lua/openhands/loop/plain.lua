--- Waiting in plain Lua: the process sleeps in the kernel, in slices short enough for Ctrl-C.

local core = require "openhands.core"

local M = { name = "plain" }

local SLICE = 0.1 -- seconds; the core never waits longer in one step either

--- Seconds on a clock that never jumps.
M.now = core.monotonic

--- Seconds since 1970, only to speak of moments to the service.
M.wall = os.time

--- Returns when the exchange has finished.
---@param client openhands.Client
---@param box table its `done` turns true
function M.await(client, box)
  while not box.done do
    client:_pump(SLICE)
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
