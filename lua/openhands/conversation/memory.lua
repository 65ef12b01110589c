--- Remembers what a client has seen of each conversation, under every spelling of its id. Bounded: what was not asked
--- for in a while is forgotten.

---@class (partial) openhands.Client
local Client = require "openhands.client_class"
local conversations = require "openhands.conversation"

--- What a client remembers of a conversation between two looks.
---@class openhands.Memory
---@field started_at number? monotonic moment at which this client started it
---@field spelling string? of its id, as it is shown
---@field conversation_id string? the id under which the service has it, if another than was asked for
---@field start_task_id string? V1's start task, until it is ready
---@field api "v0"|"v1"? the dialect in which it was last seen
---@field ready_at number? monotonic moment at which its start task was first seen ready
---@field listed boolean? V1: it has been in the list of conversations
---@field first_seen number? monotonic moment
---@field unclear_at number? monotonic moment since which nobody can tell whether it was started
---@field unclear_since openhands.Moment? when that start was sent
---@field sent_since openhands.Moment? when a start of it was sent of which nothing more is known
---@field accepted { at: number, fields: table }? what the service has answered to a start of it, and when (monotonic)
---@field start_lock openhands.StartLock? the start of it that is under way
---@field deleted boolean? by this client
---@field spoken_at number? monotonic moment of a message after which it has not been seen at work
---@field spoken_words string? what was said then, if it was a message that has certainly arrived
---@field was_spoken_to boolean? V1: this client has sent it a message since its start
---@field is_doubted boolean? its last sighting was an end that may be the one before that message
---@field question string? V1: id of the event with which it was last spoken to, as its events have told
---@field question_before string? the same before this client's latest message
---@field server string? base URL of its own server, while that runs
---@field session_api_key string? for that server
---@field workspace string|false? V1: directory of its work, as its own server told it; false: it did not tell
---@field serves_itself boolean? V0: the service has no other server for it
---@field running boolean? it has been seen at work
---@field restarts boolean? V0: this client has started its runtime again, and has not seen it up since
---@field state openhands.State? at the last look
---@field missing_since number? monotonic moment of the first of the latest sightings as missing
---@field missing_count integer? how many in a row
---@field events_after number? monotonic moment before which its events are not read again in search of its end
---@field events_pause number? seconds between the last two such moments
---@field events_seen string? what it looked like when they were last read
---@field page_size integer? how many events can be read at once, if not as many as are wanted
---@field has_runtime boolean? V1: it has a runtime of its own, beside that of its agent server
---@field kinds_by_path boolean? V1: its agent server knows kinds of events by the paths of their classes only
---@field was_asked_of_v0 boolean? it was looked for in the other API of a server that may have both
---@field good_pages integer? pages of that size that could be read, in a row

local REMEMBERED = 4096 -- ids per generation, two to a conversation; two generations are kept

--- What this client has seen of a conversation. Bounded: what was not asked for in a while is forgotten.
---@param id string
---@return openhands.Memory
function Client:_remember(id)
  local memory = self._young[id]
  if memory then
    return memory
  end
  -- Under the id as it is compared, and under this spelling of it, which the next look will ask for.
  local key = conversations.same_id(id)
  memory = self._young[key] or self._old[key] or {}
  self._young_count = self._young_count + 2
  if self._young_count > REMEMBERED then
    self._old, self._young, self._young_count = self._young, {}, 2
  end
  self._young[key], self._young[id] = memory, memory
  return memory
end

--- The id under which the service has a conversation: old ones give ids of their own.
---@param id string
---@return string
function Client:_served_id(id)
  return self:_remember(id).conversation_id or id
end

--- An id as it is shown, if anybody here has seen it under another spelling.
---@param id string
---@return string
function Client:_spelling(id)
  local memory = self._young[id]
  if not memory then
    local key = conversations.same_id(id)
    memory = self._young[key] or self._old[key]
  end
  return memory and memory.spelling or id
end

-- The id in what a caller gave for a conversation, as it is shown; raises if there is none. What is remembered has been
-- checked.
function Client:_id_of(subject, caller)
  local is_known = type(subject) == "string" and self._young[subject]
  local id = is_known and subject or conversations.id_of(subject, caller)
  local spelling = self:_spelling(id)
  return not spelling:find("-", 1, true) and id:find("-", 1, true) and id or spelling
end
