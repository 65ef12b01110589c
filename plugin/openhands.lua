-- The plugin for Neovim: one command, mappings for you to bind, and the way to the C module. Everything else is loaded
-- when it is first used.

if vim.g.loaded_openhands then
  return
end
vim.g.loaded_openhands = true

-- Your own code may require the library: its module is in the plugin's directory, where Lua does not look for it.
table.insert(package.loaders, 2, function(name) -- 2: before the search for installed modules
  return name == "openhands.core" and require("openhands.nvim.library").search() or nil
end)

vim.api.nvim_create_user_command("OpenHands", function(command)
  require("openhands.nvim.command").run(command)
end, {
  nargs = "*",
  range = true,
  complete = function(...)
    return require("openhands.nvim.completion").complete(...)
  end,
  desc = "Work with conversations of OpenHands",
})

vim.api.nvim_set_keymap("x", "<Plug>(OpenHandsStart)", ":OpenHands start<CR>", { noremap = true, silent = true })
for plug, subcommand in pairs {
  Start = "start",
  List = "list",
  Board = "board",
  Open = "open",
  Follow = "follow",
  Send = "send",
  Pause = "pause",
  Stop = "stop",
  Diff = "diff",
  Log = "log",
} do
  local command = "<Cmd>OpenHands " .. subcommand .. "<CR>"
  vim.api.nvim_set_keymap("n", "<Plug>(OpenHands" .. plug .. ")", command, { noremap = true, silent = true })
end
