--- Looks up the status of conversations, in a sequence of steps. V1 shows a conversation in its start task until it is
--- ready, and then in the list of conversations. An id that is new to this client may appear only in the requests of
--- recent start tasks.
---
--- Some steps take up to 99 conversations in one request. `status` runs the steps for one conversation, and the poller
--- runs them for all conversations that the client waits for.

local batches = require "openhands.conversation.batch"
local conversations = require "openhands.conversation"
local deferred = require "openhands.deferred"
local errors = require "openhands.errors"
local identifiers = require "openhands.conversation.identifier"
local results = require "openhands.conversation.result"
local start_tasks = deferred.module "openhands.conversation.start_tasks"
local states = require "openhands.conversation.state"

--- One conversation that is being looked up.
---@class openhands.Lookup
---@field id string as asked for
---@field memory openhands.Memory? of the id asked for, from the first step on
---@field grace number seconds
---@field call table? settings of the call, on which the first step depends
---@field step openhands.LookupStep? what to request next; nil: the lookup has ended
---@field conversation openhands.Conversation|false|nil false: the service does not know it
---@field err openhands.Error?
---@field caller_tries_other boolean? the caller retries in the other dialect if this one was guessed wrongly
---@field reads_events boolean? the events are read even if they were read a moment ago
---@field ready_task openhands.Conversation? built from its start task, if the task is ready
---@field latest openhands.Conversation? its last known status, for the step "result"
---@field result openhands.Result? result that this lookup has read from its events
---@field too_large openhands.Error? why its events could not be read in this lookup

---@alias openhands.LookupStep
---| "dialect" # which API the service has
---| "single" # one conversation by its id: for V0, which has no batches, and for ids that V1 refuses
---| "start_task" # its start task
---| "list" # the list of conversations
---| "recent_tasks" # the requests of recent start tasks
---| "other_dialect" # the other API, on a server that may have both
---| "result_check" # its events, which may show an end that its status does not
---| "result" # its events, for the result, after it has settled

local M = {}

local MOST_PAGES = 20 -- limit of pages, because other lookups wait meanwhile; a page has 100 start tasks

-- Requests one item. Returns false if the service does not know its id.
---@return table|false|nil item
---@return openhands.Error? err
local function read_one(client, operation, id, call)
  local list, err = client:_read(operation, { id }, call, "v1")
  if not list then
    return nil, err
  end
  return type(list[1]) == "table" and list[1]
end

-- Requests items. Returns them in the order of `ids`, and false for each unknown id.
---@return (table|false)[]? items
---@return openhands.Error? err
local function read_items(client, operation, ids, call)
  if #ids > 1 then
    return batches.read(client, operation, ids, call)
  end
  local item, err = read_one(client, operation, ids[1], call)
  return item ~= nil and { item } or nil, err
end

-- Returns the ids that the service uses for the conversations. Old services choose other ids than the client asked for.
local function served_ids(lookups)
  local ids = {}
  for place = 1, #lookups do
    ids[place] = lookups[place].memory.conversation_id or lookups[place].id
  end
  return ids
end

-- ---- the steps -----------------------------------------------------------------------------------------------------
--
-- Each sets, for every lookup that it gets, the next step or the outcome: a conversation, a result or an error.

local function fail(lookups, err)
  for _, lookup in ipairs(lookups) do
    lookup.step, lookup.conversation, lookup.result = nil, nil, nil
    lookup.err = errors.copy(err) -- because each caller adds its own conversation to it
  end
end

-- Ends lookups with an error. If the dialect was only guessed and the service has no such list, the guess was wrong:
-- then V0 is assumed, and each conversation is requested by itself.
local function fail_batch(client, lookups, err)
  local is_wrong = err.contradicts_dialect and client._is_guess and not client._confirmed_dialects.v1
  if is_wrong and not lookups[1].caller_tries_other then
    client._api = "v0"
    for _, lookup in ipairs(lookups) do
      lookup.step = "single"
    end
  else
    fail(lookups, err)
  end
end

local function finish(lookup, conversation, err)
  lookup.step, lookup.conversation, lookup.result, lookup.err = nil, conversation, nil, err
end

--- The steps, by name.
---@type table<openhands.LookupStep, fun(client: openhands.Client, lookups: openhands.Lookup[], call: table)>
local steps = {}

M.steps = steps

function steps.dialect(client, lookups, call)
  local api, err = client:_dialect("status", lookups[1].id, call)
  if not api then
    fail(lookups, err)
    return
  end
  for _, lookup in ipairs(lookups) do
    lookup.step = M.first_step(client, lookup)
  end
end

local function take_task(client, lookup, task)
  local memory = lookup.memory --[[@as openhands.Memory]]
  lookup.ready_task = nil
  if not task then
    lookup.step, lookup.conversation = "list", false
    return
  end
  local is_ready = states.is_ready(task) -- read first, because `from_task` changes the task
  local conversation, err = conversations.from_task(client, task, memory.conversation_id or lookup.id, false)
  finish(lookup, conversation, err)
  if conversation and is_ready then
    memory.ready_at = memory.ready_at or client._loop.now()
    lookup.step, lookup.ready_task = "list", conversation
  end
end

function steps.start_task(client, lookups, call)
  local ids = {}
  for place, lookup in ipairs(lookups) do
    ids[place] = lookup.memory.start_task_id
  end
  local tasks, err = read_items(client, "start_tasks.get", ids, call)
  if not tasks then
    fail_batch(client, lookups, err)
    return
  end
  for place, lookup in ipairs(lookups) do
    take_task(client, lookup, tasks[place])
  end
end

-- Applies an item of the list to a lookup. `response` is false if the list lacks the conversation.
local function take_listed(client, lookup, id, response, answered_at)
  local memory, ready_task = lookup.memory --[[@as openhands.Memory]], lookup.ready_task
  ---@type openhands.Conversation|false|nil, openhands.Error?
  local conversation, err = false, nil
  if response then
    conversation, err = conversations.from_status(client, response, "v1", id, lookup.grace, answered_at)
  end
  finish(lookup, conversation, err)
  lookup.ready_task = nil
  if conversation then
    local served = id == lookup.id and memory or client:_remember(id)
    served.listed = true
    local may_tell = states.may_have_ended(conversation, served)
    if may_tell and (lookup.reads_events or results.is_due(client, conversation, served)) then
      lookup.step = "result_check"
    end
  elseif conversation == false and ready_task then
    -- The list shows a conversation a moment after it is ready. It is gone if it was listed before, or if it has
    -- been ready for longer than the grace period.
    local is_new = client._loop.now() - memory.ready_at < lookup.grace and not memory.listed
    lookup.conversation = is_new and ready_task
  elseif conversation == false and not memory.listed then
    lookup.step = "recent_tasks"
  end
end

-- The same as the step "list", for one lookup: most calls need no more.
local function list_one(client, lookup, id, call)
  local response, err = read_one(client, "status", id, call)
  if response == nil then
    fail_batch(client, { lookup }, err)
  else
    take_listed(client, lookup, id, response, client._loop.now())
  end
end

function steps.list(client, lookups, call)
  local ids = served_ids(lookups)
  local responses, err = read_items(client, "status", ids, call)
  if not responses then
    fail_batch(client, lookups, err)
    return
  end
  local answered_at = client._loop.now()
  for place = 1, #lookups do
    take_listed(client, lookups[place], ids[place], responses[place], answered_at)
  end
end

function steps.recent_tasks(client, lookups, call)
  local ids, open = served_ids(lookups), {}
  -- A caller may have given the id of the start task instead of that of the conversation.
  local tasks = read_items(client, "start_tasks.get", ids, call)
  for place, lookup in ipairs(lookups) do
    finish(lookup, false)
    if tasks and tasks[place] then
      finish(lookup, conversations.from_task(client, tasks[place], ids[place], false))
    else
      open[lookup] = identifiers.normalize(ids[place])
    end
  end
  if next(open) == nil then
    return
  end
  local _, err = start_tasks.read(client, start_tasks.recent(client), call, function(task)
    for lookup, id in pairs(open) do
      if start_tasks.is_about(task, id) then
        finish(lookup, conversations.from_task(client, task, lookup.memory.conversation_id or lookup.id, false))
        open[lookup] = nil
      end
    end
    return next(open) == nil
  end, MOST_PAGES)
  for lookup in pairs(open) do
    if err then
      fail({ lookup }, err)
    elseif client._may_have_both and not lookup.memory.was_asked_of_v0 then
      lookup.step = "other_dialect"
    end
  end
end

-- For one lookup. If the events cannot be read, the lookup keeps the status. If they show that the status may be
-- outdated, the list is requested once more.
function steps.result_check(client, lookups, call)
  local lookup = lookups[1]
  local conversation = lookup.conversation --[[@as openhands.Conversation]]
  lookup.step = nil
  local result, err = results.read(client, conversation, call)
  lookup.result, lookup.too_large = result, err and err.kind == "too_large" and err or nil
  local memory = client:_remember(conversation.conversation_id)
  if result and states.apply_result(conversation, result, memory) then
    lookup.step = "list"
  end
end

-- For lookups of one conversation, which has settled.
function steps.result(client, lookups, call)
  local result = results.read(client, lookups[1].latest --[[@as openhands.Conversation]], call)
  for _, lookup in ipairs(lookups) do
    lookup.step, lookup.result = nil, result
  end
end

-- Reads the events of a V0 conversation if they may show an end. While it starts, only sets the step that reads them.
-- For V1, the step "list" decides this.
local function check_result_v0(client, lookups, call)
  local lookup = lookups[1]
  local conversation = lookup.conversation
  if not conversation or conversation.api ~= "v0" then
    return
  end
  local memory = client:_remember(conversation.conversation_id)
  if states.may_have_ended(conversation, memory) and results.is_due(client, conversation, memory) then
    lookup.step = "result_check"
    if conversation.state ~= "starting" then -- while it starts, there are mostly no events to read
      steps.result_check(client, lookups, call)
    end
  end
end

-- For one lookup.
function steps.single(client, lookups, call)
  finish(lookups[1], client:_status(lookups[1].id, call))
  check_result_v0(client, lookups, call)
end

-- Errors of a server that has no such conversation, or no such API.
local unknown_kinds = { not_found = true, invalid = true, protocol = true, unsupported = true }

-- For one lookup. A conversation that the other API does not have either stays unknown.
function steps.other_dialect(client, lookups, call)
  local lookup = lookups[1]
  local response, err = client:_read("status", lookup.id, call, "v0")
  if err and not unknown_kinds[err.kind] then
    fail(lookups, err)
    return
  end
  lookup.memory.was_asked_of_v0 = true
  local is_there = type(response) == "table"
  finish(lookup, is_there and conversations.from_status(client, response, "v0", lookup.id, lookup.grace) or false)
  check_result_v0(client, lookups, call)
end

-- ---- running them --------------------------------------------------------------------------------------------------

-- Returns the first step on V1, and the id that it requests.
local function first_step_v1(client, lookup)
  local memory = client:_remember(lookup.id)
  lookup.memory = memory
  local id = memory.conversation_id or lookup.id
  local served = id == lookup.id and memory or client:_remember(id)
  if memory.start_task_id and not served.listed then
    return "start_task", memory.start_task_id
  end
  return "list", id
end

--- Returns the first step of a lookup.
---@param client openhands.Client
---@param lookup openhands.Lookup
---@return openhands.LookupStep
function M.first_step(client, lookup)
  local step, id = first_step_v1(client, lookup)
  local chosen = rawget(lookup.call, "api")
  local api = chosen ~= "auto" and chosen or chosen == nil and lookup.memory.api or client._api
  if not api then
    return "dialect"
  elseif api == "v0" or not identifiers.is_uuid(id) then -- V1 refuses a whole batch for an id that is no UUID
    return "single"
  end
  return step
end

--- Runs all steps of one lookup.
---@param client openhands.Client
---@param lookup openhands.Lookup
---@param call table
---@return openhands.Conversation|false? conversation false: the service does not know it
---@return openhands.Error? err
function M.run(client, lookup, call)
  local lookups = { lookup }
  while lookup.step do
    steps[lookup.step](client, lookups, call)
  end
  return lookup.conversation, lookup.err
end

--- Looks up the status of a V1 conversation, in as few steps as the client's memory of it allows. If the service does
--- not show it yet, returns the answer to its start.
---@param client openhands.Client
---@param id string
---@param call table
---@return openhands.Conversation|false? conversation false: the service does not know it
---@return openhands.Error? err
function M.status(client, id, call)
  -- The fields that are nil make room for what the steps set.
  local lookup = {
    id = id, grace = call.grace, reads_events = true, caller_tries_other = true,
    memory = nil, step = nil, conversation = nil, result = nil,
  }
  local step, served = first_step_v1(client, lookup)
  if step == "list" then
    list_one(client, lookup, served, call)
  else
    lookup.step = step
  end
  local conversation, err = lookup.conversation, lookup.err
  if lookup.step then
    conversation, err = M.run(client, lookup, call)
  end
  if conversation == false then
    conversation = conversations.young_answer(client, client:_remember(id), call.grace) or false
  end
  return conversation, err
end

--- Returns the error for a conversation that the service does not know.
---@param id string
---@return openhands.Error
function M.unknown(id)
  return errors.new {
    kind = "not_found",
    operation = "status",
    conversation_id = id,
    message = ("status: the service knows no conversation %s; check the id, "
      .. "and that it belongs to the account of this API key"):format(id),
  }
end

return M
