--- `delete`: deletes conversations and their sandboxes.

local each = require "openhands.command_line.each"
local options = require "openhands.command_line.options"
local sessions = require "openhands.command_line.session"

local M = { gives_list = true }

--- Adds the command.
---@param parser table of argparse
---@return table command
function M.define(parser)
  local command = parser:command("delete", "Delete conversations and their sandboxes, for good.")
  options.add_ids(command)
  command:flag("-y --yes", "Do not ask.")
  return command
end

--- Runs the command.
---@param session openhands.CommandSession
---@return integer exit_status
function M.run(session)
  local arguments = session.arguments
  if not arguments.yes then
    io.stderr:write(("Delete %d conversation%s for good? [y/N] "):format(#arguments.ids, #arguments.ids == 1 and ""
      or "s"))
    local answer = io.stdin:read "*l"
    if not (answer and answer:find "^[yY]") then
      io.stderr:write "\n"
      sessions.refuse "nothing was deleted: answer y, or give --yes"
    end
  end
  return each.conversation(session, function(client, id)
    local deleted, err = client:delete(id)
    return deleted and { conversation_id = id, deleted = true } or nil, err
  end)
end

return M
