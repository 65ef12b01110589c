--- `worker`: works for the fleets of an account until nothing is left, beside other workers of the same ledger.

local exit_status = require "openhands.command_line.exit_status"
local fleets = require "openhands.command_line.fleets"
local interruption = require "openhands.command_line.interruption"
local text = require "openhands.command_line.text"

local M = {}

--- Adds the command.
---@param parser table of argparse
---@return table command
function M.define(parser)
  local command = parser:command("worker", "Work for all fleets of the account until nothing is left.")
  fleets.add_ledger(command)
  fleets.add_working(command)
  return command
end

local LOOKING = 0.5 -- seconds between two looks at whether the worker has work

-- Returns who has the slots.
local function slots_words(wait, reserve)
  if wait.fleet then
    return ("the fleet '%s' uses %d of its %d slots"):format(text.line(wait.fleet), wait.live, wait.slots)
  end
  ---@type string[]
  local words = { ("fleets use %d of %d slots of the account"):format(wait.live, wait.slots) }
  if wait.live < wait.slots and reserve > 0 then
    words[2] = ("%d %s kept free"):format(reserve, reserve == 1 and "is" or "are")
  end
  if wait.live < wait.slots and wait.others > 0 then
    words[#words + 1] = fleets.others_words(wait.others, wait.others_is_upper_bound)
  end
  return table.concat(words, ", ")
end

-- What a worker waits for, by the reason why it starts nothing.
local waits = {
  empty = function() return "waiting for what other workers do" end,
  slots = function(wait, reserve) return "waiting for a free slot: " .. slots_words(wait, reserve) end,
  paused = function(wait) return ("waiting: nothing is started for %.0f s"):format(wait.ready_in) end,
  later = function(wait) return ("waiting: the next try is in %.0f s"):format(wait.ready_in) end,
  waits = function() return "waiting for what other items need first" end,
  budget = function() return "waiting: the budget is spent" end,
}

-- Says once what the worker waits for, and again when that has changed for longer than a moment.
local function tell_waiting_on(session, worker, state)
  local seen, told
  while not state.has_ended do
    session:client():sleep(LOOKING)
    local wait = not state.has_ended and worker:waits_for() or nil
    if wait and wait.reason == seen and wait.reason ~= told then
      told = wait.reason
      session:say("%s", waits[wait.reason](wait, session.arguments.reserve or 0))
    end
    seen = wait and wait.reason
  end
end

-- Lets the worker work.
local function work(session, worker)
  local state = {}
  local others = not session.output.is_quiet and { function() tell_waiting_on(session, worker, state) end } or {}
  return interruption.beside(session:client(), function()
    return worker:run(session.arguments.timeout)
  end, others, state)
end

--- Runs the command.
---@param session openhands.CommandSession
---@return integer exit_status
function M.run(session)
  local arguments, ended = session.arguments, { done = 0, other = 0 }
  local settings = fleets.settings(session)
  settings.on_change = function(run, previous)
    session:say("%s", fleets.change_words(session:client(), run, previous))
  end
  settings.on_done = function(run)
    local name = run.state == "done" and "done" or "other"
    ended[name] = ended[name] + 1
  end
  session:comes_back_with("worker%s", fleets.option_words(arguments))
  local worker, err = session:client():worker(settings)
  local good
  if worker then
    session:closes(worker)
    good, err = work(session, worker)
    worker:close()
  end
  if not good then
    local status = session:fail(err)
    if status == exit_status.TIMEOUT then
      session:tell_way_back()
    end
    return status
  end
  session:needs_no_return()
  session.output:record { done = ended.done, not_done = ended.other }
  local count = ended.done + ended.other
  session.output:line(("this worker ended %d %s%s"):format(count, count == 1 and "item" or "items",
    count > 0 and (": %d done, %d not done"):format(ended.done, ended.other) or ""))
  return ended.other == 0 and exit_status.OK or exit_status.FAILED
end

return M
