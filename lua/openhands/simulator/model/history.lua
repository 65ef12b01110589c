--- The events of a V1 conversation, in order and with non-decreasing times. Stored events are those that were emitted.
-- Generated events are computed on demand, so that a conversation with a million of them needs no memory.
local events = require "openhands.simulator.model.events"
local json = require "openhands.simulator.encoding.json"
local timestamps = require "openhands.simulator.encoding.timestamps"

local M = {}

local unpack = table.unpack or unpack

-- Generated events ----------------------------------------------------------------------------------------------------

-- Number of consecutive generated events that have the same time.
local group = 3

-- Converts an event to a template: a format string, and the names of its values. In the event, `<<name>>` marks each
-- value that differs between generated events.
local function to_template(event)
  event.id, event.timestamp, event.parent_id = "<<id>>", "<<timestamp>>", "<<parent>>"
  if event.kind == "ObservationEvent" then
    event.action_id = "<<parent>>"
  end
  local names = {}
  local text = json.encode(event):gsub("%%", "%%%%"):gsub('"<<parent>>"', "<<parent>>")
  text = text:gsub("<<([A-Za-z0-9]+)>>", function(name)
    names[#names + 1] = name
    return "%s"
  end)
  return { kind = event.kind, text = text, names = names }
end

-- Returns the templates of one cycle of an agent's work, which generated events repeat. They come from the builders of
-- events.lua.
local function make_cycle()
  local conversation = { id = "<<call>>", events = {}, prompt = "Question <<number>> of a long conversation." }
  local steps = { { "message" }, { "work", 1 }, { "work", 2 }, { "work", 3 }, { "answer" }, { "state", "idle" },
    { "state", "running" } }
  local cycle = {}
  for _, step in ipairs(steps) do
    for _, event in ipairs(events.v1[step[1]](conversation, step[2])) do
      if event.tool_call_id then
        event.tool_call_id = "toolu_<<call>>"
        if event.tool_call then
          event.tool_call.id = event.tool_call_id
        end
      end
      cycle[#cycle + 1] = to_template(event)
    end
  end
  return cycle
end

local cycle = make_cycle()

local function template_of(number)
  return cycle[(number - 1) % #cycle + 1]
end

-- The id contains the number, so that `find` needs no search.
local function generated_id(conversation, number)
  return ("%s-0000-4e00-a000-%012x"):format(conversation.id:sub(1, 8), number)
end

local function generated_text(conversation, number, timestamp, parent)
  local template, values = template_of(number), {}
  local fields = {
    id = generated_id(conversation, number), timestamp = timestamp, parent = parent and '"' .. parent .. '"' or "null",
    number = ("%d"):format(number), call = ("%08x"):format(number - (template.kind == "ObservationEvent" and 1 or 0)),
  }
  for index, name in ipairs(template.names) do
    values[index] = fields[name]
  end
  return template.text:format(unpack(values))
end

-- Counts the events of a kind among the first `number` generated ones.
local function generated_of_kind(kind, number)
  local in_cycle, in_rest = 0, 0
  for index, template in ipairs(cycle) do
    if template.kind == kind then
      in_cycle = in_cycle + 1
      if index <= number % #cycle then
        in_rest = in_rest + 1
      end
    end
  end
  return math.floor(number / #cycle) * in_cycle + in_rest
end

-- The history ---------------------------------------------------------------------------------------------------------

---@class openhands.simulator.History
---@field private _conversation openhands.simulator.Conversation
---@field private _segments table[]
---@field private _count integer
---@field private _generated integer
---@field private _latest number
local history = {}
local metatable = { __index = history, __name = "openhands.simulator.History" }

--- Creates the history of a conversation.
---@param conversation openhands.simulator.Conversation its `events` are the stored ones
---@return openhands.simulator.History
function M.new(conversation)
  return setmetatable({
    _conversation = conversation, _segments = {}, _count = 0, _generated = 0, _latest = 0,
  }, metatable)
end

--- Returns the number of events.
---@return integer
function history:count()
  return self._count
end

-- Opens a segment, which covers the events `before + 1` to `before + count`. Either all of them are stored events, from
-- number `stored + 1` on, or all are generated events, from number `generated + 1` on. The first generated event is at
-- `time`, and `interval` seconds lie between two groups.
function history:_open(segment)
  segment.before, segment.count = self._count, 0
  self._segments[#self._segments + 1] = segment
  return segment
end

--- Adds the event just appended to the conversation's `events`. Sets its time, parent and action id.
---@param event table
---@param time number seconds since 1970
function history:append(event, time)
  local last = self:id(self._count)
  self._latest = math.max(self._latest, time)
  event.timestamp = timestamps.naive(self._latest)
  event.parent_id = last or json.null
  if event.kind == "ObservationEvent" then
    event.action_id = event.action_id or event.parent_id
  end
  local segment = self._segments[#self._segments]
  if not segment or not segment.stored then
    segment = self:_open { stored = #self._conversation.events - 1 }
  end
  segment.count = segment.count + 1
  self._count = self._count + 1
end

--- Adds generated events.
---@param count integer
---@param time number of the first of them, seconds since 1970
---@param interval number seconds between two groups of events with the same time
function history:add(count, time, interval)
  if count < 1 then
    return
  end
  local segment = self:_open { generated = self._generated, time = math.max(self._latest, time), interval = interval }
  segment.count = count
  self._count, self._generated = self._count + count, self._generated + count
  self._latest = segment.time + math.floor((count - 1) / group) * interval
end

--- Adds generated events like `add`, but takes the time of the last one.
---@param count integer
---@param time number of the last of them, seconds since 1970
---@param interval number as for `add`
function history:add_until(count, time, interval)
  self:add(count, time - math.floor((count - 1) / group) * interval, interval)
end

-- Returns the segment of an event, and its number in the segment.
function history:_locate(index)
  for position = #self._segments, 1, -1 do
    local segment = self._segments[position]
    if segment.before < index then
      return segment, index - segment.before
    end
  end
end

function history:_stored(segment, number)
  return self._conversation.events[segment.stored + number]
end

--- Returns the id of an event.
---@param index integer from 1
---@return string? id nil below 1
function history:id(index)
  local segment, number = self:_locate(index)
  if not segment then
    return nil
  end
  if segment.stored then
    return self:_stored(segment, number).id
  end
  return generated_id(self._conversation, segment.generated + number)
end

--- Returns the kind of an event.
---@param index integer
---@return string
function history:kind(index)
  local segment, number = self:_locate(index)
  return segment.stored and self:_stored(segment, number).kind or template_of(segment.generated + number).kind
end

--- Returns the timestamp of an event, as text.
---@param index integer
---@return string
function history:timestamp(index)
  local segment, number = self:_locate(index)
  if segment.stored then
    return self:_stored(segment, number).timestamp
  end
  return timestamps.naive(segment.time + math.floor((number - 1) / group) * segment.interval)
end

--- Returns an event as JSON.
---@param index integer
---@return string
function history:text(index)
  local segment, number = self:_locate(index)
  if segment.stored then
    return json.encode(self:_stored(segment, number))
  end
  return generated_text(self._conversation, segment.generated + number, self:timestamp(index), self:id(index - 1))
end

--- Finds an event by its id.
---@param id string
---@return integer? index nil if there is none
function history:find(id)
  local candidate = tonumber(id:match("^%x+%-0000%-4e00%-a000%-(%x+)$") or "", 16) --[[@as integer?]]
  for _, segment in ipairs(self._segments) do
    if segment.stored then
      for number = 1, segment.count do
        if self:_stored(segment, number).id == id then
          return segment.before + number
        end
      end
    elseif candidate and candidate > segment.generated and candidate <= segment.generated + segment.count then
      local index = segment.before + candidate - segment.generated --[[@as integer]]
      return generated_id(self._conversation, candidate) == id and index or nil
    end
  end
end

-- Counts the events before a time. Compares times as text, as the service does, and so misreads a bound with a zone.
function history:_earlier(timestamp)
  local below, above = 0, self._count + 1
  while above - below > 1 do
    local middle = math.floor((below + above) / 2)
    if self:timestamp(middle) < timestamp then
      below = middle
    else
      above = middle
    end
  end
  return below
end

--- Returns the range of events within bounds of time.
---@param from? string the first time in the range
---@param before? string the first time after the range
---@return integer first
---@return integer last less than `first` if there are none
function history:between(from, before)
  return (from and self:_earlier(from) or 0) + 1, before and self:_earlier(before) or self._count
end

--- Counts the events of a kind in a range.
---@param kind? string nil: any
---@param first integer
---@param last integer
---@return integer
function history:count_of(kind, first, last)
  if not kind then
    return math.max(0, last - first + 1)
  end
  local count = 0
  for _, segment in ipairs(self._segments) do
    local from, to = math.max(first - segment.before, 1), math.min(last - segment.before, segment.count)
    if from <= to and segment.generated then
      count = count + generated_of_kind(kind, segment.generated + to)
        - generated_of_kind(kind, segment.generated + from - 1)
    elseif from <= to then
      for number = from, to do
        if self:_stored(segment, number).kind == kind then
          count = count + 1
        end
      end
    end
  end
  return count
end

return M
