--- Buffers that show what the service sends. That is text and nothing else: no modeline is read, nothing is executed,
--- and nobody can edit it.

local M = {}

--- Keys of a buffer, and the subcommand that each runs about the conversation under the cursor.
M.keys = {
  ["<CR>"] = "open",
  f = "follow",
  s = "send",
  p = "pause",
  d = "diff",
}

-- Removes a buffer that has a name of this plugin, but was made by somebody else: by a session, or by `:edit`. Its
-- windows get the new one.
local function replace(foreign, buffer)
  for _, window in ipairs(vim.fn.win_findbuf(foreign)) do
    vim.api.nvim_win_set_buf(window, buffer)
  end
  if vim.api.nvim_buf_is_valid(foreign) then
    vim.api.nvim_buf_delete(foreign, { force = true })
  end
end

--- Makes a buffer, or returns the one that has this name.
---@param name string
---@return integer buffer
---@return boolean is_new
function M.open(name)
  local existing = vim.fn.bufnr("^" .. vim.fn.escape(name, "[]*?{},\\^$") .. "$")
  if existing ~= -1 and vim.api.nvim_buf_is_loaded(existing) and vim.b[existing].openhands_is_ours then
    return existing, false
  end
  local buffer = vim.api.nvim_create_buf(false, true)
  if existing ~= -1 then
    replace(existing, buffer)
  end
  vim.api.nvim_buf_set_name(buffer, name)
  vim.b[buffer].openhands_is_ours = true
  local options = vim.bo[buffer]
  options.modeline = false
  options.buftype = "nofile"
  options.bufhidden = "wipe"
  options.swapfile = false
  options.undolevels = -1
  options.modifiable = false
  return buffer, true
end

--- Changes lines of such a buffer.
---@param buffer integer
---@param first integer counted from 0
---@param last integer exclusive; -1: the end
---@param lines string[]
function M.set_lines(buffer, first, last, lines)
  vim.bo[buffer].modifiable = true
  vim.api.nvim_buf_set_lines(buffer, first, last, false, lines)
  vim.bo[buffer].modifiable = false
  vim.bo[buffer].modified = false
end

--- Binds a key in a buffer.
---@param buffer integer
---@param key string
---@param run fun()
---@param description string
function M.bind(buffer, key, run, description)
  vim.keymap.set("n", key, run, { buffer = buffer, nowait = true, silent = true, desc = "OpenHands: " .. description })
end

-- Shows a buffer in a window that a command opens.
local function open_window(command)
  local good, problem = pcall(vim.cmd, command)
  if not good then
    vim.cmd "split"
    require("openhands.nvim.notice").warn(("'%s' opened no window: %s"):format(command, tostring(problem)))
  end
end

--- Shows a buffer: goes to its window, or opens one.
---@param buffer integer
---@param command string that opens a window
---@return integer window
function M.show(buffer, command)
  local window = vim.fn.bufwinid(buffer)
  if window ~= -1 then
    vim.api.nvim_set_current_win(window)
    return window
  end
  open_window(command)
  window = vim.api.nvim_get_current_win()
  vim.api.nvim_win_set_buf(window, buffer)
  return window
end

--- Sets how a window shows such a buffer.
---@param window integer
---@param options table<string, any>
function M.set_window(window, options)
  for name, value in pairs(options) do
    vim.api.nvim_win_set_option(window, name, value)
  end
end

--- Binds `q` to close a buffer, `g?` to its help, and the keys that run subcommands about a conversation.
---@param buffer integer
---@param subject (fun(): string?)? returns the id of the conversation under the cursor; nil: no such keys
function M.bind_keys(buffer, subject)
  M.bind(buffer, "q", function()
    vim.api.nvim_buf_delete(buffer, { force = true })
  end, "close")
  M.bind(buffer, "g?", function()
    if not pcall(vim.cmd, "help openhands-board") then
      require("openhands.nvim.notice").warn "the help has no index yet: see :help helptags"
    end
  end, "help")
  for key, subcommand in pairs(subject and M.keys or {}) do
    M.bind(buffer, key, function()
      local id = subject()
      if id then
        require("openhands.nvim.command").perform(subcommand, id)
      end
    end, subcommand)
  end
end

--- Calls a function when a buffer is gone.
---@param buffer integer
---@param run fun()
function M.when_gone(buffer, run)
  vim.api.nvim_create_autocmd("BufWipeout", { buffer = buffer, once = true, callback = run })
end

return M
