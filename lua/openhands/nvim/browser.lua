--- Opens pages in the browser.

local notice = require "openhands.nvim.notice"
local processes = require "openhands.nvim.process"

local M = {}

-- The program that opens a page on this system.
local function opener()
  for _, name in ipairs { "open", "xdg-open", "wslview", "explorer.exe" } do
    if vim.fn.executable(name) == 1 and (name ~= "open" or vim.fn.has "mac" == 1) then
      return name
    end
  end
end

--- Opens a page. Refuses what is no address of the web: a program might do something else with it.
---@param url string
function M.open(url)
  if not url:find "^https?://[^/%-][^\1-\32\127]*$" then
    return notice.warn "this conversation has no address that a browser could open"
  elseif vim.ui.open then
    local _, problem = vim.ui.open(url)
    return problem and notice.warn(("%s is the page; %s"):format(url, tostring(problem)))
  end
  local name = opener()
  if not name then
    return notice.warn(("no program opens pages here; %s is the page"):format(url))
  end
  processes.run({ name, url }, {}, function(result)
    if result.problem then
      notice.warn(("%s is the page; %s"):format(url, result.problem))
    end
  end)
end

return M
