--- Files from the service: the core writes them as they come; here is what the caller says and hears of it.

local errors = require "openhands.errors"

local M = {}

local LONGEST = 3600 -- seconds that a file may take

local function check_download(name, target, tell)
  if type(target) ~= "string" or target == "" then
    errors.raise(("%s: needs the path of the file to make, not a %s"):format(name, type(target)))
  elseif tell ~= nil and type(tell) ~= "function" then
    errors.raise(("%s: 'on_progress' must be a function, not a %s"):format(name, type(tell)))
  end
end

--- Makes a file of what an exchange answers, and tells how far it has come: at its end, too. A listener that raises
--- gives the file up. On Lua 5.1 it cannot wait for anything.
---@param client openhands.Client
---@param name string of the call
---@param target any path of the file to make
---@param options table? `on_progress`
---@param call table
---@param exchange fun(route: openhands.ExchangeOptions): table?, openhands.Error?
---@return { path: string, bytes: number }? file
---@return openhands.Error? err
function M.save(client, name, target, options, call, exchange)
  local tell, told_end = (options or {}).on_progress, false
  check_download(name, target, tell)
  if not rawget(call, "deadline") then -- a file may take longer than other calls; one that stands still ends sooner
    call.deadline_at = math.max(call.deadline_at, client:_now() + LONGEST)
  end
  local file, err = exchange {
    download = target,
    on_news = tell and function(number)
      local bytes, all_bytes = client._core:progress(number)
      if not bytes then
        return
      end
      local heard, problem = pcall(tell, bytes, all_bytes)
      told_end = bytes == all_bytes
      if not heard and not client._closed then
        client._core:cancel(number) -- or the file would appear all the same
        client:_pump(0) -- its place is free from here on
      end
      if not heard then
        error(problem, 0)
      end
    end,
  }
  if file and tell and not told_end then
    tell(file.bytes, file.bytes)
  end
  return file, err
end

return M
