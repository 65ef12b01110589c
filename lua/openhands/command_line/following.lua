--- Prints events of a conversation, and follows them as they come.

local exit_status = require "openhands.command_line.exit_status"
local paint = require "openhands.display.paint"
local records = require "openhands.command_line.records"
local spans = require "openhands.display.spans"
local text = require "openhands.command_line.text"
local waiting = require "openhands.command_line.waiting"

local M = {}

--- Prints one event: when, who, and what in words.
---@param session openhands.CommandSession
---@param event table
function M.print_event(session, event)
  session.output:record(records.event(event))
  local moment = type(event.timestamp) == "string" and event.timestamp:match "T([0-9:]+)" or event.timestamp
  local source, words = text.line(event.source), text.line(event.text)
  if words:sub(1, #source + 2) == source .. ": " then -- of a message; the source has a column of its own
    words = words:sub(#source + 3)
  end
  local terminal = session:stdout()
  local builder = spans.new(terminal.is_terminal and terminal.ascii)
  builder:add(text.line(moment), "time")
  builder:add "  "
  builder:add_cell(source, "name", 11)
  builder:add("  " .. words)
  session.output:line(paint.ansi(builder:line(), terminal))
end

--- Prints events until there are no more. Returns the error that ended them.
---@param session openhands.CommandSession
---@param events openhands.Pages|openhands.Followed
---@param most integer?
---@return openhands.Error?
function M.print_all(session, events, most)
  local count = 0
  while not most or count < most do
    local event, err = events:next()
    if event == nil then
      return err
    end
    count = count + 1
    M.print_event(session, event)
  end
end

--- Prints the events of a conversation as they come, until it has settled, and then how it ended.
---@param session openhands.CommandSession
---@param subject string|openhands.Conversation
---@param after string? id of the event after which to begin
---@return integer exit_status
function M.follow(session, subject, after)
  local arguments, client = session.arguments, session:client()
  local id = type(subject) == "table" and subject.conversation_id or subject --[[@as string]]
  session:comes_back_with("events %s --follow", text.shell_word(id))
  local events = client:events(subject, {
    follow = true, after = after, timeout = arguments.timeout, interval = arguments.interval,
  })
  local err = M.print_all(session, events)
  local last = events.conversation
  if err then
    local status = session:fail(err, id)
    if err.kind == "timeout" then
      session:tell_way_back()
      return exit_status.TIMEOUT
    end
    session:needs_no_return()
    return status
  elseif last and last.settled then
    session:needs_no_return()
    local done
    done, err = client:wait(last, { answer_timeout = arguments.interval })
    return done and waiting.tell_end(session, done) or session:fail(err, id)
  end
  session:say("The time is over; conversation %s goes on.", id)
  session:tell_way_back()
  return exit_status.TIMEOUT
end

return M
