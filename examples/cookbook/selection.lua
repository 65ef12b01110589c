--- A command of Neovim that sends the selected lines to an agent, and tells the answer when it comes.
--
--   :luafile examples/cookbook/selection.lua      then select lines, and    :'<,'>Agent Make this faster.
--
-- OPENHANDS_REPOSITORY names the repository. The plugin's own command can do more: see `:help openhands`.
-- luacheck: globals vim
local openhands = require "openhands"

vim.api.nvim_create_user_command("Agent", function(command)
  local lines = vim.api.nvim_buf_get_lines(0, command.line1 - 1, command.line2, false)
  local prompt = ("%s\n\nLines %d to %d of %s:\n\n%s"):format(command.args, command.line1, command.line2,
    vim.fn.expand "%:.", table.concat(lines, "\n"))
  openhands.spawn(function()
    return openhands.run { initial_user_msg = prompt, repository = vim.env.OPENHANDS_REPOSITORY }
  end):on_done(function(err, done)
    vim.notify(tostring(err or done.answer or done.detail or done.state))
  end)
end, { range = true, nargs = "+" })
