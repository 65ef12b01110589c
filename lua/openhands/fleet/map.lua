--- Runs a function for each item, some at a time. A function that returns the fields of a start has its conversation
--- started and waited for. The results come in the order of the items; a failure is the value in the place of a result,
--- so that it is never lost among the successes.

---@class (partial) openhands.Client
local Client = require "openhands.client_class"
local deferred = require "openhands.deferred"
local errors = require "openhands.errors"
local items = require "openhands.fleet.items"
local spelling = require "openhands.spelling"
local tasks = require "openhands.task"

local named = deferred.module "openhands.fleet.named_map"

local SLOTS = 8 -- items at a time, if the caller does not say
local SHARE_TO_STOP = 0.8 -- of a budget, after which nothing more is started: costs come late

--- Options of `map`.
---@class openhands.MapOptions
---@field name? string makes it a fleet of that name, which goes on when the same program is run again. The function
--- then only returns the fields of starts, and results are the runs of the fleet's report
---@field ledger? string of that fleet
---@field slots? integer items at a time; 8 if not given
---@field stop_on_error? boolean after a failure no further item is begun; those under way go on
---@field retry? integer|fun(err: openhands.Error, tries: integer, item: any): boolean how often an item is tried again
--- after a failure that certainly left nothing running; a function decides for each failure
---@field budget? number dollars; when four fifths of it are spent, no further item is begun
---@field order? "given"|"finished" of the results; "given" if not given

--- The results of `map`, by place.
---@class openhands.MapResults
---@field [integer] any what the function returned, the conversation that was started, or an `openhands.Error`
---@field done integer number of items without a failure
---@field failed integer
---@field skipped integer items that were not begun
---@field total integer
---@field cost number dollars, of the conversations whose cost is known
---@field indices integer[]? in the order "finished": the place among the items of each result

-- ---- options -----------------------------------------------------------------------------------------------------

local kinds = { name = "string", ledger = "string", slots = "number", stop_on_error = "boolean",
  retry = "number or function", budget = "number", order = "string" }

local function check_number(name, value, least, is_whole)
  if type(value) == "number" and not (value >= least and (not is_whole or value % 1 == 0)) then
    errors.raise(("map: '%s' must be a%s number, at least %d"):format(name, is_whole and " whole" or "", least))
  end
end

local function checked(options)
  if options ~= nil and type(options) ~= "table" then
    errors.raise(("map: options must be a table, not a %s"):format(type(options)))
  end
  options = options or {}
  for name, value in pairs(options) do
    if not kinds[name] then
      errors.raise(("map: unknown option '%s'%s"):format(tostring(name), spelling.hint(name, kinds)))
    elseif not kinds[name]:find(type(value), 1, true) then
      errors.raise(("map: '%s' must be a %s, not a %s"):format(name, kinds[name], type(value)))
    end
  end
  check_number("slots", options.slots, 1, true)
  check_number("retry", options.retry, 0, true)
  check_number("budget", options.budget, 0)
  if options.name and type(options.retry) == "function" then
    errors.raise "map: 'retry' must be a number if there is a 'name': the ledger cannot keep a function"
  elseif options.ledger and not options.name then
    errors.raise "map: 'ledger' needs a 'name'"
  end
  if options.order and options.order ~= "given" and options.order ~= "finished" then
    errors.raise 'map: \'order\' must be "given" or "finished"'
  end
  return options
end

-- ---- one item ----------------------------------------------------------------------------------------------------

local start_marks = { initial_user_msg = true, initial_message = true }

-- Returns whether a value that the caller's function has returned is the fields of a start. Raises if it seems meant to
-- be, so that nothing is left out because of a misspelt name.
local function is_start(value)
  if type(value) ~= "table" or getmetatable(value) ~= nil then
    return false
  end
  for name in pairs(start_marks) do
    if value[name] ~= nil then
      return true
    end
  end
  for name in pairs(value) do
    local meant = type(name) == "string" and spelling.nearest(name, start_marks, 2)
    if meant then
      errors.raise(("map: unknown field '%s' of a start (did you mean '%s'?)"):format(name, meant))
    end
  end
  return false
end

-- States in which a conversation has failed, and those in which it needs a person.
local failures = { failed = true, gone = true, stopped = true }
local unfinished = { waiting = true, paused = true }

-- Returns a conversation that has ended well, or nil and an error.
local function well_ended(conversation, err)
  if not conversation or not failures[conversation.state] and not unfinished[conversation.state] then
    return conversation, err
  end
  local detail = conversation.detail and ": " .. tostring(conversation.detail) or ""
  return nil, errors.new {
    kind = "conflict",
    operation = "map",
    conversation_id = conversation.conversation_id,
    conversation = conversation,
    message = ("map: the conversation is %s%s%s"):format(conversation.state, detail,
      unfinished[conversation.state] and "; it needs a person: " .. conversation.url or ""),
  }
end

-- Returns whether nothing that a failed try has started can still be running.
local function left_nothing(err)
  local conversation = err.conversation
  return errors.had_no_effect(err) or conversation ~= nil and conversation.settled and failures[conversation.state]
end

-- Returns whether an item is tried again.
local function is_tried_again(map, err, tries, item)
  local retry = map.options.retry or 0
  if err.kind == "cancelled" or err.kind == "closed" then
    return false
  elseif type(retry) == "function" then
    return retry(err, tries, item) and true
  end
  return tries <= retry and left_nothing(err) or false
end

local function cost_of(value)
  local conversation = errors.is(value) and value.conversation or value
  local cost = type(conversation) == "table" and rawget(conversation, "conversation_id") and conversation.cost
  return type(cost) == "number" and cost or 0
end

-- Runs the function for one item as a task of its own, which catches what it raises.
local function try(map, index)
  local client, run = map.client, map.run
  local task = client:spawn(function()
    local value, err = run(map.items[index], index)
    if is_start(value) then
      return well_ended(client:run(value))
    elseif value == nil and err == nil then
      return true
    end
    return value, err
  end)
  local value, err = task:wait()
  if tasks.is_cancelled() then
    task:cancel()
  end
  if value == nil and not errors.is(err) then
    err = errors.new { kind = "raised", operation = "map", cause = err,
      message = map.client:_clean("map: " .. tostring(err)) }
  end
  return value, err
end

local function skipped(map, index)
  return errors.new { kind = "cancelled", operation = "map", effect = "none",
    message = ("map: item %d was not begun, because %s"):format(index, map.stopped) }
end

local function note(map, index, value)
  local results = map.results
  map.ended = map.ended + 1
  if results.indices then
    results[map.ended], results.indices[map.ended] = value, index
  else
    results[index] = value
  end
  results.cost = results.cost + cost_of(value)
  local budget = map.options.budget
  if budget and results.cost >= SHARE_TO_STOP * budget and not map.stopped then
    map.stopped = ("%.0f %% of the budget are spent"):format(100 * SHARE_TO_STOP)
  end
end

-- Runs one item to its end, or skips it.
local function process(map, index)
  local results = map.results
  if map.stopped then
    results.skipped = results.skipped + 1
    return note(map, index, skipped(map, index))
  end
  local tries, value, err = 1, try(map, index)
  while value == nil and is_tried_again(map, err, tries, map.items[index]) do
    results.cost = results.cost + cost_of(err)
    map.client:_sleep(map.client._retry:backoff(tries))
    tries, value, err = tries + 1, try(map, index)
  end
  local has_failed = value == nil
  local name = has_failed and "failed" or "done"
  results[name] = results[name] + 1
  if has_failed and map.options.stop_on_error and not map.stopped then
    map.stopped = ("item %d has failed"):format(index)
  end
  if has_failed then
    value = err
  end
  note(map, index, value)
end

-- ---- all items -----------------------------------------------------------------------------------------------------

local function read_all(source)
  local list, next_item = {}, items.source("map", source)
  while true do
    local item, err = next_item()
    if item == nil then
      return not err and list or nil, err
    end
    list[#list + 1] = item
  end
end

--- Runs a function for each item, some at a time, and waits until all have ended. A start that the service refuses
--- because too many conversations are running waits for a slot.
---@param source any a list, an iterator function or a collection in pages
---@param run fun(item: any, index: integer): any, any? returns the fields of a start, whose conversation is started and
--- waited for; or does its own work and returns its result, or nil and an error
---@param options openhands.MapOptions?
---@return openhands.MapResults? results
---@return openhands.Error? err the items could not be read, or the call was given up; never because an item has failed
function Client:map(source, run, options)
  Client._check_usable(self, "map")
  if type(run) ~= "function" then
    errors.raise(("map: needs a function, not a %s"):format(type(run)))
  end
  options = checked(options)
  local list, err = read_all(source)
  if not list then
    return nil, err
  end
  local map = {
    client = self, items = list, run = run, options = options, ended = 0,
    results = { done = 0, failed = 0, skipped = 0, total = #list, cost = 0,
      indices = options.order == "finished" and {} or nil },
  }
  if options.name then
    return named.run(self, map, is_start)
  end
  local functions = {}
  for index = 1, #list do
    functions[index] = function()
      process(map, index)
      return true
    end
  end
  local ended, problem = self:all(functions, { concurrency = options.slots or SLOTS })
  if not ended then
    return nil, errors.rename(problem --[[@as openhands.Error]], "map")
  end
  return map.results
end
