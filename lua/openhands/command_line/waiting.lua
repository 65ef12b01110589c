--- Waits for conversations, with progress on stderr, and prints how they ended.

local exit_status = require "openhands.command_line.exit_status"
local progress = require "openhands.command_line.progress"
local records = require "openhands.command_line.records"
local rows = require "openhands.command_line.rows"
local text = require "openhands.command_line.text"

local M = {}

local function options_of(session, on_change)
  return { timeout = session.arguments.timeout, interval = session.arguments.interval, on_change = on_change }
end

-- Prints what the agent says at the end: its answer, or why it failed, and what it opened.
local function print_outcome(session, conversation)
  local words = conversation.answer or conversation.detail
  if type(words) == "string" and words ~= "" then
    session.output:line(text.lines(words))
  end
  for _, url in ipairs(conversation.pull_requests or {}) do
    session.output:line(text.line(url))
  end
end

-- Says what to do about a conversation that does not go on by itself.
local function advise(session, conversation)
  local id = conversation.conversation_id
  if conversation.state == "waiting" then
    session:say("It waits for a person to confirm something: %s", text.line(conversation.url))
  elseif conversation.state == "paused" then
    session:say('It is paused. To go on: openhands-lua resume %s --send "Please go on."', id)
  end
end

--- Prints a conversation that has settled. Returns the exit status.
---@param session openhands.CommandSession
---@param conversation openhands.Conversation
---@param is_shown boolean? its line stands on the terminal already
---@return integer
function M.tell_end(session, conversation, is_shown)
  session.output:record(records.conversation(conversation))
  if not (is_shown and session:stdout().is_terminal) then
    rows.print(session, { conversation })
  end
  print_outcome(session, conversation)
  advise(session, conversation)
  return exit_status.of_conversation(conversation)
end

-- Tells that a wait has ended early.
local function tell_failure(session, id, err)
  if exit_status.of_error(err) == exit_status.TIMEOUT then
    session:say("The time is over; conversation %s goes on.", id)
    session:tell_way_back()
    if err.conversation then
      session.output:record(records.conversation(err.conversation))
      rows.print(session, { err.conversation })
      return exit_status.TIMEOUT
    end
  end
  session:needs_no_return()
  return session:fail(err, id)
end

--- Waits for one conversation, and prints how it ended.
---@param session openhands.CommandSession
---@param subject string|openhands.Conversation
---@return integer exit_status
function M.one(session, subject)
  local id = type(subject) == "table" and subject.conversation_id or subject --[[@as string]]
  session:comes_back_with("wait %s", text.shell_word(id))
  local done, err, is_shown = progress.during(session, { subject }, function(on_change)
    return session:client():wait(subject, options_of(session, on_change))
  end)
  if not done then
    return tell_failure(session, id, err)
  end
  session:needs_no_return()
  return M.tell_end(session, done, is_shown)
end

-- Returns ids as words of a shell.
local function words_of(ids)
  local words = {}
  for place, id in ipairs(ids) do
    words[place] = text.shell_word(id)
  end
  return table.concat(words, " ")
end

-- Tells how each of several conversations ended. Returns the exit status.
local function tell_all(session, ids, list, err)
  local statuses, ended, left = {}, {}, {}
  for place, id in ipairs(ids) do
    local conversation, own = list and list[place], err and err.errors and err.errors[place]
    if own and exit_status.of_error(own) ~= exit_status.TIMEOUT then
      statuses[place] = session:fail(own, id)
    elseif conversation then
      session.output:record(records.conversation(conversation))
      ended[#ended + 1] = conversation
      statuses[place] = exit_status.of_conversation(conversation)
    else
      statuses[place] = session:fail(own or err, id)
    end
    if statuses[place] == exit_status.TIMEOUT then
      left[#left + 1] = id
    end
  end
  rows.print(session, ended)
  for _, conversation in ipairs(ended) do
    advise(session, conversation)
  end
  if left[1] then
    session:say "The time is over; what has not settled goes on."
    session:comes_back_with("wait %s", words_of(left))
    session:tell_way_back()
  end
  return exit_status.combined(statuses)
end

--- Waits for several conversations, and prints how they ended.
---@param session openhands.CommandSession
---@param ids string[]
---@return integer exit_status
function M.several(session, ids)
  session:comes_back_with("wait %s", words_of(ids))
  local list, err = progress.during(session, ids, function(on_change)
    return session:client():wait_all(ids, options_of(session, on_change))
  end)
  session:needs_no_return()
  return tell_all(session, ids, list or err.conversations, err)
end

return M
