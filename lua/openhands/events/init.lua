--- The events of a conversation, in pages: each once, in the order in which the service has them. As they come: see
--- follow.lua.

local agent_events = require "openhands.events.agent"
local arguments = require "openhands.api.arguments"
local ascii = require "openhands.ascii"
local errors = require "openhands.errors"
local follow = require "openhands.events.follow"
local page_size = require "openhands.events.page_size"
local pages = require "openhands.api.pages"

local M = {}

local MOST_EVENTS = 100 -- in one page
local LONGEST_FOLLOW = 43200 -- seconds; the service ends every running session after twelve hours

local function event_id(event)
  local id = type(event) == "table" and event.id
  return (type(id) == "string" or type(id) == "number") and id or nil
end

--- Where a reader of events is.
---@class openhands.EventReading
---@field client openhands.Client
---@field operation table `exchange` and `in_dialect` of the row
---@field call table settings of the call that reads
---@field fields table
---@field after string|number|nil the last event that has been seen
---@field memory openhands.Memory of the conversation
---@field deadline_at number monotonic moment
---@field ends_at number? monotonic moment after which no page is asked for
---@field api "v0"|"v1"|"agent"|nil as soon as it is known
---@field began boolean?
---@field follows boolean? it goes on when all has been told
---@field has_read boolean? of an agent server: a page has come
---@field seen table<any, true> events that are left out
local Reading = {}
Reading.__index = Reading

-- ---- V0: events are numbered, and asked for from a number on ------------------------------------------------------

local v0 = {}

function v0.begin(self)
  local after = self.after and tonumber(self.after)
  if self.after and not after then
    return nil, errors.new {
      kind = "invalid",
      operation = "events",
      message = "events: the V0 API numbers its events, 'after' must be a number",
    }
  end
  self.fields.start_id = after and after + 1 or self.fields.start_id
  return true
end

function v0.page(self, page_id, call)
  local fields = self.fields
  local bound = fields.reverse and "end_id" or "start_id"
  fields[bound] = tonumber(page_id) or fields[bound]
  local page, err = self.operation.exchange(self.client, fields, call, "v0")
  if not page then
    return nil, err
  end
  local cursor = nil
  if page.has_more == true then
    local last = event_id(type(page.events) == "table" and page.events[#page.events])
    cursor = type(last) == "number" and ("%.0f"):format(last + (fields.reverse and -1 or 1))
  end
  return { items = page.events, next_page_id = cursor }
end

-- ---- V1: pages have ids; a time bounds them from below ------------------------------------------------------------

local v1 = {}

local function unknown_event(self)
  return errors.new {
    kind = "not_found",
    operation = "events",
    message = ("events: the service knows no event %s of conversation %s"):format(
      tostring(self.after),
      self.fields.conversation_id
    ),
  }
end

-- The events up to a known one that bear its time, or a later one: there the service can begin, and these are then
-- left out. Asked for without the caller's filters, which may hide the known one.
local function seen_until(self, known, call)
  local fields = {
    conversation_id = self.fields.conversation_id,
    timestamp__gte = known.timestamp,
    limit = MOST_EVENTS,
  }
  local moment = pages.new {
    name = "events",
    id = event_id,
    fetch = function(page_id)
      fields.page_id = page_id
      return page_size.ask(fields, self.memory, function()
        return self.operation.exchange(self.client, fields, call, "v1")
      end)
    end,
  }
  local seen = {}
  local event, err = moment:next()
  while event do
    seen[event_id(event) or 0] = true
    if seen[known.id] then
      return seen
    end
    event, err = moment:next()
  end
  return nil, err or unknown_event(self)
end

function v1.begin(self, call)
  if self.after == nil then
    return true
  end
  local id = self.client:_served_id(self.fields.conversation_id)
  local wanted = { conversation_id = id, event_id = tostring(self.after) }
  local list, err = self.client:_read("event_batch", wanted, call, "v1")
  local known = list and list[1]
  if not list then
    return nil, err
  elseif type(known) ~= "table" or type(known.timestamp) ~= "string" or type(known.id) ~= "string" then
    return nil, unknown_event(self)
  end
  local seen
  seen, err = seen_until(self, known, call)
  if not seen then
    return nil, err
  end
  local bound = self.fields.timestamp__gte
  self.seen = seen
  self.fields.timestamp__gte = bound and ascii.is_before(known.timestamp, bound) and bound or known.timestamp
  return true
end

-- Of a conversation that it does not know, the service shows an empty list of events.
local function is_known(self, call)
  local conversation, err = self.client:_status(self.fields.conversation_id, call)
  return conversation ~= nil, err
end

function v1.page(self, page_id, call)
  local fields = self.fields
  fields.page_id = page_id or fields.page_id
  local page, err = self.operation.exchange(self.client, fields, call, "v1")
  if not page or type(page.items) ~= "table" then
    return page, err
  elseif not self.follows and page_id == nil and #page.items == 0 and page.next_page_id == nil then
    local known
    known, err = is_known(self, call)
    if not known then
      return nil, err
    end
  end
  local items = {}
  for _, event in ipairs(page.items) do
    if not self.seen[event_id(event) or 0] then
      items[#items + 1] = event
    end
  end
  return { items = items, next_page_id = page.next_page_id }
end

-- ---- both ---------------------------------------------------------------------------------------------------------

--- What differs between the dialects.
---@class openhands.EventStrategy
---@field begin fun(reading: openhands.EventReading, call: table): true?, openhands.Error? before the first page
---@field page fun(reading: openhands.EventReading, page_id: string?, call: table): table?, openhands.Error?

---@type table<string, openhands.EventStrategy>
local dialects = { v0 = v0, v1 = v1, agent = agent_events.strategy }

local function no_time(id)
  return errors.new {
    kind = "timeout",
    operation = "events",
    conversation_id = id,
    message = "events: the time for this call is over; allow more with 'deadline'",
  }
end

-- What has been found out on the way is kept: a page may be asked for again.
local function read(self, page_id, call)
  local page, err
  if not self.began then
    self.began, err = dialects[self.api].begin(self, call)
  end
  if self.began then
    page, err = page_size.ask(self.fields, self.memory, function()
      return dialects[self.api].page(self, page_id, call)
    end)
  end
  return page, err
end

-- The first page of all, in the dialect that is found out now.
local function read_first(self, page_id, call)
  local given = self.fields
  local page, err = self.operation.in_dialect(self.client, given, call, function(api)
    self.api, self.began, self.fields = api, nil, arguments.copy(given)
    return read(self, page_id, call)
  end)
  if err and err.misfit then
    self.api, self.began, self.fields = nil, nil, given
  end
  return page, err
end

function Reading:fetch(page_id)
  local client, fields = self.client, self.fields
  local call = follow.look(client, self.call, self.deadline_at)
  if self.ends_at and client:_now() >= self.ends_at then
    return nil, no_time(fields.conversation_id)
  end
  local page, err = (self.api and read or read_first)(self, page_id, call)
  if err then
    err.conversation_id = err.conversation_id or fields.conversation_id
  end
  return page, err
end

local function is_seconds(value, least)
  return type(value) == "number" and value >= least and value == value
end

local function check(fields, options)
  local after = options.after
  if after ~= nil and type(after) ~= "string" and type(after) ~= "number" then
    errors.raise(("events: 'after' must be the id of an event, not a %s"):format(type(after)))
  elseif options.follow ~= nil and type(options.follow) ~= "boolean" then
    errors.raise(("events: 'follow' must be a boolean, not a %s"):format(type(options.follow)))
  elseif (after ~= nil or options.follow) and (fields.reverse or fields.sort_order == "TIMESTAMP_DESC") then
    errors.raise "events: 'after' and 'follow' need the events in the order in which they came"
  elseif after ~= nil and (fields.page_id or fields.start_id) then
    errors.raise "events: 'after' says where to begin; leave out 'page_id' and 'start_id'"
  elseif options.interval ~= nil and not options.follow then
    errors.raise "events: 'interval' belongs to 'follow'"
  end
  for _, name in ipairs { "timeout", "interval" } do
    if options[name] ~= nil and not is_seconds(options[name], 0) then
      errors.raise(("events: '%s' must be a number of seconds, at least 0"):format(name))
    end
  end
end

--- Options of a reader of events besides settings.
M.own_options = { after = true, follow = true, timeout = true, interval = true }

--- These options, which may stand among the fields, taken out of them.
---@param fields table
---@param options table
---@return table choice
function M.take_options(fields, options)
  local choice = {}
  for name in pairs(M.own_options) do
    choice[name] = fields[name]
    if choice[name] == nil then
      choice[name] = options[name]
    end
    fields[name] = nil
  end
  return choice
end

--- The events of a conversation as a collection.
---@param client openhands.Client
---@param operation table `exchange` and `in_dialect` of the row
---@param fields table
---@param call table
---@param options { after: any, follow: boolean?, timeout: number?, interval: number?, ends_at: number? } `timeout`:
--- seconds to follow; without `follow` those of one exchange, as in every call; `ends_at`: monotonic moment by which
--- all has to be read
---@return openhands.Pages|openhands.Followed
function M.events(client, operation, fields, call, options)
  check(fields, options)
  fields.limit = math.min(fields.limit or MOST_EVENTS, MOST_EVENTS)
  if options.timeout and not options.follow then
    call.timeout = options.timeout
  end
  local deadline_at = math.huge
  if options.follow then
    deadline_at = client:_now() + (options.timeout or LONGEST_FOLLOW)
  end
  local reading = setmetatable({
    client = client,
    operation = operation,
    fields = fields,
    call = call,
    after = options.after,
    follows = options.follow,
    memory = client:_remember(fields.conversation_id),
    deadline_at = deadline_at,
    ends_at = options.ends_at,
    seen = {},
  }, Reading)
  local collection = pages.new {
    name = "events",
    id = event_id,
    fetch = function(page_id)
      return reading:fetch(page_id)
    end,
    now = function()
      return client:_now()
    end,
    longest = call.deadline,
  }
  if options.follow then
    return follow.new(client, collection, fields.conversation_id, call, deadline_at, options.interval)
  end
  return collection
end

-- ---- what the events tell ------------------------------------------------------------------------------------------

local DEEPEST = 1000 -- levels of an event; nothing deeper is read

local pull_request_patterns = {
  "https?://[A-Za-z0-9.-]+/[A-Za-z0-9._-]+/[A-Za-z0-9._-]+/pull/%d+",
  "https?://[A-Za-z0-9.-]+/[A-Za-z0-9._/-]+/%-/merge_requests/%d+",
  "https?://[A-Za-z0-9.-]+/[A-Za-z0-9._-]+/[A-Za-z0-9._-]+/pull%-requests/%d+",
}

local function collect_links(value, repository, found, depth)
  if type(value) == "string" then
    for _, pattern in ipairs(pull_request_patterns) do
      for link in value:gmatch(pattern) do
        local part = repository and "/" .. ascii.lower(repository) .. "/"
        if not found[link] and (not part or ascii.lower(link):find(part, 1, true)) then
          found[link] = true
          found[#found + 1] = link
        end
      end
    end
  elseif type(value) == "table" and depth < DEEPEST then
    for _, item in pairs(value) do
      collect_links(item, repository, found, depth + 1)
    end
  end
end

--- The pull requests of a conversation: those that the service lists, and those that its events speak of, in its own
--- repository if it has one.
---@param conversation openhands.Conversation
---@param events openhands.Pages
---@return string[]? links
---@return openhands.Error? err
function M.pull_requests(conversation, events)
  local found = {}
  for _, link in ipairs(conversation.pull_requests or {}) do
    found[link] = true
    found[#found + 1] = link
  end
  while true do
    local items, err = events:page()
    if err then
      return nil, err
    elseif not items then
      break
    end
    for _, event in ipairs(items) do
      if type(event) == "table" and event.source ~= "user" then
        collect_links(event, conversation.selected_repository, found, 0)
      end
    end
  end
  for i = 1, #found do
    found[found[i]] = nil
  end
  return found
end

return M
