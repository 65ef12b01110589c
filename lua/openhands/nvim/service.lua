--- The client of this editor. It is made when it is first needed, once the key is found; everything runs in its tasks,
--- so nothing blocks the editor.

local configuration = require "openhands.nvim.configuration"
local keys = require "openhands.nvim.key"
local library = require "openhands.nvim.library"
local log = require "openhands.nvim.log"
local notice = require "openhands.nvim.notice"

local M = {}

local client -- once it is made
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

-- Hands the client, or why there is none, to all who wait for it.
local function hand_out(problem)
  local list = waiting or {}
  waiting = nil
  for _, run in ipairs(list) do
    run(problem, client)
  end
end

local function with_client(run)
  if client then
    return run(nil, client)
  elseif waiting then
    waiting[#waiting + 1] = run
    return
  end
  waiting = { run }
  keys.find(function(missing, key)
    local good, result = true, nil
    if not missing then
      good, result = pcall(make, key)
      client = good and result or nil
    end
    hand_out(missing or not good and tostring(result) or nil)
  end)
end

-- A key that is refused may have been replaced: the next call looks for it again.
local function forget_refused(err)
  if type(err) == "table" and err.kind == "authentication" then
    client = nil
  end
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
    local task = ready:spawn(run, ready)
    function handle.cancel()
      task:cancel()
    end
    task:on_done(function(err, ...)
      forget_refused(err)
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

--- Forgets the client, because the configuration has changed. What it waits for goes on.
function M.reset()
  client = nil
end

return M
