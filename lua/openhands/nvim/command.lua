--- The subcommands of `:OpenHands`.

local M = {}

--- A subcommand.
---@class openhands.nvim.Subcommand
---@field run fun(text: string, range: openhands.nvim.Range?) the text behind its name
---@field takes "task"|"conversation"|"message"|"title"|nil what the text is

---@class openhands.nvim.Range
---@field buffer integer
---@field first integer
---@field last integer

-- Returns a function that calls a function of a module about the conversation that the text names.
local function about(module, name)
  return function(text)
    require("openhands.nvim.subject").with(text, function(id)
      require("openhands.nvim." .. module)[name](id)
    end)
  end
end

---@type table<string, openhands.nvim.Subcommand>
M.subcommands = {
  start = {
    takes = "task",
    run = function(text, range)
      require("openhands.nvim.start").start(text, range)
    end,
  },
  list = {
    takes = "title",
    run = function(text)
      require("openhands.nvim.selection").choose({ title = text }, function(id)
        require("openhands.nvim.follow").follow(id)
      end)
    end,
  },
  board = {
    run = function()
      require("openhands.nvim.board").open()
    end,
  },
  open = { takes = "conversation", run = about("page", "open") },
  follow = { takes = "conversation", run = about("follow", "follow") },
  send = {
    takes = "message",
    run = function(text)
      local subject = require "openhands.nvim.subject"
      local id, message, problem = subject.split(text)
      if problem then
        return require("openhands.nvim.notice").warn(("not sent: %s; to send it as text: :OpenHands send -- …")
          :format(problem))
      end
      subject.with(id or "", function(found)
        require("openhands.nvim.send").send(found, message)
      end)
    end,
  },
  pause = { takes = "conversation", run = about("ending", "pause") },
  stop = { takes = "conversation", run = about("ending", "stop") },
  diff = { takes = "conversation", run = about("diff", "show") },
  log = {
    run = function()
      require("openhands.nvim.log_view").show()
    end,
  },
}

--- Returns the names of the subcommands.
---@return string[]
function M.names()
  local names = {}
  for name in pairs(M.subcommands) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

--- Runs a subcommand.
---@param name string
---@param text string behind its name
---@param range openhands.nvim.Range?
function M.perform(name, text, range)
  local notice = require "openhands.nvim.notice"
  local problem = require("openhands.nvim.configuration").get().problem
  local loaded, missing = require("openhands.nvim.library").load()
  local subcommand = M.subcommands[name]
  if problem then
    notice.warn(problem)
  elseif not loaded then
    notice.fail(("the library cannot be loaded, see :checkhealth openhands: %s"):format(missing))
  elseif subcommand then
    if package.loaded["openhands.nvim"] then
      require "openhands.nvim.statusline" -- from now on it is redrawn when something changes
    end
    require("openhands.nvim.service").try_again()
    require("openhands.nvim.pending_starts").tell_left()
    subcommand.run(text, range)
  else
    local hint = require("openhands.spelling").hint(name, M.subcommands)
    notice.warn(("there is no '%s'%s; there are: %s"):format(name, hint, table.concat(M.names(), ", ")))
  end
end

--- Runs what the user has typed after `:OpenHands`; without a word, shows the board.
---@param command { args: string, range: integer, line1: integer, line2: integer }
function M.run(command)
  local name, text = command.args:match "^ *([^ ]+) *(.-) *$"
  local range = command.range > 0
    and { buffer = vim.api.nvim_get_current_buf(), first = command.line1, last = command.line2 }
    or nil
  M.perform(name or "board", text or "", range)
end

return M
