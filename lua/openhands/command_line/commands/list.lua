--- `list`: prints the conversations of the account, the newest first.

local exit_status = require "openhands.command_line.exit_status"
local options = require "openhands.command_line.options"
local records = require "openhands.command_line.records"
local repositories = require "openhands.api.repository"
local rows = require "openhands.command_line.rows"

local M = { gives_list = true }

local USUAL_LIMIT = 30

--- All states of conversations.
M.STATES = { "starting", "running", "waiting", "paused", "stopped", "finished", "failed", "gone", "unknown" }

local STATE_HELP = "Only those in this state: %s."

-- Reads the name of a repository, as the service lists it.
local function repository(given)
  local good, problem = options.repository(given)
  if not good then
    return nil, problem
  end
  return (repositories.take_apart(given))
end

--- Adds the command.
---@param parser table of argparse
---@return table command
function M.define(parser)
  local command = parser:command("list", "Print the conversations of the account, the newest first.")
  command:option("-n --limit", ("Print at most so many (default: %d); 0 prints all."):format(USUAL_LIMIT))
    :argname "NUMBER":convert(options.count)
  command:option("--title", "Only those whose title contains this (V1)."):argname "TEXT"
  command:option("-r --repo", "Only those of this repository."):argname "REPOSITORY"
    :convert(repository)
  options.one_of(command:option("--state", STATE_HELP:format(table.concat(M.STATES, ", "))):argname "STATE", M.STATES)
  return command
end

--- Runs the command.
---@param session openhands.CommandSession
---@return integer exit_status
function M.run(session)
  local arguments, found = session.arguments, {}
  local most = arguments.limit or USUAL_LIMIT
  most = most > 0 and most or math.huge
  local pages = session:client():list { title__contains = arguments.title }
  while #found < most do
    local conversation, err = pages:next()
    if err then
      return session:fail(err)
    elseif not conversation then
      break
    end
    local fits = not arguments.repo or conversation.selected_repository == arguments.repo
    if fits and (not arguments.state or conversation.state == arguments.state) then
      found[#found + 1] = conversation
      session.output:record(records.conversation(conversation))
    end
  end
  rows.print(session, found)
  return exit_status.OK
end

return M
