--- Reads the events of a conversation in pages: each once, in the service's order. follow.lua reads them as they come.

local agent_events = require "openhands.events.agent"
local arguments = require "openhands.api.arguments"
local classes = require "openhands.events.class"
local core = require "openhands.core"
local errors = require "openhands.errors"
local follow = require "openhands.events.follow"
local limits = require "openhands.limits"
local pages = require "openhands.api.pages"
local schedule = require "openhands.wait.schedule"
local spelling = require "openhands.spelling"

local M = {}

local DEFAULT_FOLLOW = 43200 -- seconds; the service ends every running session after twelve hours

local function event_id(event)
  local id = type(event) == "table" and event.id
  return (type(id) == "string" or type(id) == "number") and id or nil
end

--- Where events are read from.
---@class openhands.EventSource
---@field row table? the operation that `perform` and `in_dialect` run
---@field perform (fun(client: openhands.Client, row: table, fields: table, call: table, api: string): any, any)?
---@field in_dialect fun(client: openhands.Client, row: table?, fields: table, call: table, run: function): any, any
---@field reader openhands.AgentReader? of an agent server

--- The state of one reading of a conversation's events.
---@class openhands.EventReading
---@field client openhands.Client
---@field source openhands.EventSource
---@field call table settings of the call that reads
---@field fields table
---@field after string|number|nil id of the last event that the caller has seen
---@field memory openhands.Memory of the conversation
---@field deadline_at number monotonic moment at which following ends
---@field ends_at number? monotonic moment after which no page is requested
---@field api "v0"|"v1"|"agent"|nil once it is known
---@field has_begun boolean?
---@field follows boolean? it waits for more events when all were returned
---@field has_read boolean? of an agent server: a page has come
---@field seen table<any, true> ids of events that are left out

-- ---- V0: events are numbered, and requested from a number on -------------------------------------------------------

local v0 = {}

function v0.begin(self)
  local after = self.after and tonumber(self.after)
  if self.after and not after then
    return nil, errors.new {
      kind = "invalid",
      operation = "events",
      message = "events: the V0 API numbers its events; give 'after' as a number",
    }
  end
  self.fields.start_id = after and after + 1 or self.fields.start_id
  return true
end

function v0.page(self, page_id, call)
  local fields = self.fields
  local bound = fields.reverse and "end_id" or "start_id"
  fields[bound] = tonumber(page_id) or fields[bound]
  local page, err = self.source.perform(self.client, self.source.row, fields, call, "v0")
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

-- ---- V1: pages have ids, and a time can bound them from below ------------------------------------------------------

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

-- Returns the ids of the events from the time of a known event up to that event. The reading begins at that time and
-- leaves these events out. The caller's filters are not applied here, because they may hide the known event.
local function seen_until(self, known, call)
  local fields = {
    conversation_id = self.fields.conversation_id,
    timestamp__gte = known.timestamp,
    limit = limits.ITEMS_PER_PAGE,
  }
  local moment = pages.new {
    name = "events",
    id = event_id,
    fetch = function(page_id)
      fields.page_id = page_id
      local client, source = self.client, self.source
      return client:_read_page(fields, self.memory, source.perform, client, source.row, fields, call, "v1")
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
  self.fields.timestamp__gte = bound and core.is_before(known.timestamp, bound) and bound or known.timestamp
  return true
end

-- Returns whether the service knows the conversation. For an unknown conversation, its list of events is empty.
local function is_known(self, call)
  local conversation, err = self.client:_status(self.fields.conversation_id, call)
  return conversation ~= nil, err
end

local function without_seen(self, page)
  local items = {}
  for _, event in ipairs(page.items) do
    if not self.seen[event_id(event) or 0] then
      items[#items + 1] = event
    end
  end
  return { items = items, next_page_id = page.next_page_id }
end

function v1.page(self, page_id, call)
  local fields = self.fields
  fields.page_id = page_id or fields.page_id
  local page, err = self.source.perform(self.client, self.source.row, fields, call, "v1")
  if not page or type(page.items) ~= "table" then
    return page, err
  elseif not self.follows and page_id == nil and #page.items == 0 and page.next_page_id == nil then
    local known
    known, err = is_known(self, call)
    if not known then
      return nil, err
    end
  end
  return next(self.seen) and without_seen(self, page) or page
end

-- ---- both ---------------------------------------------------------------------------------------------------------

--- The functions that differ between the dialects.
---@class openhands.EventStrategy
---@field begin fun(reading: openhands.EventReading, call: table): true?, openhands.Error? before the first page
---@field page fun(reading: openhands.EventReading, page_id: string?, call: table): table?, openhands.Error?

---@type table<string, openhands.EventStrategy>
local dialects = { v0 = v0, v1 = v1, agent = agent_events.strategy }

local function timed_out(id)
  return errors.new {
    kind = "timeout",
    operation = "events",
    conversation_id = id,
    message = "events: the time for this call is over; allow more with 'deadline'",
  }
end

-- Reads a page. Before the first one, calls `begin` until it has succeeded once: after an error, the caller may request
-- the page again.
local function read(self, page_id, call)
  local strategy = dialects[self.api]
  if not self.has_begun then
    local good, err = strategy.begin(self, call)
    if not good then
      return nil, err
    end
    self.has_begun = true
  end
  return self.client:_read_page(self.fields, self.memory, strategy.page, self, page_id, call)
end

-- Finds out the dialect and reads the very first page.
local function read_first(self, page_id, call)
  local given = self.fields
  local page, err = self.source.in_dialect(self.client, self.source.row, given, call, function(api)
    local fields = {}
    for name, value in pairs(given) do
      fields[name] = value
    end
    self.api, self.has_begun, self.fields = api, nil, fields
    return read(self, page_id, call)
  end)
  if err and err.contradicts_dialect then
    self.api, self.has_begun, self.fields = nil, nil, given
  end
  return page, err
end

local function fetch(self, page_id)
  local client, fields = self.client, self.fields
  if self.ends_at and client._loop.now() >= self.ends_at then
    return nil, timed_out(fields.conversation_id)
  end
  local deadline_at = self.follows and schedule.poll_deadline(self.call, self.deadline_at, client._loop.now()) or nil
  local call = client:_fresh(self.call, deadline_at)
  local page, err = (self.api and read or read_first)(self, page_id, call)
  if page then
    classes.all(client, page.items)
  end
  return page, err and errors.rename(err, "events", fields.conversation_id)
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
    errors.raise "events: 'after' and 'follow' need the events in ascending order"
  elseif after ~= nil and (fields.page_id or fields.start_id) then
    errors.raise "events: 'after' sets the beginning; leave out 'page_id' and 'start_id'"
  elseif options.interval ~= nil and not options.follow then
    errors.raise "events: 'interval' needs 'follow = true'"
  end
  for _, name in ipairs { "timeout", "interval" } do
    if options[name] ~= nil and not is_seconds(options[name], 0) then
      errors.raise(("events: '%s' must be a number of seconds, at least 0"):format(name))
    end
  end
end

--- The options that this module handles itself. `timeout` is also a setting, but means something else with `follow`.
M.own_options = { after = true, follow = true, timeout = true, interval = true }

--- Returns the options of a reading, which may be given among the fields or the options. Removes them from the fields.
--- Raises an error about a name that is nearly one of them and no field.
---@param operation openhands.Operation
---@param fields table
---@param options table
---@return table choice
function M.take_options(operation, fields, options)
  local choice = {}
  for name in pairs(M.own_options) do
    choice[name] = fields[name]
    if choice[name] == nil then
      choice[name] = options[name]
    end
    fields[name] = nil
  end
  for name in pairs(fields) do -- the core, which checks the others, does not know the options
    local nearest = not arguments.is_field(operation, name) and spelling.nearest(name, M.own_options, 2)
    if nearest then
      errors.raise(("events: '%s' is not a field of this call (did you mean '%s'?)"):format(name, nearest))
    end
  end
  return choice
end

--- Returns the events of a conversation as a collection.
---@param client openhands.Client
---@param source openhands.EventSource
---@param fields table
---@param call table
---@param options { after: any, follow: boolean?, timeout: number?, interval: number?, ends_at: number? } `timeout`:
--- seconds to follow; without `follow`, the timeout of one exchange. `ends_at`: monotonic moment after which no page is
--- requested
---@return openhands.Pages|openhands.Followed
function M.events(client, source, fields, call, options)
  check(fields, options)
  fields.limit = math.min(fields.limit or limits.ITEMS_PER_PAGE, limits.ITEMS_PER_PAGE)
  if options.timeout and not options.follow then
    call.timeout = options.timeout
  end
  local deadline_at = math.huge
  if options.follow then
    deadline_at = client._loop.now() + (options.timeout or DEFAULT_FOLLOW)
  end
  local reading = {
    client = client,
    source = source,
    fields = fields,
    call = call,
    after = options.after,
    follows = options.follow,
    memory = client:_remember(fields.conversation_id),
    deadline_at = deadline_at,
    ends_at = options.ends_at,
    seen = {},
  }
  local collection = pages.new {
    name = "events",
    id = event_id,
    fetch = function(page_id)
      return fetch(reading, page_id)
    end,
    now = client._loop.now,
    longest = call.deadline,
  }
  if options.follow then
    return follow.new(client, collection, fields.conversation_id, call, deadline_at, options.interval)
  end
  return collection
end

return M
