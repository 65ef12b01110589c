--- `send`: sends a message to a conversation, which gives its agent another turn.

local exit_status = require "openhands.command_line.exit_status"
local following = require "openhands.command_line.following"
local options = require "openhands.command_line.options"
local sessions = require "openhands.command_line.session"
local waiting = require "openhands.command_line.waiting"

local M = {}

--- Adds the command.
---@param parser table of argparse
---@return table command
function M.define(parser)
  local command = parser:command("send", "Send a message to a conversation: its agent gets another turn.")
  options.add_id(command)
  command:argument("TEXT", "The message; - reads it from standard input."):argname "TEXT":target "message"
  options.add_follow_or_wait(command)
  return command
end

-- Returns the id of the last event, so that following begins with the new ones; nil if there is none.
local function last_event(client, id)
  local last
  local events = client:events(id)
  local event, err = events:next()
  while event do
    last = event.id or last
    event, err = events:next()
  end
  return last, err
end

--- Runs the command.
---@param session openhands.CommandSession
---@return integer exit_status
function M.run(session)
  local arguments, client = session.arguments, session:client()
  local message, after, err = arguments.message, nil, nil
  if arguments.follow and arguments.json then
    sessions.refuse "send: events as they come are lines: take --jsonl with --follow"
  elseif message == "-" then
    message = io.stdin:read "*a"
  end
  if not message:find "[^ \t\r\n]" then
    sessions.refuse "send: the message is empty"
  end
  if arguments.follow then
    after, err = last_event(client, arguments.id)
  end
  local _
  if not err then
    _, err = client:send(arguments.id, message)
  end
  if err then
    return session:fail(err, arguments.id)
  end
  session:say "sent"
  if arguments.follow then
    return following.follow(session, arguments.id, after)
  elseif arguments.wait then
    return waiting.one(session, arguments.id)
  end
  session.output:record { conversation_id = arguments.id, sent = true }
  return exit_status.OK
end

return M
