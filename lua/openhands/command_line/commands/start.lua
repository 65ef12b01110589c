--- `start`: starts a conversation, and waits for it if asked to.

local exit_status = require "openhands.command_line.exit_status"
local following = require "openhands.command_line.following"
local identifiers = require "openhands.command_line.identifier"
local interruption = require "openhands.command_line.interruption"
local options = require "openhands.command_line.options"
local records = require "openhands.command_line.records"
local sessions = require "openhands.command_line.session"
local text = require "openhands.command_line.text"
local waiting = require "openhands.command_line.waiting"

local M = {}

local PATIENCE = 3 -- seconds

--- Adds the command.
---@param parser table of argparse
---@return table command
function M.define(parser)
  local command = parser:command("start", "Start a conversation, a paid job, and print its id.")
  command:argument("MESSAGE", "The task for the agent; - reads it from standard input."):argname "MESSAGE"
    :target "message"
  command:option("-r --repo", "Repository: owner/name, or its address."):argname "REPOSITORY"
    :convert(options.repository)
  command:option("-b --branch", "Branch to begin from."):argname "BRANCH"
  command:option("--provider", "Where the repository is: github, gitlab, bitbucket, ..."):argname "PROVIDER"
  command:option("--model", "Language model to use."):argname "MODEL"
  command:option("--id", "Id for the conversation, a UUID: the same id never starts two."):argname "UUID"
    :convert(identifiers.read)
  command:flag("--resume", "With --id: it may have been started before; look for it first.")
  options.add_follow_or_wait(command)
  return command
end

-- Returns the text of the task.
local function message_of(given)
  if given == "-" then
    given = io.stdin:read "*a"
  end
  if not given:find "[^ \t\r\n]" then
    sessions.refuse "start: the message is empty"
  end
  return given
end

-- Tells with which id the conversation is being started, before the service is asked: whatever ends this process, or
-- takes away its terminal, the start can be taken up again.
local function tell_id(session, id)
  local arguments = session.arguments
  local words = { "start" }
  for _, name in ipairs { "repo", "branch", "provider", "model" } do
    if arguments[name] then
      words[#words + 1] = "--" .. name .. " " .. text.shell_word(arguments[name])
    end
  end
  words[#words + 1] = ("--id %s --resume"):format(id)
  session:comes_back_with_last(table.concat(words, " "), arguments.message)
  session:say("starting %s (to take it up again: the same command with --id %s --resume)", id, id)
end

-- Starts the conversation. Says once that it is looked for, if that takes more than a moment.
local function start(session, client, fields, given)
  local state = {}
  local function tell()
    client:sleep(PATIENCE)
    if not state.has_ended then
      session:say("looking for %s for up to %.0f s, before it is started", fields.conversation_id,
        client._settings.grace)
    end
  end
  return interruption.beside(client, function()
    return client:start(fields, given)
  end, given.resume and { tell } or {}, state)
end

--- Runs the command.
---@param session openhands.CommandSession
---@return integer exit_status
function M.run(session)
  local arguments = session.arguments
  if arguments.resume and not arguments.id then
    sessions.refuse "start: --resume needs the --id of the conversation"
  elseif arguments.follow and arguments.json then
    sessions.refuse "start: events as they come are lines: take --jsonl with --follow"
  end
  local client = session:client()
  local message = message_of(arguments.message)
  if not arguments.repo and session.output.format == "plain" and session:stderr().is_terminal then
    session:say "The agent begins with an empty workspace; --repo owner/name gives it a repository."
  end
  session:outlives_signals()
  session:leaves_open "It may have been started: look in `openhands-lua list` before you start it again."
  local conversation, err = start(session, client, {
    initial_user_msg = message, repository = arguments.repo, selected_branch = arguments.branch,
    git_provider = arguments.provider, llm_model = arguments.model, conversation_id = arguments.id,
  }, {
    resume = arguments.resume,
    on_id = function(id)
      tell_id(session, id)
    end,
  })
  if not conversation then
    session:needs_no_return()
    return session:fail(err, err.conversation_id)
  end
  session.output.if_lost = "openhands-lua: the conversation that was started: " .. conversation.conversation_id
  session.output:line(conversation.conversation_id)
  session:needs_no_return()
  session:say("started: %s", text.line(conversation.url))
  if arguments.follow then
    return following.follow(session, conversation)
  elseif arguments.wait then
    return waiting.one(session, conversation)
  end
  session.output:record(records.conversation(conversation))
  return exit_status.OK
end

return M
