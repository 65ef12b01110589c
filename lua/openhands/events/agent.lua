--- Reads events from the agent server of a conversation: the id of a page is that of its first event, and older
--- releases know kinds of events by the paths of their classes only.

local arguments = require "openhands.api.arguments"
local errors = require "openhands.errors"

local M = {}

-- Modules of the event classes, by kind. Older releases know a kind only by the path of its class; newer ones also by
-- its name.
local folder = "openhands.sdk.event."
local modules = {
  ACPToolCallEvent = "acp_tool_call",
  ActionEvent = "llm_convertible.action",
  AgentErrorEvent = "llm_convertible.observation",
  Condensation = "condenser",
  CondensationRequest = "condenser",
  CondensationSummaryEvent = "condenser",
  ConversationErrorEvent = "conversation_error",
  ConversationStateUpdateEvent = "conversation_state",
  HookExecutionEvent = "hook_execution",
  InterruptEvent = "user_action",
  LLMCompletionLogEvent = "llm_completion_log",
  MessageEvent = "llm_convertible.message",
  ObservationEvent = "llm_convertible.observation",
  PauseEvent = "user_action",
  StreamingDeltaEvent = "streaming_delta",
  SystemPromptEvent = "llm_convertible.system",
  TokenEvent = "token",
  UserRejectObservation = "llm_convertible.observation",
}

local function path_of(kind)
  return modules[kind] and folder .. modules[kind] .. "." .. kind
end

-- Returns `fields.kind` if it is a name; nil if it is a path, which every release takes.
local function name_in(fields)
  local kind = fields.kind
  return type(kind) == "string" and not kind:find(".", 1, true) and kind or nil
end

--- The functions that request events from an agent server.
---@class openhands.AgentReader
---@field list fun(fields: table, call: table): table?, openhands.Error?
---@field count fun(fields: table, call: table): integer?, openhands.Error?
---@field memory openhands.Memory of the conversation

-- Returns whether the server knows kinds by their paths only; nil if it has no event to test this with. Called after
-- the server found no event for the name of a kind.
local function knows_only_paths(reader, call)
  local memory = reader.memory
  if memory.kinds_by_path == nil then
    local page, err = reader.list({ limit = 1 }, call)
    local first = page and type(page.items) == "table" and page.items[1]
    if err then
      return nil, err
    elseif type(first) == "table" and type(first.kind) == "string" then
      local count
      count, err = reader.count({ kind = first.kind }, call)
      if err then
        return nil, err
      end
      memory.kinds_by_path = count == 0
    end
  end
  return memory.kinds_by_path
end

local function with_kind(fields, kind)
  local own = arguments.copy(fields)
  own.kind = kind
  return own
end

-- Returns the page with only the items of a kind. Used if the path of the kind is not known here: without it, the
-- server cannot filter.
local function sift(page, kind)
  local items = {}
  for _, event in ipairs(type(page.items) == "table" and page.items or {}) do
    if type(event) == "table" and event.kind == kind then
      items[#items + 1] = event
    end
  end
  return { items = items, next_page_id = page.next_page_id }
end

local function list_by_path(reader, fields, call)
  local kind = name_in(fields)
  local page, err = reader.list(with_kind(fields, path_of(kind)), call)
  return page and not path_of(kind) and sift(page, kind) or page, err
end

--- Returns a page of events. The name of a kind is also understood if the server knows only its path.
---@param reader openhands.AgentReader
---@param fields table
---@param call table
---@return table? page
---@return openhands.Error? err
function M.list(reader, fields, call)
  if name_in(fields) and reader.memory.kinds_by_path then
    return list_by_path(reader, fields, call)
  end
  local page, err = reader.list(fields, call)
  local is_empty = page and type(page.items) == "table" and page.items[1] == nil
  if not is_empty or not name_in(fields) then
    if err then
      return nil, err
    end
    return page
  end
  local by_path
  by_path, err = knows_only_paths(reader, call)
  if err then
    return nil, err
  end
  return by_path and list_by_path(reader, fields, call) or page
end

--- Returns the number of events. The name of a kind is also understood if the server knows only its path.
---@param reader openhands.AgentReader
---@param fields table
---@param call table
---@return integer? count
---@return openhands.Error? err
function M.count(reader, fields, call)
  local count, err = reader.count(fields, call)
  local kind = name_in(fields)
  if count ~= 0 or not kind then
    if err then
      return nil, err
    end
    return count
  end
  local by_path, problem = knows_only_paths(reader, call)
  if problem then
    return nil, problem
  elseif not by_path then
    return count
  elseif not path_of(kind) then
    return nil, errors.new {
      kind = "unsupported",
      operation = "event_count",
      message = ("event_count: this agent server identifies kinds by the paths of their classes, and the path of %s is "
        .. "not known here; give the path as 'kind'"):format(errors.clean(kind)),
    }
  end
  return reader.count(with_kind(fields, path_of(kind)), call)
end

--- Returns one event by its id. It is read as a page, since some releases fail for a single event. For an unknown id
--- the page begins with the first event of all.
---@param reader openhands.AgentReader
---@param id string
---@param call table
---@return table|false? event false: the server does not know it
---@return openhands.Error? err
function M.one(reader, id, call)
  local page, err = reader.list({ page_id = id, limit = 1 }, call)
  if not page then
    return nil, err
  end
  local event = type(page.items) == "table" and page.items[1]
  return type(event) == "table" and event.id == id and event
end

-- ---- for a reader of events (init.lua) -----------------------------------------------------------------------------

local strategy = {}

-- Requests the event `after` first: for an unknown id, the server would begin with the first event of all.
function strategy.begin(self, call)
  if self.after == nil then
    return true
  end
  local id = tostring(self.after)
  local event, err = M.one(self.source.reader, id, call)
  if event == nil then
    return nil, err
  elseif not event then
    return nil, errors.new {
      kind = "not_found",
      operation = "events",
      message = ("events: the server of the conversation knows no event %s"):format(errors.clean(id)),
    }
  end
  self.seen[id] = true
  return true
end

-- Returns whether a follower goes on although the server does not run: it polls the status and tries again. It does not
-- go on if the conversation settled before the first page could be read.
local function is_down_for_now(self, err)
  local conversation = err.kind == "conflict" and err.conversation
  return conversation and self.follows and (self.has_read or not conversation.settled)
end

function strategy.page(self, page_id, call)
  local fields = self.fields
  fields.page_id = page_id or fields.page_id or self.after
  local page, err = M.list(self.source.reader, fields, call)
  if not page then
    if is_down_for_now(self, err) then
      return { items = {} }
    end
    return nil, err
  end
  self.has_read = true
  local items = {}
  for _, event in ipairs(type(page.items) == "table" and page.items or {}) do
    if type(event) ~= "table" or not self.seen[event.id or 0] then
      items[#items + 1] = event
    end
  end
  return { items = type(page.items) == "table" and items or nil, next_page_id = page.next_page_id }
end

M.strategy = strategy

return M
