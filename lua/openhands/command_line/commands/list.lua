--- `list`: prints the conversations of the account, the newest first.

local exit_status = require "openhands.command_line.exit_status"
local options = require "openhands.command_line.options"
local records = require "openhands.command_line.records"
local repositories = require "openhands.api.repository"
local rows = require "openhands.command_line.rows"

local M = { gives_list = true }

local USUAL_LIMIT = 30
local MOST_AT_ONCE = 100 -- conversations that are read before they are told

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
  command:flag("--up", "Only those whose sandboxes are up.")
  options.one_of(command:option("--state", STATE_HELP:format(table.concat(M.STATES, ", "))):argname "STATE", M.STATES)
  return command
end

-- States of conversations that sleep, as their status or their events tell.
local asleep = { paused = true, stopped = true, finished = true, failed = true }

local is_up = { RUNNING = true, STARTING = true }

-- Returns whether a conversation may be one that is wanted. Its state may be another one when its events were read.
local function may_fit(conversation, arguments)
  local state = arguments.state
  return (not arguments.repo or conversation.selected_repository == arguments.repo)
    and (not arguments.up or is_up[conversation.status] == true)
    and (not state or conversation.state == state or asleep[state] and conversation.status == "STOPPED")
end

-- Reads conversations that may be wanted. Returns up to `most`; fewer if there are no more.
local function candidates(pages, arguments, most)
  local list = {}
  while #list < most do
    local conversation, err = pages:next()
    if err then
      return nil, err
    elseif not conversation then
      break
    elseif may_fit(conversation, arguments) then
      list[#list + 1] = conversation
    end
  end
  return list
end

--- Runs the command.
---@param session openhands.CommandSession
---@return integer exit_status
function M.run(session)
  local arguments, client, found = session.arguments, session:client(), {}
  local limit = arguments.limit or USUAL_LIMIT
  local most = limit > 0 and limit or math.huge
  local pages = client:list { title__contains = arguments.title }
  repeat
    local wanted = math.min(most - #found, MOST_AT_ONCE)
    local list, err = candidates(pages, arguments, wanted)
    if not list then
      return session:fail(err)
    elseif not arguments.state or asleep[arguments.state] then
      client:_find_ends(list)
    end
    for _, conversation in ipairs(list) do
      if not arguments.state or conversation.state == arguments.state then
        found[#found + 1] = conversation
        session.output:record(records.conversation(conversation))
      end
    end
  until #list < wanted or #found >= most
  rows.print(session, found)
  if #found == 0 and session.output.format == "plain" and session:stdout().is_terminal then
    local is_choice = arguments.title or arguments.repo or arguments.up or arguments.state
    session:say("There are no %sconversations.", is_choice and "such " or "")
  end
  return exit_status.OK
end

return M
