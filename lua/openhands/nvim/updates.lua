--- Coalesces changes: whoever draws something is called at most five times a second, in `vim.schedule`.

local M = {}

local INTERVAL = 200 -- milliseconds between two calls

local uv = vim.uv or vim.loop

---@class openhands.nvim.Updates
---@field private _listeners table<any, fun()> by their owners
---@field private _timer any?
---@field private _called_at number milliseconds
local Updates = {}
Updates.__index = Updates

--- Makes something that can change.
---@return openhands.nvim.Updates
function M.new()
  return setmetatable({ _listeners = {}, _called_at = -math.huge }, Updates)
end

function Updates:_call()
  self._called_at, self._timer = uv.now(), nil
  local listeners = {} -- a copy: a listener may end a subscription
  for owner, listener in pairs(self._listeners) do
    listeners[owner] = listener
  end
  for owner, listener in pairs(listeners) do
    if self._listeners[owner] == listener then
      local good, problem = pcall(listener)
      if not good then
        vim.notify("OpenHands: " .. tostring(problem), vim.log.levels.ERROR)
      end
    end
  end
end

--- Notes a change. The listeners are called soon. May be called in a fast event.
function Updates:note()
  if self._timer or next(self._listeners) == nil then
    return
  end
  local timer = uv.new_timer()
  self._timer = timer
  timer:start(math.max(0, self._called_at + INTERVAL - uv.now()), 0, function()
    timer:close()
    vim.schedule(function()
      self:_call()
    end)
  end)
end

--- Calls a function after each change, from now on. An owner has one function.
---@param owner any
---@param listener fun()
function Updates:subscribe(owner, listener)
  self._listeners[owner] = listener
end

--- Ends a subscription.
---@param owner any
function Updates:unsubscribe(owner)
  self._listeners[owner] = nil
end

return M
