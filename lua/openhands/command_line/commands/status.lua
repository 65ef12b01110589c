--- `status`: prints how conversations stand.

local exit_status = require "openhands.command_line.exit_status"
local options = require "openhands.command_line.options"
local records = require "openhands.command_line.records"
local rows = require "openhands.command_line.rows"

local M = { gives_list = true }

local MOST_IDS = 99 -- of one request

--- Adds the command.
---@param parser table of argparse
---@return table command
function M.define(parser)
  local command = parser:command("status", "Print how conversations stand.")
  options.add_ids(command)
  return command
end

-- Returns those of several conversations that one request finds. It does not find those that were just started.
local function ask_together(client, ids)
  local several = {}
  for place = 1, #ids > 1 and #ids or 0, MOST_IDS do
    local part = {}
    for offset = 0, math.min(MOST_IDS, #ids - place + 1) - 1 do
      part[#part + 1] = ids[place + offset]
    end
    local found = client:get(part)
    local list = {}
    for _, id in ipairs(found and part or {}) do
      several[id] = found[id]
      list[#list + 1] = found[id]
    end
    client:_find_ends(list)
  end
  return several
end

--- Runs the command.
---@param session openhands.CommandSession
---@return integer exit_status
function M.run(session)
  local client, ids = session:client(), session.arguments.ids
  local statuses, found, several = {}, {}, ask_together(client, ids)
  for place, id in ipairs(ids) do
    local conversation, err = several[id], nil ---@type openhands.Conversation?, openhands.Error?
    if not conversation then
      conversation, err = client:status(id)
    end
    if conversation then
      session.output:record(records.conversation(conversation --[[@as table]]))
      found[#found + 1] = conversation
      statuses[place] = exit_status.OK
    else
      statuses[place] = session:fail(err, id)
    end
  end
  rows.print(session, found)
  return exit_status.combined(statuses)
end

return M
