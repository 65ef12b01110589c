--- What a conversation's events tell: its final answer, or why it failed.

local errors = require "openhands.errors"

local M = {}

local MOST_PAGES = 5 -- of the newest events, a hundred each

local function joined_text(content)
  local parts = {}
  for _, block in ipairs(type(content) == "table" and content or {}) do
    if type(block) == "table" and type(block.text) == "string" then
      parts[#parts + 1] = block.text
    end
  end
  return table.concat(parts, "\n")
end

local function message_of(event)
  local message = event.llm_message
  if type(message) == "table" then
    return joined_text(message.content)
  end
end

local function finish_of(event)
  local action = event.action
  if event.kind == "ActionEvent" and type(action) == "table" and action.kind == "FinishAction" then
    return type(action.message) == "string" and action.message or ""
  end
end

local function failure_of(event)
  if event.kind == "ConversationErrorEvent" or event.kind == "ServerErrorEvent" then
    return type(event.detail) == "string" and event.detail or type(event.code) == "string" and event.code or nil
  elseif event.kind == "AgentErrorEvent" then
    return type(event.error) == "string" and event.error or nil
  end
end

--- Reads a page of events, newest first, into `found`; true when nothing older can matter.
local function scan(items, found)
  for _, event in ipairs(items) do
    if type(event) == "table" then
      found.failure = found.failure or failure_of(event)
      found.finish = found.finish or finish_of(event)
      found.agent_acted = found.agent_acted or event.source == "agent"
      if event.kind == "MessageEvent" and event.source == "agent" then
        found.message = found.message or message_of(event)
      elseif event.kind == "MessageEvent" and event.source == "user" then
        return true -- the question: what is older answers another one
      end
      if found.finish then
        return true
      end
    end
  end
  return false
end

--- The end of a V1 conversation's latest turn.
---@param client openhands.Client
---@param id string
---@param call table
---@return table? found with `answer` and `failure` where there are any, and `agent_acted`
---@return openhands.Error?
function M.ending(client, id, call)
  local found, page_id = {}, nil
  for _ = 1, MOST_PAGES do
    local page, err = client:_read("search_events", {
      conversation_id = id,
      sort_order = "TIMESTAMP_DESC",
      limit = 100,
      page_id = page_id,
    }, call, "v1")
    if not page then
      return nil, err
    elseif type(page.items) ~= "table" then
      return nil, errors.new {
        kind = "protocol",
        operation = "search_events",
        message = "search_events: the answer has no list 'items'; check base_url and api",
      }
    end
    -- A page may be empty and still have a next one.
    if scan(page.items, found) or type(page.next_page_id) ~= "string" or page.next_page_id == page_id then
      break
    end
    page_id = page.next_page_id
  end
  found.answer = found.finish or found.message
  return found
end

return M
