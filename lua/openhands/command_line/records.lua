--- What `--json` and `--jsonl` tell of a conversation, an event, an error and a run of a fleet. The names of these
--- fields are part of the interface of the command.

local identifiers = require "openhands.command_line.identifier"
local openhands = require "openhands"
local texts_of = require "openhands.command_line.text"

local M = {}

local USAGE = "usage" -- of this command alone: no error of the library has this kind

local function text(value)
  return type(value) == "string" and value or nil
end

local function number(value)
  return type(value) == "number" and value or nil
end

-- Returns a number of so many decimals; services and clocks give more than anybody needs.
local function rounded(value, decimals)
  value = number(value)
  local scale = 10 ^ decimals
  return value and math.abs(value) < 2 ^ 53 / scale and math.floor(value * scale + 0.5) / scale or value
end

local function time(value)
  return rounded(value, 3)
end

local function money(value)
  return rounded(value, 6)
end

local function texts(list)
  local copy = {}
  for _, each in ipairs(type(list) == "table" and list or {}) do
    copy[#copy + 1] = text(each)
  end
  return openhands.array(copy)
end

--- Returns the record of a conversation.
---@param conversation table an `openhands.Conversation`
---@return table
function M.conversation(conversation)
  return {
    conversation_id = identifiers.of(conversation),
    state = conversation.state,
    settled = conversation.settled,
    status = text(conversation.status),
    url = text(conversation.url),
    api = conversation.api,
    title = text(conversation.title),
    repository = text(conversation.selected_repository),
    branch = text(conversation.selected_branch),
    model = text(conversation.llm_model),
    cost = money(conversation.cost),
    answer = text(conversation.answer),
    detail = text(conversation.detail),
    pull_requests = texts(conversation.pull_requests),
    created_at = text(conversation.created_at),
    updated_at = text(conversation.updated_at) or text(conversation.last_updated_at),
    age = time(conversation.age),
    elapsed = time(conversation.elapsed),
  }
end

--- Returns the record of an error.
---@param err openhands.Error
---@return table
function M.error(err)
  return {
    kind = err.kind, message = err.message, operation = err.operation, status = number(err.status),
    retryable = err.retryable, retry_after = time(err.retry_after), conversation_id = err.conversation_id,
    effect = err.effect, limit = number(err.limit), current = number(err.current), reset_at = text(err.reset_at),
  }
end

--- Returns the record of a mistake in what the user gave.
---@param message string
---@return table
function M.usage(message)
  return { error = { kind = USAGE, message = texts_of.line(message), retryable = false } }
end

--- Returns the record of something that failed for one conversation.
---@param id string
---@param err openhands.Error
---@return table
function M.failure(id, err)
  return { conversation_id = id, error = M.error(err) }
end

--- Returns the record of an event: what the service sent, and its text for people.
---@param event table
---@return table
function M.event(event)
  local record = {}
  for name, value in next, event do
    record[name] = value
  end
  record.text = record.text or text(event.text) -- computed when it is read
  return record
end

--- Returns the record of a run of a fleet.
---@param run openhands.Run
---@param previous string? its state before
---@return table
function M.run(run, previous)
  return {
    key = run.key, state = run.state, previous = previous, conversation_id = text(run.conversation_id),
    error = text(run.error), cost = money(run.cost), attempts = number(run.attempts),
  }
end

local fleet_numbers = {
  cost = money, now = time, paused_for = time, started_at = time, seconds = time, overdue = time, lease = time,
}

local lists = { runs = true, start = true, take_up = true, wait = true, ended = true }

--- Returns the record of the status or the plan of a fleet, or of a live run in it.
---@param value openhands.FleetStatus|openhands.FleetPlan|openhands.LiveRun
---@return table
function M.fleet(value)
  local record = {}
  for name, each in next, value do
    record[name] = fleet_numbers[name] and fleet_numbers[name](each) or each
    if lists[name] then
      local copy = {}
      for place, item in ipairs(each) do
        copy[place] = name == "runs" and M.fleet(item) or item
      end
      record[name] = openhands.array(copy)
    end
  end
  return record
end

return M
