--- Downloads files. The core writes the data as it arrives; this module checks the options and reports the progress.

local errors = require "openhands.errors"

local M = {}

local DEADLINE = 3600 -- seconds that a file may take

local function check_download(name, target, tell)
  if type(target) ~= "string" or target == "" then
    errors.raise(("%s: needs the path of the file to make, not a %s"):format(name, type(target)))
  elseif tell ~= nil and type(tell) ~= "function" then
    errors.raise(("%s: 'on_progress' must be a function, not a %s"):format(name, type(tell)))
  end
end

--- Writes the response of a call to a file, and reports the progress during the download and at its end. An error in
--- `on_progress` is raised; before the file is complete, it also cancels the download. On Lua 5.1 `on_progress` cannot
--- wait for anything.
---@param client openhands.Client
---@param name string of the call
---@param target any path of the file to make
---@param options table? `on_progress`
---@param call table
---@param perform fun(route: openhands.ExchangeOptions): table?, openhands.Error? makes the call
---@return { path: string, bytes: number }? file
---@return openhands.Error? err
function M.save(client, name, target, options, call, perform)
  local tell, told_end = (options or {}).on_progress, false
  check_download(name, target, tell)
  if not rawget(call, "deadline") then -- longer than for other calls; a transfer that stalls ends sooner
    call.deadline_at = math.max(call.deadline_at, client:_now() + DEADLINE)
  end
  local file, err = perform {
    download = target,
    on_news = tell and function(number)
      local bytes, all_bytes = client._core:progress(number)
      if not bytes then
        return
      end
      local heard, problem = pcall(tell, bytes, all_bytes)
      told_end = bytes == all_bytes
      if not heard and not client._closed then
        client._core:cancel(number) -- otherwise the file would still be completed
        client:_pump(0) -- frees its path
      end
      if not heard then
        error(problem, 0)
      end
    end,
  }
  if file and tell and not told_end then
    tell(file.bytes, file.bytes)
  end
  if err then
    return nil, err
  end
  return file
end

return M
