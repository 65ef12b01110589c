--- Takes from a conversation what lines and boards show of it. All texts become safe lines.

local durations = require "openhands.display.duration"
local events = require "openhands.display.event"
local links = require "openhands.display.links"
local numbers = require "openhands.display.number"
local redaction = require "openhands.display.redaction"
local timestamps = require "openhands.conversation.timestamp"
local widths = require "openhands.display.width"

local M = {}

local LONGEST_NAME = 200 -- bytes
local LONGEST_STATE = 12 -- columns
local LONGEST_WORDS = 500
local MOST_PULL_REQUESTS = 5

--- What is shown of a conversation.
---@class openhands.DisplayRow
---@field place integer? among the rows of its board
---@field pull_request string? short, for a board
---@field conversation_id string?
---@field name string its title, or its repository, or the beginning of its id
---@field state string
---@field settled boolean
---@field time string how long its work took, or has taken, e.g. "12m31s"
---@field cost number? dollars
---@field cost_text string
---@field pull_requests { url: string, name: string }[]
---@field words string its answer, or why it failed, or its last event; may be empty
---@field url string? its page

local function line(value, most, owner)
  return type(value) == "string" and value ~= "" and redaction.line(value, most, owner) or nil
end

-- Returns a conversation's title, unless it is the one that the service gives to each.
local function title_of(conversation)
  local title = line(conversation.title, LONGEST_NAME, conversation)
  return title and not title:find "^Conversation [0-9a-f]+$" and title or nil
end

local function name_of(conversation)
  local requested = type(conversation.request) == "table" and conversation.request or {} -- of one that is starting
  local name = title_of(conversation)
    or line(conversation.selected_repository, LONGEST_NAME, conversation)
    or line(conversation.repository, LONGEST_NAME, conversation)
    or line(requested.selected_repository, LONGEST_NAME, conversation)
    or line(conversation.conversation_id, LONGEST_NAME, conversation)
  return name ~= "" and name or "conversation"
end

-- Returns the state; of one that is not known here, the beginning.
local function state_of(conversation)
  local state = line(conversation.state, LONGEST_NAME, conversation)
  return state and state ~= "" and widths.truncate(state, LONGEST_STATE) or "unknown"
end

local function seconds_of(conversation, now)
  local seconds = conversation.elapsed
  if type(seconds) ~= "number" and now and not conversation.settled then
    local created_at = conversation.created_at
    created_at = type(created_at) == "number" and created_at or timestamps.seconds(created_at)
    seconds = created_at and math.max(0, now - created_at)
  end
  return type(seconds) == "number" and seconds or nil
end

local function pull_requests_of(conversation)
  local list, found = type(conversation.pull_requests) == "table" and conversation.pull_requests or {}, {}
  local own = type(conversation.selected_repository) == "string" and conversation.selected_repository .. "#"
  for place = 1, math.min(#list, MOST_PULL_REQUESTS) do
    local url = type(list[place]) == "string" and links.safe(list[place])
    if url then
      local name = links.pull_request_name(url)
      found[#found + 1] = { url = url, name = own and name:sub(1, #own) == own and name:sub(#own) or name }
    end
  end
  return found
end

-- Returns what is to be said of a conversation: how it ended, else what happened last.
local function words_of(conversation, last_event)
  local detail = line(conversation.detail, LONGEST_WORDS, conversation)
  if conversation.settled and conversation.state ~= "finished" and detail then
    return detail
  end
  local answer = conversation.settled and line(conversation.answer, LONGEST_WORDS, conversation)
  return answer or last_event ~= nil and events.text(last_event) or detail or ""
end

--- Returns what is shown of a conversation.
---@param conversation table a conversation, or a table with the same fields; or one with the fields `conversation` and
--- `last_event`
---@param last_event any an event or a text; nil: the field `last_event`
---@param now number? seconds since 1970, for a table with `created_at` and without `elapsed`
---@return openhands.DisplayRow
function M.of(conversation, last_event, now)
  if last_event == nil then
    last_event = conversation.last_event
  end
  conversation = type(conversation.conversation) == "table" and conversation.conversation or conversation
  local cost = numbers.is_finite(conversation.cost) and conversation.cost >= 0 and conversation.cost or nil
  return {
    conversation_id = type(conversation.conversation_id) == "string" and conversation.conversation_id or nil,
    name = name_of(conversation),
    state = state_of(conversation),
    settled = conversation.settled == true,
    time = durations.text(seconds_of(conversation, now)),
    cost = cost,
    cost_text = numbers.money(cost),
    pull_requests = pull_requests_of(conversation),
    words = words_of(conversation, last_event),
    url = type(conversation.url) == "string" and links.safe(conversation.url) or nil,
  }
end

return M
