--- Reads what a report says of a run from its row in the ledger. The row may hold anything: a result is JSON that was
--- made of an answer of the service.

local cjson = require "cjson"
local core = require "openhands.core"
local numbers = require "openhands.display.number"

local M = {}

--- What a report says of one run. Moments are seconds since 1970.
---@class openhands.ReportRun
---@field key string of the item
---@field state openhands.RunState
---@field answer string? of the agent
---@field title string? of the conversation
---@field url string? of the conversation's page
---@field pull_requests openhands.ReportPullRequest[]
---@field cost number? dollars
---@field error string? why it failed, waits or was not started, or what is unclear
---@field conversation_id string
---@field attempts integer how often it was claimed from the queue
---@field started_at number?
---@field ended_at number?
---@field seconds number? from its start to its end, or until now

---@class openhands.ReportPullRequest
---@field url string
---@field number integer?
---@field repository string?

--- The states, the most urgent first.
---@type openhands.RunState[]
M.STATES = { "ambiguous", "failed", "paused", "running", "starting", "queued", "skipped", "cancelled", "done" }

M.RANK = {}
for rank, state in ipairs(M.STATES) do
  M.RANK[state] = rank
end

local json = cjson.new()
pcall(json.decode_invalid_numbers, false)

local function text(value)
  return type(value) == "string" and value ~= "" and value or nil
end

local function moment(value)
  return numbers.is_finite(value) and value >= 0 and value or nil
end

local function pull_requests(value)
  local found = core.array {} -- a list in JSON, too, if there is none
  for _, each in ipairs(type(value) == "table" and value or {}) do
    local url = text(each) or type(each) == "table" and text(each.url)
    if url then
      local number = type(each) == "table" and each.number or nil
      found[#found + 1] = {
        url = url,
        number = numbers.is_finite(number) and number == math.floor(number) and number or nil,
        repository = type(each) == "table" and text(each.repository) or nil,
      }
    end
  end
  return found
end

local function decoded(result)
  local good, value = pcall(json.decode, result)
  return good and type(value) == "table" and value or {}
end

--- Reads one row.
---@param row openhands.Run
---@param now number
---@return openhands.ReportRun
function M.read(row, now)
  local result = type(row.result) == "string" and decoded(row.result) or {}
  local was_started = row.state ~= "queued" and row.state ~= "skipped"
  local is_going_on = row.state == "starting" or row.state == "running" -- an error is that of a try before
  local started_at, ended_at = was_started and moment(row.intended_at) or nil, moment(row.ended_at)
  return {
    key = tostring(row.key),
    state = M.RANK[row.state] and row.state or "ambiguous",
    answer = text(result.answer),
    title = text(result.title),
    url = text(result.url),
    pull_requests = pull_requests(result.pull_requests),
    cost = moment(row.cost),
    error = not is_going_on and text(row.error) or nil,
    conversation_id = tostring(row.conversation_id),
    attempts = numbers.is_finite(row.attempts) and row.attempts or 0,
    started_at = started_at,
    ended_at = ended_at,
    seconds = started_at and math.max(0, (ended_at or now) - started_at) or nil,
  }
end

--- Returns the runs in another order: the most urgent first, those of one state in their order.
---@param runs openhands.ReportRun[]
---@return openhands.ReportRun[]
function M.by_urgency(runs)
  local groups, sorted = {}, {}
  for _, run in ipairs(runs) do
    local rank = M.RANK[run.state]
    groups[rank] = groups[rank] or {}
    table.insert(groups[rank], run)
  end
  for rank = 1, #M.STATES do
    for _, run in ipairs(groups[rank] or {}) do
      sorted[#sorted + 1] = run
    end
  end
  return sorted
end

return M
