--- The plugin for Neovim. `:OpenHands` works without this module; `setup` is for those who prefer it to
--- `vim.g.openhands`. See `:help openhands`.

local M = {}

--- Sets the configuration. Calling it is not necessary, and it loads nothing.
---@param configuration openhands.nvim.Configuration?
function M.setup(configuration)
  require("openhands.nvim.configuration").set(configuration)
  local service = package.loaded["openhands.nvim.service"]
  if service then
    service.reset()
  end
end

--- Returns a few words about the conversations that this editor waits for, for the statusline; "" if there are none.
--- Asks nobody, and costs nothing.
---@return string
function M.statusline()
  local statusline = package.loaded["openhands.nvim.statusline"]
  if not statusline then
    if not package.loaded["openhands.nvim.conversations"] then
      return ""
    end
    statusline = require "openhands.nvim.statusline"
  end
  return statusline.text()
end

return M
