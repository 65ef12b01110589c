--- Reads the settings of fleets and workers. Mistakes of the caller raise.

local errors = require "openhands.errors"
local spelling = require "openhands.spelling"

local M = {}

--- Settings of a fleet. Settings of clients may be among them.
---@class openhands.FleetSettings: openhands.Settings
---@field name string of the fleet; the same name in the same ledger is the same fleet
---@field ledger? string path, or postgresql://…; a file of SQLite of this user if not given
---@field slots? integer most conversations of the fleet at once (default: as before; 8 for a new one)
---@field reserve? integer slots of the account to keep free for others (default 0)
---@field weight? number share of the account's slots, compared with other fleets (default 1)
---@field canary? integer so many items, the first ones, must be done before the others start; if one fails, the others
--- are skipped
---@field budget? number dollars: nothing more is started when four fifths are spent, and what is live is paused when
--- all is; math.huge for none
---@field after? "pause"|"leave"|"delete" what becomes of the sandbox of an ended run (default "pause")
---@field on_paused? "resume"|"leave"|"fail" what becomes of a run that was paused by others (default "resume")
---@field on_change? fun(run: openhands.Run, previous: openhands.RunState?)
---@field on_done? fun(run: openhands.Run)
---@field account? string name of the account in the ledger; by default the service is asked
---@field lease? number seconds after which another worker takes over what a dead one has left (default 60)
---@field defaults? table fields for each item
---@field secrets? table|function values of the secrets that items refer to
---@field interval? number seconds between two polls of a conversation
---@field start_interval? number seconds between two starts (default 1)
---@field dry_run? boolean whether the ledger keeps nothing of what this fleet does, for a look at its plan

--- Settings of a worker.
---@class openhands.WorkerOptions: openhands.Settings
---@field ledger? string
---@field reserve? integer
---@field after? "pause"|"leave"|"delete"
---@field on_paused? "resume"|"leave"|"fail"
---@field on_change? fun(run: openhands.Run, previous: openhands.RunState?)
---@field on_done? fun(run: openhands.Run)
---@field account? string
---@field lease? number
---@field secrets? table|function
---@field interval? number
---@field start_interval? number

local function is_text(value)
  return type(value) == "string" and value ~= "" and not value:find("\0", 1, true)
end

local function number(least, is_whole)
  return function(value)
    return type(value) == "number" and value >= least and value < 2 ^ 31 and (not is_whole or value % 1 == 0)
  end
end

local function one_of(...)
  local values = { ... }
  return function(value)
    for _, each in ipairs(values) do
      if value == each then
        return true
      end
    end
    return false
  end
end

local function is_function(value)
  return type(value) == "function"
end

-- What a setting must be: a function that says whether a value is right, in words, its default, and for whom it is.
local known = {
  name = { is_text, "a text", only_fleet = true },
  ledger = { is_text, "a path or the URL of a database" },
  slots = { number(1, true), "a whole number, at least 1", only_fleet = true },
  reserve = { number(0, true), "a whole number, at least 0", 0 },
  weight = { number(0.001), "a number, at least 0.001", only_fleet = true },
  canary = { number(0, true), "a whole number, at least 0", only_fleet = true },
  budget = { function(value) return type(value) == "number" and value >= 0 end, "a number of dollars",
    only_fleet = true },
  after = { one_of("pause", "leave", "delete"), '"pause", "leave" or "delete"', "pause" },
  on_paused = { one_of("resume", "leave", "fail"), '"resume", "leave" or "fail"', "resume" },
  on_change = { is_function, "a function" },
  on_done = { is_function, "a function" },
  account = { is_text, "a text" },
  lease = { number(0.1), "a number of seconds, at least 0.1", 60 },
  defaults = { function(value) return type(value) == "table" end, "a table of fields", only_fleet = true },
  secrets = { function(value) return type(value) == "table" or is_function(value) end, "a table or a function" },
  interval = { number(0), "a number of seconds" },
  start_interval = { number(0), "a number of seconds", 1 },
  dry_run = { one_of(true, false), "true or false", only_fleet = true },
}

local of_run = {
  on_change = known.on_change,
  on_done = known.on_done,
  timeout = { number(0), "a number of seconds, at least 0" },
}

local function check(caller, name, rule, value)
  if not rule[1](value) then
    errors.raise(("%s: '%s' must be %s"):format(caller, name, rule[2]))
  end
end

-- Returns the settings that are known here, with defaults, and those that are for a client.
local function split(caller, given, is_fleet)
  if type(given) ~= "table" or errors.is_empty_list(given) then
    errors.raise(("%s: needs a table of settings, not %s"):format(caller, errors.words_of(given)))
  end
  local settings, of_client, names = {}, {}, require("openhands.settings").names()
  for name, rule in pairs(known) do
    if is_fleet or not rule.only_fleet then
      names[name], settings[name] = true, rule[3]
    end
  end
  for name, value in pairs(given) do
    local rule = known[name]
    if names[name] == nil then
      errors.raise(("%s: unknown setting '%s'%s"):format(caller, tostring(name), spelling.hint(name, names)))
    elseif rule then
      check(caller, name, rule, value)
      settings[name] = value
    else
      of_client[name] = value
    end
  end
  return settings, of_client
end

--- Returns the settings of a fleet, and those of its client.
---@param given any
---@return openhands.FleetSettings settings
---@return openhands.Settings of_client
function M.of_fleet(given)
  local settings, of_client = split("fleet", given, true)
  if not settings.name then
    errors.raise "fleet: 'name' is missing: the same name continues the same fleet"
  end
  return settings --[[@as openhands.FleetSettings]], of_client
end

--- Returns the settings of a worker, and those of its client.
---@param given any
---@return openhands.WorkerOptions settings
---@return openhands.Settings of_client
function M.of_worker(given)
  return split("worker", given == nil and {} or given, false)
end

--- Returns the options of one run of a fleet.
---@param given any
---@return table
function M.of_run(given)
  if given ~= nil and type(given) ~= "table" then
    errors.raise(("run: options must be a table, not a %s"):format(type(given)))
  end
  for name, value in pairs(given or {}) do
    if not of_run[name] then
      errors.raise(("run: unknown option '%s'%s"):format(tostring(name), spelling.hint(name, of_run)))
    end
    check("run", name, of_run[name], value)
  end
  return given or {}
end

return M
