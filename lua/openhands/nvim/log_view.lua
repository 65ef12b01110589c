--- Shows the log of the client in a buffer.

local buffers = require "openhands.nvim.buffer"
local configuration = require "openhands.nvim.configuration"
local log = require "openhands.nvim.log"
local texts = require "openhands.nvim.text"

local M = {}

local function lines()
  local list = {}
  for _, line in ipairs(log.lines()) do
    vim.list_extend(list, texts.lines(line))
  end
  return list[1] and list or { "Nothing was logged yet." }
end

--- Shows the log. It is updated while it is shown.
function M.show()
  local buffer, is_new = buffers.open "openhands://log"
  buffers.show(buffer, configuration.get().log.open)
  buffers.set_lines(buffer, 0, -1, lines())
  if is_new then
    buffers.bind_keys(buffer)
    log.changed:subscribe(M, function()
      buffers.set_lines(buffer, 0, -1, lines())
    end)
    buffers.when_gone(buffer, function()
      log.changed:unsubscribe(M)
    end)
  end
end

return M
