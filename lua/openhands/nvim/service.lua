--- The client of this editor. It is made when it is first needed, once the key is found; everything runs in its tasks,
--- so nothing blocks the editor.

local configuration = require "openhands.nvim.configuration"
local keys = require "openhands.nvim.key"
local library = require "openhands.nvim.library"
local log = require "openhands.nvim.log"
local notice = require "openhands.nvim.notice"

local M = {}

local client -- once it is made
local key_in_use -- that of the client
local refusal -- { err, is_checked }: the service has refused this key; checked: it was looked for again, in vain
local checked_key -- the key that was refused, and looked for again
local waiting -- functions to be called with it, while the key is looked for

-- Makes the client. Raises if a setting is malformed.
local function make(key)
  local given = configuration.get()
  local settings = vim.tbl_extend("force", { user_agent = "openhands-nvim" }, given.client or {})
  settings.base_url = given.base_url or settings.base_url
  settings.api_key = key or settings.api_key
  settings.loop = "uv"
  local log_of_user = settings.log
  log.keep(given.log.lines) -- now: lines may come where the configuration cannot be read
  settings.log = function(line)
    log.add(line)
    if log_of_user then
      log_of_user(line)
    end
  end
  return assert(library.load()).new(settings)
end

local running = setmetatable({}, { __mode = "k" }) -- the number of tasks of each client

-- Closes a client that is not used any more, once its tasks have ended.
local function close_unused(unused)
  if unused and unused ~= client and (running[unused] or 0) == 0 then
    unused:close()
  end
end

-- Takes another client, or none for now.
local function replace(fresh, key)
  local before = client
  client, key_in_use, refusal = fresh, key, nil
  close_unused(before)
end

-- Hands the client, or why there is none, to all who wait for it.
local function hand_out(problem)
  local list = waiting or {}
  waiting = nil
  for _, run in ipairs(list) do
    local good, trouble = pcall(run, problem, client)
    if not good then
      notice.fail(tostring(trouble))
    end
  end
end

-- Takes the key that was found, or the problem. Returns the problem of those who wait.
local function take(missing, key)
  local value = key or keys.of_environment()
  if refusal then
    checked_key, refusal.is_checked = key_in_use, true
    if missing or value == key_in_use then
      refusal.err = missing or refusal.err
      return refusal.err
    end
  elseif missing then
    return missing
  end
  local good, result = pcall(make, key)
  if not good then
    return tostring(result)
  end
  replace(result, value)
end

-- A key that was refused may have been replaced: it is looked for once again. After that, the error stands until the
-- user acts.
local function with_client(run)
  if client and not refusal then
    return run(nil, client)
  elseif refusal and refusal.is_checked then
    return run(refusal.err)
  elseif waiting then
    waiting[#waiting + 1] = run
    return
  end
  waiting = { run }
  keys.find(function(missing, key)
    hand_out(take(missing, key))
  end)
end

local function note_end(of, err)
  running[of] = running[of] - 1
  if of == client and not refusal and type(err) == "table" and err.kind == "authentication" then
    refusal = { err = err, is_checked = key_in_use ~= nil and key_in_use == checked_key }
  end
  close_unused(of)
end

--- Runs a function as a task of the client. Errors are told to the user, unless `done` is given.
---@param run fun(client: openhands.Client): any, any may use the whole API of Neovim; each of its calls waits without
--- blocking the editor; returns what `done` gets, or nil and an error
---@param done fun(err: any, ...)? called with an error, or with nil and the results
---@return { cancel: fun() } handle
function M.run(run, done)
  local handle = { cancel = function() end }
  local is_cancelled = false
  function handle.cancel()
    is_cancelled = true
  end
  done = done or function(err)
    if err then
      notice.fail(err)
    end
  end
  with_client(function(problem, ready)
    if problem then
      return done(problem)
    elseif is_cancelled then
      return
    end
    running[ready] = (running[ready] or 0) + 1
    local task = ready:spawn(run, ready)
    function handle.cancel()
      task:cancel()
    end
    task:on_done(function(err, ...)
      note_end(ready, err)
      local good, trouble = pcall(done, err, ...)
      if not good then
        notice.fail(tostring(trouble))
      end
    end)
  end)
  return handle
end

--- Returns the client, if it was made already.
---@return openhands.Client?
function M.current()
  return client
end

--- Notes that the user acts: a key that was refused is looked for again, and tried again.
function M.try_again()
  if refusal and not waiting then
    replace(nil)
  end
end

--- Forgets the client, because the configuration has changed. What it waits for goes on.
function M.reset()
  checked_key = nil
  replace(nil)
end

return M
