--- Keeps the entries of a poller in cohorts: entries that are due at the same moment, for the same step and with the
--- same settings. Those that were polled together mostly stay together. So a search among thousands of entries looks at
--- a hundredth of them.

local lookups = require "openhands.conversation.lookup"

local M = {}

local FEW = 8 -- a group with more entries has cohorts of its own

local weak = { __mode = "v" } -- the waits own their entries

-- Settings in which two entries must agree to share a request.
local distinctive = {
  "api_key", "organization", "api", "timeout", "connect_timeout", "max_body", "max_memory", "retries",
}

--- Entries that are due together, from the place `first` on. A place may be empty, or its entry may have left: an entry
--- belongs to the cohort in its field `cohort`. Weak, so that the entries of a wait ended by an error are collected.
---@class openhands.Cohort
---@field first integer no entry before this place belongs to it
---@field count integer last place
---@field due_at number monotonic moment
---@field pause number seconds
---@field last_polled number monotonic moment
---@field step openhands.LookupStep the next one
---@field has_interval boolean the callers have set an interval
---@field next_at number|false monotonic moment at which the lookups start anew
---@field group openhands.WaitGroup? of all its entries, if that has many
---@field [integer] openhands.PollEntry

---@class openhands.Cohorts
---@field private _client openhands.Client
---@field private _list openhands.Cohort[]
---@field private _unfiled table<integer, openhands.PollEntry> weak: entries that belong to no cohort yet
---@field private _unfiled_count integer places in `_unfiled`
local Cohorts = {}
Cohorts.__index = Cohorts

--- Makes the cohorts of a client's poller.
---@param client openhands.Client
---@return openhands.Cohorts
function M.new(client)
  return setmetatable({
    _client = client,
    _list = {},
    _unfiled = setmetatable({}, weak),
    _unfiled_count = 0,
  }, Cohorts)
end

--- Returns whether the settings of two entries allow them to share a request.
---@param call table settings of the one
---@param other table settings of the other
---@return boolean
function M.agree(call, other)
  if call == other then
    return true
  end
  for _, name in ipairs(distinctive) do
    if rawget(call, name) ~= rawget(other, name) then
      return false
    end
  end
  return true
end

-- ---- filing --------------------------------------------------------------------------------------------------------

--- Takes an entry out of its cohort, because its step or the moment at which it is due changes. The next `file` puts it
--- into another one.
---@param entry openhands.PollEntry
function Cohorts:unfile(entry)
  local count = self._unfiled_count + 1
  self._unfiled[count], self._unfiled_count = entry, count -- first: an interrupt must not lose it
  entry.cohort = nil
end

-- Returns whether an entry may join a cohort that has the moment of the entry.
local function may_join(cohort, entry, step, group)
  local other = cohort[cohort.count]
  return cohort.step == step
    and cohort.pause == entry.pause
    and cohort.last_polled == entry.last_polled
    and cohort.has_interval == (entry.interval ~= nil)
    and cohort.next_at == (entry.is_delivered and entry.next_at or false)
    and cohort.group == group
    and other ~= nil
    and M.agree(other.call, entry.call)
end

--- Puts every entry without a cohort into one. Must be called before the cohorts are searched.
function Cohorts:file()
  local client, list, unfiled, latest = self._client, self._list, self._unfiled, {}
  local last = list[#list]
  if last then -- waits that begin one after another share one
    latest[last.due_at] = last
  end
  for place = 1, self._unfiled_count do
    local entry = unfiled[place]
    if entry and not entry.cohort and entry.group.entries[entry] then
      local group = entry.group.count > FEW and entry.group or nil
      local step = entry.step or lookups.first_step(client, entry)
      local cohort = latest[entry.due_at]
      if not (cohort and may_join(cohort, entry, step, group)) then
        cohort = setmetatable({
          first = 1,
          count = 0,
          due_at = entry.due_at,
          pause = entry.pause,
          last_polled = entry.last_polled,
          step = step,
          has_interval = entry.interval ~= nil,
          next_at = entry.is_delivered and entry.next_at or false,
          group = group,
        }, weak)
        latest[entry.due_at], list[#list + 1] = cohort, cohort
      end
      local count = cohort.count + 1
      cohort[count], cohort.count = entry, count
      entry.cohort = cohort -- last: until then it counts as unfiled
    end
  end
  if self._unfiled_count > 0 then
    self._unfiled, self._unfiled_count = setmetatable({}, weak), 0
  end
end

-- Returns the first entry of a cohort; nil if none is left.
local function first_entry(cohort)
  local place, count = cohort.first, cohort.count
  local entry = cohort[place]
  while place <= count and not (entry and entry.cohort == cohort) do
    place = place + 1
    entry = cohort[place]
  end
  cohort.first = place
  return entry
end

--- Files all entries of a cohort anew, because their step is outdated.
---@param cohort openhands.Cohort
function Cohorts:refile(cohort)
  for place = cohort.first, cohort.count do
    local entry = cohort[place]
    if entry and entry.cohort == cohort then
      self:unfile(entry)
    end
  end
  self:file()
end

-- Starts lookups anew whose events were not read before the next poll of the status.
local function restart(cohorts, cohort)
  for place = cohort.first, cohort.count do
    local entry = cohort[place]
    if entry and entry.cohort == cohort then
      entry.is_delivered, entry.step = nil, nil
    end
  end
  cohorts:refile(cohort)
end

-- ---- searching -----------------------------------------------------------------------------------------------------

--- Returns the cohorts that have entries, up to date. The list may be read until the next call of a method.
---@param now number monotonic, seconds
---@return openhands.Cohort[]
function Cohorts:list(now)
  local list, kept = self._list, 0
  self:file()
  local place, cohort = 1, list[1]
  while cohort do
    local is_outdated = cohort.next_at and cohort.next_at <= now
    if is_outdated then
      restart(self, cohort) -- adds cohorts to the end of the list
    elseif first_entry(cohort) then
      kept = kept + 1
      list[kept] = cohort
    end
    place = place + 1
    cohort = list[place]
  end
  for further = place - 1, kept + 1, -1 do
    list[further] = nil
  end
  return list
end

--- Returns the moment at which the next entry of a group is due. Every entry must be filed.
---@param group openhands.WaitGroup
---@return number moment monotonic
function Cohorts:next_due(group)
  local due_at = math.huge
  if group.count <= FEW then
    for entry in pairs(group.entries) do
      due_at = math.min(due_at, entry.due_at)
    end
    return due_at
  end
  for _, cohort in ipairs(self._list) do
    if cohort.group == group and cohort.due_at < due_at and first_entry(cohort) then
      due_at = cohort.due_at
    end
  end
  return due_at
end

return M
