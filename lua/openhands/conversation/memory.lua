--- Remembers what a client has seen of each conversation, under every spelling of its id. The memory is bounded: a
--- conversation may be forgotten if it is not used while about two thousand others are added.

---@class (partial) openhands.Client
local Client = require "openhands.client_class"
local core = require "openhands.core"
local identifiers = require "openhands.conversation.identifier"
local limits = require "openhands.limits"

local M = {}

--- What a client remembers of a conversation. Moments are monotonic.
---@class openhands.Memory
---@field spelling string? the spelling of its id that users see
---@field page string? URL of its page for people, with that spelling
---@field conversation_id string? the id under which the service has it, if it differs from the one asked for
---@field api "v0"|"v1"? the dialect in which it was last seen
---@field state openhands.State? when it was last seen
---@field first_seen number? moment at which the service first showed its status
---@field has_worked boolean? the agent has been seen at work; V0: its runtime has been up, or this client stopped it
---@field missing_since number? moment since which every response has lacked it or its sandbox
---@field missing_at number? moment of the latest of these responses
---@field missing_count integer? number of these responses
---
---@field started_at number? moment at which this client started it, or (V0) its runtime again, or (V1) first saw its
--- start task
---@field sent_since openhands.Moment? when a start was sent whose outcome is not known
---@field unclear_at number? moment since which it is unclear whether it was started
---@field unclear_since openhands.Moment? the earliest moment at which that start may have been sent
---@field accepted { at: number, fields: table }? the service's answer to its start, or to the lookup that found
--- it, and the moment of that answer
---@field start_lock openhands.StartLock? held while a start of it is under way
---@field start_task_id string? V1: id of its start task
---@field ready_at number? moment at which its start task was first seen ready
---@field listed boolean? V1: it has been in the list of conversations
---@field deleted boolean? by this client
---@field is_paused_by_us boolean? V1: this client has paused it, and has not seen it at work since
---@field is_restarting boolean? V0: this client has started its runtime again, and its status has been STOPPED since
---@field was_asked_of_v0 boolean? it was looked up in the other API of a service that may have both
---
---@field message_at number? moment of this client's latest message (or `confirm`, or `run` of the agent server), while
--- the service may show the state before it
---@field message_text string? text of that message, if it was sent with `send` and has certainly arrived
---@field has_sent_message boolean? V1: this client has sent it a message (or `confirm`, or `run`) since its start
---@field end_is_uncertain boolean? the end that was shown last may be that of the turn before the message
---@field question_id string? V1: event id of the latest message to the agent, as the events have shown it
---@field earlier_question_id string? V1: `question_id` as it was before this client's latest message
---
---@field events_due_at number? moment before which its events are not read again in search of its end, unless its
--- status changes
---@field events_pause number? seconds from the last reading to that moment
---@field events_read_of string? fields of its status when the events were last read
---@field slept_end { state: openhands.State, status: string, pause: number?, due_at: number? }? how its work ended
--- before it fell asleep, as its events tell, and the status that it had when they were read; if they may tell more,
--- the seconds until they are read again, and that monotonic moment
---@field page_size integer? how many events can be read at once, if fewer than are wanted
---@field good_pages integer? pages of that size in a row that could be read
---@field kinds_by_path boolean? V1: its agent server knows kinds of events by the paths of their classes only
---
---@field server string? base URL of its own server, while that runs
---@field session_api_key string? for that server
---@field server_address string? the URL in the service's answer, from which `server` was taken
---@field is_served_by_service boolean? V0: the service itself serves it, there is no other server
---@field workspace string|false? V1: working directory, as its own server has told it; false: it did not tell
---@field has_runtime boolean? V1: it has a runtime beside its agent server

local MARK = "/api/conversations/" -- in the URL of a conversation on its own server
local SLASH = 47
local MOST_IDS = 4096 -- entries in a generation, two for each conversation; two generations are kept

-- Returns an empty record, with room for what is remembered of nearly every conversation.
---@return openhands.Memory
local function new_memory()
  return {
    spelling = nil, page = nil, api = nil, state = nil,
    first_seen = nil, started_at = nil, start_task_id = nil, accepted = nil,
  }
end

--- Returns the record of a conversation; a new, empty one if this client remembers nothing of it.
---@param id string
---@return openhands.Memory
function Client:_remember(id)
  local memory = self._memories[id]
  if memory then
    return memory
  end
  -- Stored under the normalized id and under this spelling, which the next call will use.
  local key = identifiers.normalize(id)
  memory = self._memories[key] or self._older_memories[key] or new_memory()
  self._memory_count = self._memory_count + 2
  if self._memory_count > MOST_IDS then
    self._older_memories, self._memories, self._memory_count = self._memories, {}, 2
  end
  self._memories[key], self._memories[id] = memory, memory
  return memory
end

--- Returns the id under which the service has a conversation: old services give conversations ids of their own.
---@param id string
---@return string
function Client:_served_id(id)
  return self:_remember(id).conversation_id or id
end

--- Returns the spelling of an id that users see; the id as given, if this client has not seen it.
---@param id string
---@return string
function Client:_spelling(id)
  local memory = self._memories[id]
  if not memory then
    local key = identifiers.normalize(id)
    memory = self._memories[key] or self._older_memories[key]
  end
  return memory and memory.spelling or id
end

--- Returns the id of a conversation that a caller has given, in the spelling that users see. Raises an error if it is
--- missing or malformed.
---@param subject any a conversation or its id
---@param caller string name of the call, for the message
---@return string id
function Client:_id_of(subject, caller)
  local remembered = self._memories[subject]
  if remembered and remembered.spelling == subject then -- the same id as in earlier calls
    return subject
  end
  local id = subject
  if type(subject) == "table" then
    id = rawget(subject, "conversation_id")
  end
  if type(id) ~= "string" or not self._memories[id] then -- remembered ids were checked before
    id = identifiers.of(subject, caller, self)
  end
  local spelling = self:_spelling(id)
  return not spelling:find("-", 1, true) and id:find("-", 1, true) and id or spelling
end

-- ---- its own server ------------------------------------------------------------------------------------------------

-- Removes "/api/conversations/" and the id behind it from the end of a URL.
local function base_of(url)
  local last
  local at = url:find(MARK, 1, true)
  while at do
    last = at
    at = url:find(MARK, at + 1, true)
  end
  return last and not url:find("/[^/]", last + #MARK) and url:sub(1, last - 1) or url
end

-- Returns the base URL of a conversation's own server, from the URL of the conversation there. The core decides whether
-- requests may go there.
---@param url string? as the service names it
---@return string? base of http or https
---@return boolean is_path the URL is a path on the service itself
local function server_of(url)
  if not url or #url > limits.LONGEST_URL then
    return nil, false
  elseif url:byte() == SLASH then
    return nil, url:byte(2) ~= SLASH -- "//host" would be another host
  end
  local scheme = core.lower(url:match("^([A-Za-z]+)://") or "")
  if scheme ~= "http" and scheme ~= "https" then
    return nil, false
  end
  return base_of(url), false
end

--- Notes where a conversation's own server is, from any response about the conversation.
---@param memory openhands.Memory
---@param response table
function M.note_server(memory, response)
  local address, key = response.conversation_url, response.session_api_key
  if key == memory.session_api_key and memory.server_address == (address or response.runtime_url) then
    return -- as in the last response
  end
  if type(address) ~= "string" or address == "" then
    address = type(response.runtime_url) == "string" and response.runtime_url or nil
  end
  if type(key) ~= "string" or key == "" then
    key = nil
  end
  if address == memory.server_address and key == memory.session_api_key then
    return
  end
  -- A service that serves its conversations itself gives a path instead of an address.
  local server, is_path = server_of(address)
  memory.server_address, memory.is_served_by_service = address, is_path
  memory.server = key and server
  memory.session_api_key = memory.server and key
end

--- Returns the route to a conversation's own server as it was last seen, without a request; nil: no server is known.
---@param memory openhands.Memory
---@return openhands.ExchangeOptions?
function M.last_route(memory)
  return memory.server and { server = memory.server, session_api_key = memory.session_api_key } or nil
end

return M
