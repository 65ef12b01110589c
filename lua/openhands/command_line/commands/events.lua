--- `events`: prints what happened in a conversation, a line for each event.

local exit_status = require "openhands.command_line.exit_status"
local following = require "openhands.command_line.following"
local options = require "openhands.command_line.options"
local sessions = require "openhands.command_line.session"

local M = { gives_list = true }

--- Adds the command.
---@param parser table of argparse
---@return table command
function M.define(parser)
  local command = parser:command("events", "Print what happened in a conversation.")
  options.add_id(command)
  command:flag("-f --follow", "Go on with new events as they come, until the conversation has settled.")
  command:option("--after", "Begin after this event."):argname "EVENT"
  command:option("-n --limit", "Print at most so many, the first ones; 0 prints all, as without this.")
    :argname "NUMBER":convert(options.count)
  options.add_waiting(command)
  return command
end

--- Runs the command.
---@param session openhands.CommandSession
---@return integer exit_status
function M.run(session)
  local arguments = session.arguments
  local most = arguments.limit ~= 0 and arguments.limit or nil
  if arguments.follow then
    if arguments.json then
      sessions.refuse "events: events as they come are lines: take --jsonl with --follow"
    elseif most then
      sessions.refuse "events: --limit and --follow exclude each other"
    end
    return following.follow(session, arguments.id, arguments.after)
  end
  local events = session:client():events(arguments.id, { after = arguments.after })
  local err = following.print_all(session, events, most)
  return err and session:fail(err, arguments.id) or exit_status.OK
end

return M
