--- Decides when a run may be started: counts the sandboxes of others on the account, learns the limit that the service
--- tells, keeps starts apart, and pauses the account until its quota is renewed. The ledger counts the live runs.

local clock = require "openhands.request.service_clock"
local core = require "openhands.core"
local errors = require "openhands.errors"
local timestamps = require "openhands.conversation.timestamp"

local M = {}

local COUNT_INTERVAL = 10 -- seconds for each page of sandboxes: a count of many pages is repeated more rarely
local MOST_SANDBOXES = 1000 -- that are counted
local TOLD_HOLD = 3600 -- seconds after which one conversation more than a limit that the service has told is tried
local GUESS_HOLD = 900 -- the same for one that is guessed from a pause: a person may have paused the conversation
local SHORTEST_QUOTA_PAUSE, LONGEST_QUOTA_PAUSE = 60, 25 * 3600 -- seconds

---@class openhands.FleetSlots
---@field private _client openhands.Client
---@field private _interval number seconds between two starts
---@field private _unclaimed table<string, true> sandboxes that were up at the last count, and are no run's
---@field private _others integer their number
---@field private _is_young boolean a live run does not know its sandbox yet: it may be one of them
---@field private _count_at number? monotonic moment of the next count; nil: now
---@field private _next_start_at number monotonic moment
local Slots = {}
Slots.__index = Slots

--- Creates what decides for one worker.
---@param client openhands.Client
---@param settings { start_interval: number }
---@return openhands.FleetSlots
function M.new(client, settings)
  return setmetatable({
    _client = client,
    _interval = settings.start_interval,
    _unclaimed = {},
    _others = 0,
    _is_young = false,
    _next_start_at = -math.huge,
  }, Slots)
end

-- Returns whether a sandbox takes one of the account's slots.
local function is_up(sandbox)
  local status = type(sandbox) == "table" and sandbox.status
  return type(status) == "string" and (core.upper(status) == "RUNNING" or core.upper(status) == "STARTING")
end

-- Returns the ids of the sandboxes that are up, or nil if the service does not tell; and the number of pages read.
local function sandboxes_up(client)
  local ids, pages, count, seen = {}, client.sandboxes:list(), 0, 0
  while seen < MOST_SANDBOXES do
    local page, err = pages:page()
    if err then
      return nil, count + 1
    elseif not page then
      break
    end
    count = count + 1
    for _, sandbox in ipairs(page) do
      seen = seen + 1
      if is_up(sandbox) and type(sandbox.id) == "string" then
        ids[#ids + 1] = sandbox.id
      end
    end
  end
  return ids, math.max(1, count)
end

-- Takes the sandboxes of live runs from those that are no run's. None is added: that waits for the next count.
local function take_runs(slots, runs)
  slots._is_young = false
  for _, run in ipairs(runs) do
    slots._unclaimed[core.normalize_id(run.conversation_id)] = nil -- the service names the sandbox of a start so
    slots._unclaimed[core.normalize_id(run.sandbox_id or "")] = nil
    slots._is_young = slots._is_young or not run.sandbox_id
  end
  slots._others = 0
  for _ in pairs(slots._unclaimed) do
    slots._others = slots._others + 1
  end
end

--- Returns how many sandboxes of others are up on the account. Reads one page of sandboxes in ten seconds at most, on
--- average; while the service does not tell, the last count stays. Between two counts, only the sandboxes of new runs
--- are taken from it, as soon as the ledger knows them: their runs count as live.
---@param live fun(): { conversation_id: string, sandbox_id: string? }[]? reads the live runs
---@return integer
---@return boolean is_most some of them may be of runs that do not know their sandboxes yet
function Slots:others(live)
  local client, now = self._client, self._client:_now()
  if client._api ~= "v0" and (not self._count_at or now >= self._count_at) then
    self._count_at = now + COUNT_INTERVAL
    local up, pages = sandboxes_up(client)
    self._count_at = now + COUNT_INTERVAL * pages
    local runs = up and live() -- read afterwards: a run that was started meanwhile is known by then
    if up and runs then
      self._unclaimed = {}
      for _, id in ipairs(up) do
        self._unclaimed[core.normalize_id(id)] = true
      end
      take_runs(self, runs)
    end
  elseif self._is_young and self._others > 0 then
    local runs = live()
    if runs then
      take_runs(self, runs)
    end
  end
  return self:last_others()
end

--- Returns the same as of the last count.
---@return integer
---@return boolean is_most
function Slots:last_others()
  return self._others, self._is_young and self._others > 0
end

--- Returns the seconds until the next start may be claimed; 0 or less: now.
---@return number
function Slots:until_start()
  return self._next_start_at - self._client:_now()
end

--- Notes that a run was claimed for its start: the next one follows some time later.
function Slots:note_start()
  self:hold(self._interval * (0.5 + self._client._settings.random()))
end

--- Claims nothing for a while.
---@param seconds number
function Slots:hold(seconds)
  self._next_start_at = math.max(self._next_start_at, self._client:_now() + seconds)
end

--- Counts the sandboxes of others anew before the next start.
function Slots:forget_count()
  self._count_at = nil
end

-- Returns the seconds from now until an ISO 8601 moment by the service's clock; nil if it cannot be read.
local function seconds_until(client, moment)
  local at = timestamps.seconds(moment)
  local now = { at = client:_now(), wall = client:_wall() }
  return at and at - (clock.at_service(client, now) or now.wall)
end

--- Returns how long the account pauses after its quota was used up.
---@param err openhands.Error of kind "quota"
---@return number seconds
function Slots:quota_pause(err)
  local seconds = seconds_until(self._client, err.reset_at) or 3600
  return math.min(LONGEST_QUOTA_PAUSE, math.max(SHORTEST_QUOTA_PAUSE, seconds))
end

--- Returns the limit of conversations that the service has told, if it has.
---@param err openhands.Error|string of kind "limit", or the words of a start task that has failed
---@return integer?
function M.limit_in(err)
  local limit = errors.is(err) and err.limit or type(err) == "string" and tonumber(err:match "limit of (%d+)") or nil
  return type(limit) == "number" and limit >= 1 and limit < 2 ^ 31 and math.floor(limit) or nil
end

local function note_limit(worker, limit, hold)
  worker:ask("set_learned_slots", { account_id = worker.settings.account_id, slots = limit, seconds = hold })
end

--- Takes that the service has refused a start because too many conversations are at work.
---@param worker openhands.Worker
---@param err openhands.Error|string as for `limit_in`
function M.learn(worker, err)
  local limit = M.limit_in(err)
  if limit then
    note_limit(worker, limit, TOLD_HOLD)
  end
  worker.slots:forget_count()
end

--- Takes that the service seems to have paused a conversation because too many were up.
---@param worker openhands.Worker
---@param up integer runs that are up nevertheless
function M.learn_guess(worker, up)
  note_limit(worker, up + worker.slots._others, GUESS_HOLD)
end

return M
