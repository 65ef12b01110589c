-- A command for Neovim that starts a conversation with a coding agent and opens its answer, without blocking the
-- editor.
--
-- usage:  :luafile examples/neovim.lua
--         :OpenHands Check README.md for incorrect information and send a PR to fix it.
--         :OpenHandsStop                stops waiting; the conversation goes on
--         set statusline+=%{g:openhands_status}
--
-- The key is in OPENHANDS_API_KEY; each conversation is paid for. Set OPENHANDS_BASE_URL for another server, e.g. the
-- simulator. OPENHANDS_REPOSITORY names the repository to work on.

-- luacheck: globals vim

local openhands = require "openhands"

local client = openhands.new() -- from the environment
local tasks = {}

local function show(state)
  vim.g.openhands_status = state and "openhands: " .. state or ""
  vim.cmd "redrawstatus"
end

local function open(conversation)
  local lines = { "# " .. (conversation.title or "Conversation"), "", conversation.url, "" }
  for _, page in ipairs(conversation.pull_requests or {}) do
    lines[#lines + 1] = page
  end
  vim.list_extend(lines, vim.split(conversation.answer or conversation.detail or "(no answer)", "\n"))
  local buffer = vim.api.nvim_create_buf(true, true)
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, lines)
  vim.bo[buffer].filetype = "markdown"
  vim.cmd "split"
  vim.api.nvim_win_set_buf(0, buffer)
end

-- Runs as a task: every call reads as if it blocked, and the whole API of Neovim may be used.
local function work(prompt)
  show "starting"
  local conversation, err = client:start {
    initial_user_msg = prompt,
    repository = os.getenv "OPENHANDS_REPOSITORY",
  }
  if not conversation then
    return nil, err
  end
  vim.notify("OpenHands is working: " .. conversation.url)
  return client:wait(conversation, {
    on_change = function(now)
      show(now.state)
    end,
  })
end

vim.api.nvim_create_user_command("OpenHands", function(command)
  local task = client:spawn(work, command.args)
  tasks[task] = true
  task:on_done(function(err, conversation)
    tasks[task] = nil
    show(nil)
    if err then
      vim.notify(tostring(err), vim.log.levels.ERROR)
    else
      vim.notify("OpenHands: " .. conversation.state)
      open(conversation)
    end
  end)
end, { nargs = "+", desc = "Start a conversation with a coding agent, and open its answer" })

vim.api.nvim_create_user_command("OpenHandsStop", function()
  for task in pairs(tasks) do
    task:cancel()
  end
end, { desc = "Stop waiting for conversations; they go on" })

show(nil)
