--- Runs other programs without blocking the editor.

local M = {}

local uv = vim.uv or vim.loop

local PATIENCE = 120000 -- milliseconds until a program is ended that has not ended by itself
local LATE_OUTPUT = 1000 -- milliseconds for output after a program has ended: a child of its own may keep the pipe open
local MOST_OUTPUT = 65536 -- bytes that are kept

---@class openhands.nvim.ProcessResult
---@field code integer? nil: the program did not start, or was ended
---@field output string
---@field problem string? why there is no code

-- Appends what a pipe brings to a list of pieces.
local function collect(pipe, pieces, on_end)
  local count = 0
  pipe:read_start(function(_, data)
    if not data then
      return on_end()
    end
    if count < MOST_OUTPUT then
      pieces[#pieces + 1] = data:sub(1, MOST_OUTPUT - count)
      count = count + #data
    end
  end)
end

local function close(handle)
  if handle and not handle:is_closing() then
    handle:close()
  end
end

--- Runs a program. Its errors are not read: they may show what nobody should see.
---@param command string[] the program and its arguments; no shell reads them
---@param options { cwd: string?, env: table<string, string>? }
---@param done fun(result: openhands.nvim.ProcessResult) called where the whole API of Neovim may be used
function M.run(command, options, done)
  local pieces, pipe, timer = {}, uv.new_pipe(false), uv.new_timer()
  local code, problem, has_ended, is_read, is_told, process
  local function tell()
    if is_told then
      return
    end
    is_told = true
    close(pipe)
    close(timer)
    vim.schedule(function()
      done { code = not problem and code or nil, output = table.concat(pieces), problem = problem }
    end)
  end
  local function finish()
    if has_ended and is_read then
      tell()
    end
  end
  local environment
  if options.env then
    environment = {}
    for name, value in pairs(vim.tbl_extend("force", uv.os_environ(), options.env)) do
      environment[#environment + 1] = name .. "=" .. value
    end
  end
  local pid
  process, pid = uv.spawn(command[1], {
    args = vim.list_slice(command, 2),
    stdio = { nil, pipe, nil },
    cwd = options.cwd,
    env = environment,
    hide = true,
  }, function(status)
    code, has_ended = status, true
    close(process)
    if not is_told then
      timer:start(LATE_OUTPUT, 0, tell)
    end
    finish()
  end)
  if not process then
    problem, has_ended, is_read = ("%s cannot be run: %s"):format(command[1], tostring(pid)), true, true
    return finish()
  end
  collect(pipe, pieces, function()
    is_read = true
    finish()
  end)
  timer:start(PATIENCE, 0, function()
    problem = ("%s has not ended in %d s"):format(command[1], PATIENCE / 1000)
    process:kill "sigkill" -- a program may ignore the others
    tell()
  end)
end

return M
