--- Where the service shows a V1 conversation: in the list once it is ready, in its start task until then, and for an
--- id that nobody here has seen, in the requests of recent start tasks.
---
--- A look goes from place to place in steps, each for up to 99 conversations at once: of one in a call for its status,
--- of all that somebody waits for in a watch.

local ascii = require "openhands.ascii"
local conversations = require "openhands.conversation"
local endings = require "openhands.conversation.result_check"
local errors = require "openhands.errors"
local service_clock = require "openhands.request.service_clock"
local start_tasks = require "openhands.conversation.start_tasks"

--- How one conversation is looked for.
---@class openhands.Look
---@field id string as asked for
---@field grace number seconds
---@field call table? settings of the call that wants to know, for the choice of the first step
---@field step openhands.Step? what to ask next; nil: it is known how the conversation stands
---@field conversation openhands.Conversation|false|nil false: the service knows nothing of it
---@field err openhands.Error?
---@field is_alone boolean? whoever looks finds the other dialect where this one was guessed wrongly
---@field insists boolean? whether the events are read however often they have been
---@field task openhands.Conversation? as its start task shows it, which is ready
---@field latest openhands.Conversation? as it was seen last, for the step "ending"
---@field ending openhands.Ending? what its events have told in this look
---@field too_large openhands.Error? why they could not be read in this look

---@alias openhands.Step
---| "dialect" # which one the service speaks
---| "single" # all about this one conversation
---| "tasks" # its start task
---| "list" # the list of conversations
---| "unlisted" # the requests of recent start tasks
---| "other" # the other API, on a server that may have both
---| "behind" # its events: they may tell an end that its status hides
---| "ending" # its events: how it ended

local M = {}

local MOST_PAGES = 20 -- of start tasks, a hundred each, in a look that others wait for
local RECENT = 86400 -- seconds back in which an unknown id is looked for

--- The moment since which an unknown id is looked for.
---@param client openhands.Client
---@return openhands.Moment
function M.recent(client)
  return service_clock.ago(client, RECENT)
end

-- Asks for several at once. Returns what gives the item of an id, false where there is none.
local function ask(client, operation, ids, call)
  local asked, wanted = {}, {}
  for _, id in ipairs(ids) do
    local key = conversations.same_id(id)
    if not wanted[key] then
      asked[#asked + 1], wanted[key] = id, true
    end
  end
  local list, err = client:_read(operation, asked, call, "v1")
  if not list then
    return nil, err
  end
  local items = {}
  for place, id in ipairs(asked) do
    local item = list[place]
    if type(item) == "table" then
      local key = type(item.id) == "string" and conversations.same_id(item.id)
      -- What bears nobody's id is judged, and refused, where it stands.
      items[wanted[key] and key or conversations.same_id(id)] = item
    end
  end
  return function(id)
    local item = items[conversations.same_id(id)]
    if not item then
      return false
    end
    local copy = {} -- two may wait for the same: each gets a table of its own
    for name, value in pairs(item) do
      copy[name] = value
    end
    return copy
  end
end

local function first(client, operation, id, call)
  local item_of, err = ask(client, operation, { id }, call)
  if not item_of then
    return nil, err
  end
  return item_of(id)
end

-- The conversation as the service lists it; false if it does not (yet).
local function listed(client, id, answer, grace)
  if not answer then
    return false
  end
  local conversation, err = conversations.from_status(client, answer, "v1", id, grace)
  if conversation then
    client:_remember(id).listed = true
  end
  return conversation, err
end

--- Looks in every place. `since`: when its start may have been sent (an openhands.Moment).
--- `fields`: of the start, see `start_tasks.find`.
---@return openhands.Conversation|false? conversation false: the service knows nothing of it
---@return openhands.Error?
---@return boolean? lookalike with false: a start task without an id asks for the same
function M.anywhere(client, id, since, call, fields)
  local answer, err = first(client, "status", id, call)
  if answer == nil then
    return nil, err
  end
  local conversation
  conversation, err = listed(client, id, answer, call.grace)
  if conversation then
    if endings.is_possible(client, conversation) then
      local look = { id = id, grace = call.grace, insists = true, conversation = conversation, step = "behind" }
      return M.take_steps(client, look, call) or conversation
    end
    return conversation
  elseif conversation == nil then
    return nil, err
  end
  local task, lookalike
  task, err, lookalike = start_tasks.find(client, id, since or M.recent(client), call, fields)
  if not task then
    return task, err, lookalike
  end
  return conversations.from_task(client, task, id, false)
end

-- ---- the steps of a look -----------------------------------------------------------------------------------------
--
-- Each takes up to 99 looks, and sets for each its result or its next step.

local function fail(looks, err)
  for _, look in ipairs(looks) do
    local own = {} -- a wait writes its own conversation into it
    for name, value in pairs(err) do
      own[name] = value
    end
    look.step, look.conversation, look.ending, look.err = nil, nil, nil, errors.new(own)
  end
end

-- Where the list of a dialect that was guessed is not there, each is asked for by itself: that finds the other dialect.
local function fail_or_doubt(client, looks, err)
  if err.misfit and client._is_guess and not client._has_spoken.v1 and not looks[1].is_alone then
    client._api = "v0"
    for _, look in ipairs(looks) do
      look.step = "single"
    end
  else
    fail(looks, err)
  end
end

local function finish(look, conversation, err)
  look.step, look.conversation, look.ending, look.err = nil, conversation, nil, err
end

-- The id under which the service has it; an old server gives ids of its own.
local function id_of(client, look)
  return client:_served_id(look.id)
end

local function ids_of(client, looks)
  local ids = {}
  for place, look in ipairs(looks) do
    ids[place] = id_of(client, look)
  end
  return ids
end

local steps = {}

--- By name.
---@type table<openhands.Step, fun(client: openhands.Client, looks: openhands.Look[], call: table)>
M.steps = steps

function steps.dialect(client, looks, call)
  local api, err = client:_dialect("status", looks[1].id, call)
  if not api then
    fail(looks, err)
    return
  end
  for _, look in ipairs(looks) do
    look.step = M.first_step(client, look)
  end
end

local function take_task(client, look, task)
  local memory = client:_remember(look.id)
  look.task = nil
  if not task then
    -- Once it was ready, the list has the say.
    look.step = not memory.ready_at and "list" or nil
    look.conversation = false
    return
  end
  local ready = type(task.status) == "string" and ascii.upper(task.status) == "READY"
  local conversation, err = conversations.from_task(client, task, id_of(client, look), false)
  finish(look, conversation, err)
  if conversation and ready then
    memory.ready_at = memory.ready_at or client:_now()
    look.step, look.task = "list", conversation
  end
end

-- The task's word until it is ready, then the conversation's.
function steps.tasks(client, looks, call)
  local ids = {}
  for place, look in ipairs(looks) do
    ids[place] = client:_remember(look.id).start_task_id
  end
  local task_of, err = ask(client, "start_tasks.get", ids, call)
  if not task_of then
    fail_or_doubt(client, looks, err)
    return
  end
  for place, look in ipairs(looks) do
    take_task(client, look, task_of(ids[place]))
  end
end

local function take_listed(client, look, id, answer)
  local conversation, err = listed(client, id, answer, look.grace)
  local was_listed, task = client:_remember(id).listed, look.task
  finish(look, conversation, err)
  look.task = nil
  if conversation then
    local may_tell = endings.is_possible(client, conversation)
    local reads = may_tell and (look.insists or endings.is_worth_reading(client, conversation))
    look.step = reads and "behind" or nil
  elseif conversation == false and task then
    -- Ready and not listed yet: that takes a moment. Listed once, or not for long, it is gone.
    local ready_at = client:_remember(look.id).ready_at
    look.conversation = client:_now() - ready_at < look.grace and not was_listed and task
  elseif conversation == false and not was_listed then
    look.step = "unlisted"
  end
end

function steps.list(client, looks, call)
  local ids = ids_of(client, looks)
  local answer_of, err = ask(client, "status", ids, call)
  if not answer_of then
    fail_or_doubt(client, looks, err)
    return
  end
  for place, look in ipairs(looks) do
    take_listed(client, look, ids[place], answer_of(ids[place]))
  end
end

function steps.unlisted(client, looks, call)
  local ids, open = ids_of(client, looks), {}
  -- People take the id of the start task for the conversation's.
  local task_of = ask(client, "start_tasks.get", ids, call)
  for place, look in ipairs(looks) do
    local task = task_of and task_of(ids[place])
    finish(look, false)
    if task then
      finish(look, conversations.from_task(client, task, ids[place], false))
    else
      open[look] = conversations.same_id(ids[place])
    end
  end
  if next(open) == nil then
    return
  end
  local _, err = start_tasks.read(client, M.recent(client), call, function(task)
    for look, id in pairs(open) do
      if start_tasks.is_about(task, id) then
        finish(look, conversations.from_task(client, task, id_of(client, look), false))
        open[look] = nil
      end
    end
    return next(open) == nil
  end, MOST_PAGES)
  for look in pairs(open) do
    if not err and client._may_have_both and not client:_remember(look.id).was_asked_of_v0 then
      look.step = "other"
    end
  end
  if err then
    local rest = {}
    for look in pairs(open) do
      rest[#rest + 1] = look
    end
    fail(rest, err)
  end
end

-- Of one look. That it fails is none of the look's business: the status has been told. If they tell that it may be
-- outdated, the list is asked again, once.
function steps.behind(client, looks, call)
  local look = looks[1]
  look.step = nil
  local ending, err = endings.read(client, look.conversation, call)
  look.ending, look.too_large = ending, err and err.kind == "too_large" and err or nil
  if ending and endings.judge(client, look.conversation, ending) then
    look.step = "list"
  end
end

-- Of one conversation that has settled, for all who look at it.
function steps.ending(client, looks, call)
  local ending = endings.read(client, looks[1].latest, call)
  for _, look in ipairs(looks) do
    look.step, look.ending = nil, ending
  end
end

-- The end of V0's work, which only its events tell, where it may have come to it.
local function read_behind(client, looks, call)
  local look = looks[1]
  local conversation = look.conversation
  local is_v0 = conversation and conversation.api == "v0" -- for V1 whoever reads the status has looked there
  if is_v0 and endings.is_possible(client, conversation) and endings.is_worth_reading(client, conversation) then
    look.step = "behind"
    if conversation.state ~= "starting" then -- of one that is not up yet there is mostly nothing to read
      steps.behind(client, looks, call)
    end
  end
end

-- Of one look: V0, which has no batches, and ids that V1 refuses.
function steps.single(client, looks, call)
  finish(looks[1], client:_status(looks[1].id, call))
  read_behind(client, looks, call)
end

-- How a server answers that has no such conversation, or no such API.
local knows_nothing = { not_found = true, invalid = true, protocol = true, unsupported = true }

-- Of one look. What it does not find there is as unknown as before.
function steps.other(client, looks, call)
  local look = looks[1]
  local answer, err = client:_read("status", look.id, call, "v0")
  if err and not knows_nothing[err.kind] then
    fail(looks, err)
    return
  end
  client:_remember(look.id).was_asked_of_v0 = true
  local is_there = type(answer) == "table"
  finish(look, is_there and conversations.from_status(client, answer, "v0", look.id, look.grace) or false)
  read_behind(client, looks, call)
end

local HEX = "%x%x%x%x"
local DASHED = ("^%s%s%%-%s%%-%s%%-%s%%-%s%s%s$"):format(HEX, HEX, HEX, HEX, HEX, HEX, HEX, HEX)

-- One id that is no UUID makes V1 refuse a whole batch.
local function is_uuid(id)
  return #id == 32 and not id:find "%X" or id:find(DASHED) ~= nil
end

local function first_step_v1(client, look)
  local memory = client:_remember(look.id)
  local id = memory.conversation_id or look.id
  if memory.start_task_id and not client:_remember(id).listed then
    return "tasks", memory.start_task_id
  end
  return "list", id
end

--- What to ask first in a look.
---@param client openhands.Client
---@param look openhands.Look
---@return openhands.Step
function M.first_step(client, look)
  local chosen = rawget(look.call, "api")
  local api = chosen ~= "auto" and chosen or chosen == nil and client:_remember(look.id).api or client._api
  if not api then
    return "dialect"
  elseif api == "v0" then
    return "single"
  end
  local step, id = first_step_v1(client, look)
  return is_uuid(id) and step or "single"
end

--- The error of a look that has found nothing.
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

--- Takes the steps of one look, to its end.
---@param client openhands.Client
---@param look openhands.Look
---@param call table
---@return openhands.Conversation|false? conversation false: the service knows nothing of it
---@return openhands.Error? err
function M.take_steps(client, look, call)
  while look.step do
    steps[look.step](client, { look }, call)
  end
  return look.conversation, look.err
end

--- How a V1 conversation stands, by the shortest way that its memory allows.
---@return openhands.Conversation|false? conversation false: the service knows nothing of it
---@return openhands.Error? err
function M.status(client, id, call)
  local look = { id = id, grace = call.grace, insists = true, is_alone = true }
  look.step = first_step_v1(client, look)
  return M.take_steps(client, look, call)
end

return M
