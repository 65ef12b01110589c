--- All events of a V1 conversation, in the order in which they were stored: those that were told, which are kept, and
-- made-up ones, which are computed when somebody asks for them. So a conversation of a million events needs no memory.
-- Times never fall from one event to the next.
local events = require "openhands.simulator.model.events"
local json = require "openhands.simulator.encoding.json"
local timestamps = require "openhands.simulator.encoding.timestamps"

local M = {}

local unpack = table.unpack or unpack

-- Made-up events ------------------------------------------------------------------------------------------------------

-- So many neighbours have the same time.
local group = 3

-- A teller's event as a form to be filled in. What differs from event to event is marked as `<<name>>`.
local function form(event)
  event.id, event.timestamp, event.parent_id = "<<id>>", "<<timestamp>>", "<<parent>>"
  if event.kind == "ObservationEvent" then event.action_id = "<<parent>>" end
  local names = {}
  local text = json.encode(event):gsub("%%", "%%%%"):gsub('"<<parent>>"', "<<parent>>")
  text = text:gsub("<<([A-Za-z0-9]+)>>", function(name)
    names[#names + 1] = name
    return "%s"
  end)
  return { kind = event.kind, text = text, names = names }
end

-- What an agent does again and again, in the shapes of its true events.
local function make_cycle()
  local job = { id = "<<call>>", events = {}, prompt = "Question <<number>> of a long conversation." }
  local tellers = { { "message" }, { "work", 1 }, { "work", 2 }, { "work", 3 }, { "answer" }, { "state", "idle" },
    { "state", "running" } }
  local cycle = {}
  for _, teller in ipairs(tellers) do
    for _, event in ipairs(events.v1[teller[1]](job, teller[2])) do
      if event.tool_call_id then
        event.tool_call_id = "toolu_<<call>>"
        if event.tool_call then event.tool_call.id = event.tool_call_id end
      end
      cycle[#cycle + 1] = form(event)
    end
  end
  return cycle
end

local cycle = make_cycle()

local function form_of(number)
  return cycle[(number - 1) % #cycle + 1]
end

-- The number stands in the id, so that nobody has to search for it.
local function made_id(job, number)
  return ("%s-0000-4e00-a000-%012x"):format(job.id:sub(1, 8), number)
end

local function made_text(job, number, timestamp, parent)
  local made, values = form_of(number), {}
  local fillings = {
    id = made_id(job, number), timestamp = timestamp, parent = parent and '"' .. parent .. '"' or "null",
    number = ("%d"):format(number), call = ("%08x"):format(number - (made.kind == "ObservationEvent" and 1 or 0)),
  }
  for index, name in ipairs(made.names) do values[index] = fillings[name] end
  return made.text:format(unpack(values))
end

-- How many of the first `number` made-up events are of a kind.
local function made_of_kind(kind, number)
  local in_cycle, in_rest = 0, 0
  for index, made in ipairs(cycle) do
    if made.kind == kind then
      in_cycle = in_cycle + 1
      if index <= number % #cycle then in_rest = in_rest + 1 end
    end
  end
  return math.floor(number / #cycle) * in_cycle + in_rest
end

-- The history ---------------------------------------------------------------------------------------------------------

---@class openhands.simulator.History
---@field private _job { id: string, events: table[] }
---@field private _runs table[]
---@field private _count integer
---@field private _made integer
---@field private _latest number
local history = {}
local metatable = { __index = history, __name = "openhands.simulator.History" }

--- Makes the history of a job.
---@param job { id: string, events: table[] } its `events` are the told ones
---@return openhands.simulator.History
function M.new(job)
  return setmetatable({ _job = job, _runs = {}, _count = 0, _made = 0, _latest = 0 }, metatable)
end

--- How many events there are.
---@return integer
function history:count() return self._count end

-- A run holds the events from `before + 1` to `before + count`: told ones from number `told + 1` of the job's, or
-- made-up ones from number `made + 1`, the first of them at `time` and `pitch` seconds between two groups.
function history:_open(run)
  run.before, run.count = self._count, 0
  self._runs[#self._runs + 1] = run
  return run
end

--- Takes a told event that has just been appended to the job's events. It gets its time, parent and cause.
---@param event table
---@param time number when it happened, seconds since 1970
function history:tell(event, time)
  local last = self:id(self._count)
  self._latest = math.max(self._latest, time)
  event.timestamp = timestamps.naive(self._latest)
  event.parent_id = last or json.null
  if event.kind == "ObservationEvent" then event.action_id = event.action_id or event.parent_id end
  local run = self._runs[#self._runs]
  if not run or not run.told then run = self:_open { told = #self._job.events - 1 } end
  run.count = run.count + 1
  self._count = self._count + 1
end

--- Adds made-up events.
---@param count integer
---@param time number of the first of them, seconds since 1970
---@param pitch number seconds
function history:add(count, time, pitch)
  if count < 1 then return end
  local run = self:_open { made = self._made, time = math.max(self._latest, time), pitch = pitch }
  run.count = count
  self._count, self._made = self._count + count, self._made + count
  self._latest = run.time + math.floor((count - 1) / group) * pitch
end

--- As `add`, so that the last of them happens at a time.
---@param count integer
---@param time number of the last of them, seconds since 1970
---@param pitch number seconds
function history:add_until(count, time, pitch)
  self:add(count, time - math.floor((count - 1) / group) * pitch, pitch)
end

-- The run of an event, and its number in there.
function history:_locate(index)
  for position = #self._runs, 1, -1 do
    local run = self._runs[position]
    if run.before < index then return run, index - run.before end
  end
end

function history:_told(run, number) return self._job.events[run.told + number] end

--- The id of an event.
---@param index integer from 1
---@return string? id nil below 1
function history:id(index)
  local run, number = self:_locate(index)
  if not run then return nil end
  return run.told and self:_told(run, number).id or made_id(self._job, run.made + number)
end

--- The kind of an event.
---@param index integer
---@return string
function history:kind(index)
  local run, number = self:_locate(index)
  return run.told and self:_told(run, number).kind or form_of(run.made + number).kind
end

--- The time of an event, as it stands in there.
---@param index integer
---@return string
function history:timestamp(index)
  local run, number = self:_locate(index)
  if run.told then return self:_told(run, number).timestamp end
  return timestamps.naive(run.time + math.floor((number - 1) / group) * run.pitch)
end

--- An event as JSON.
---@param index integer
---@return string
function history:text(index)
  local run, number = self:_locate(index)
  if run.told then return json.encode(self:_told(run, number)) end
  return made_text(self._job, run.made + number, self:timestamp(index), self:id(index - 1))
end

--- Where an event stands.
---@param id string
---@return integer? index nil when there is none with this id
function history:find(id)
  local made = tonumber(id:match("^%x+%-0000%-4e00%-a000%-(%x+)$") or "", 16) --[[@as integer?]]
  for _, run in ipairs(self._runs) do
    if run.told then
      for number = 1, run.count do
        if self:_told(run, number).id == id then return run.before + number end
      end
    elseif made and made > run.made and made <= run.made + run.count then
      return made_id(self._job, made) == id and run.before + made - run.made --[[@as integer]] or nil
    end
  end
end

-- How many events are earlier than a time. Times are compared as text, so a bound with a zone does not do what its
-- author thinks; neither does it at the service.
function history:_earlier(timestamp)
  local below, above = 0, self._count + 1
  while above - below > 1 do
    local middle = math.floor((below + above) / 2)
    if self:timestamp(middle) < timestamp then below = middle else above = middle end
  end
  return below
end

--- The events within bounds of time, as the first and the last of them.
---@param from? string
---@param before? string
---@return integer first
---@return integer last less than `first` when there are none
function history:between(from, before)
  return (from and self:_earlier(from) or 0) + 1, before and self:_earlier(before) or self._count
end

--- How many events of a kind there are in a range.
---@param kind? string nil: any
---@param first integer
---@param last integer
---@return integer
function history:count_of(kind, first, last)
  if not kind then return math.max(0, last - first + 1) end
  local count = 0
  for _, run in ipairs(self._runs) do
    local from, to = math.max(first - run.before, 1), math.min(last - run.before, run.count)
    if from <= to and run.made then
      count = count + made_of_kind(kind, run.made + to) - made_of_kind(kind, run.made + from - 1)
    elseif from <= to then
      for number = from, to do
        if self:_told(run, number).kind == kind then count = count + 1 end
      end
    end
  end
  return count
end

return M
