--- Implements the start protocol: a paid job is never started twice and never lost.
---
--- The exchange that carries a start is sent at most once by the layers below. It ends in one of three ways: accepted,
--- not started (nothing was sent, or the service refused), or unknown. A start that was accepted is never sent again.
--- One that was not started is sent again if the error may pass. On V1 a start with an unknown outcome is looked up
--- under its id (reconcile.lua), and sent again only after the service has not shown it for the whole grace time. There
--- are at most `retries` further tries, all with the same id. V0 has no id that the client can choose, so an unknown
--- outcome there is the error `ambiguous`.

---@class (partial) openhands.Client
local Client = require "openhands.client_class"
local conversations = require "openhands.conversation"
local core = require "openhands.core"
local deferred = require "openhands.deferred"
local errors = require "openhands.errors"
local limits = require "openhands.limits"
local locks = deferred.module "openhands.start.lock"
local reconciling = deferred.module "openhands.start.reconcile"
local repositories = deferred.module "openhands.api.repository"
local search = deferred.module "openhands.conversation.start_search"
local slots = deferred.module "openhands.task.slots"
local streaming = deferred.module "openhands.start.streaming"
local task_use = require "openhands.task.use"

local M = {}

--- One start, from its call to its end.
---@class openhands.Start
---@field client openhands.Client
---@field given table fields as the caller gave them: V0 gets these
---@field fields table the same with the conversation's id: V1 gets these
---@field id string of the conversation, on V1
---@field is_new boolean this client chose the id: no other start can have it
---@field caller string name of the user's call
---@field own table<string, boolean> names of its options that are no settings and must not stand among the fields
---@field requests table<string, openhands.Prepared?> checked and encoded, by dialect
---@field call openhands.Call
---@field on_id fun(id: string)?
---@field resume boolean?

-- ---- sending a start -----------------------------------------------------------------------------------------

-- Records that the service has the start, so that it is never sent again, even if the service does not show it later.
-- Keeps the fields of the answer that are neither large nor secret.
local function note_answer(start, conversation)
  local client = start.client
  local fields = {
    id = conversation.id,
    api = conversation.api,
    conversation_id = conversation.conversation_id,
    start_task_id = conversation.start_task_id,
    created_at = conversation.created_at,
    url = conversation.url,
    status = conversation.status,
    state = conversation.state,
    settled = conversation.settled,
  }
  local memory = client:_remember(start.id)
  memory.unclear_at, memory.unclear_since, memory.sent_since, memory.deleted = nil, nil, nil, nil
  memory.accepted = { at = client._loop.now(), fields = fields }
end

-- Sends the start once. Returns the conversation; or nil and an error, whose `effect` says whether the start may exist.
local function send(start, api)
  local client, call = start.client, start.call
  if call.may_send and not call.may_send() then -- a fleet's run that another worker has by now
    return nil, errors.new { kind = "cancelled", operation = "start", effect = "none",
      message = "start: it is no longer for this worker to send" }
  elseif call.progress then
    return call.progress:send(start.fields, call, function(conversation)
      note_answer(start, conversation) -- at once: the stream may go on for minutes
    end)
  end
  local answer, err = client:_exchange("start", start.requests[api], call, api)
  if not answer then
    return nil, err
  elseif api == "v0" then
    return conversations.from_v0_start(client, answer)
  end
  return conversations.from_task(client, answer, start.id, true)
end

-- Returns a conversation that a lookup has found. For a start that reports its progress, first follows the start task
-- to its end.
local function found_by_lookup(start, conversation)
  local progress = start.call.progress
  if conversation and progress then
    return progress:follow(conversation, start.id, start.call)
  end
  return conversation
end

-- Sends the start as soon as there is a slot for it, if it belongs to a group.
local function send_in_turn(start, api)
  if not task_use.are_in_use then
    return send(start, api)
  end
  return slots.send(start.client, start.call, send, start, api)
end

local function start_v0(start)
  local attempt = 1
  while true do
    local conversation, err = send_in_turn(start, "v0")
    if conversation then
      return conversation
    elseif not errors.had_no_effect(err) then
      return nil, reconciling.ambiguous(nil, err)
    elseif not start.client:_pause(start.call, attempt, err) then
      return nil, err
    end
    attempt = attempt + 1
  end
end

-- Returns whether a lookup should follow a refusal: a redirect may hide a start that took effect, and a conflict may be
-- with this same start.
local function deserves_a_lookup(err)
  return err.effect == "refused" and err.status and (err.status >= 300 and err.status < 400 or err.status == 409)
end

local function start_v1(start)
  local client, id, call, attempt = start.client, start.id, start.call, 1
  local memory = client:_remember(id)
  local since = memory.unclear_since or { at = client._loop.now(), wall = math.floor(client._loop.wall()) }
  while true do
    memory.sent_since = since -- kept while the outcome is unknown: an error, e.g. of Ctrl-C, may end this call here
    local conversation, err = send_in_turn(start, "v1")
    local is_looked_up = not conversation and deserves_a_lookup(err)
    if is_looked_up then
      conversation = search.find(client, id, since, call)
    end
    if conversation then
      note_answer(start, conversation)
      return is_looked_up and found_by_lookup(start, conversation) or conversation
    end
    err.conversation_id = id
    if not errors.had_no_effect(err) then
      memory.unclear_at, memory.unclear_since = client._loop.now(), since
      local found, problem = reconciling.reconcile(start, since, memory.unclear_at)
      if found then
        note_answer(start, found)
        return found_by_lookup(start, found)
      elseif found == nil then
        return nil, reconciling.ambiguous(id, problem --[[@as openhands.Error]])
      elseif attempt > call.retries then
        return nil, reconciling.ambiguous(id, err)
      end
    elseif not client:_pause(call, attempt, err) then
      memory.sent_since = memory.unclear_since
      -- A refusal may be caused by an earlier try with an unknown outcome, so it does not make the outcome known.
      local unclear = memory.unclear_at and reconciling.ambiguous(id, err)
      if unclear then
        unclear.refusal = err
      end
      return nil, unclear or err
    end
    attempt = attempt + 1
  end
end

local function start_with_given_id(start)
  local conversation, err, is_news = reconciling.take_up(start)
  if conversation and is_news then
    note_answer(start, conversation)
  end
  if conversation then
    return found_by_lookup(start, conversation)
  elseif conversation == nil then
    return nil, errors.rename(err --[[@as openhands.Error]], "start", start.id)
  end
  return start_v1(start)
end

-- ---- one start ---------------------------------------------------------------------------------------------------

local function no_stream()
  return errors.new {
    kind = "unsupported",
    operation = "start",
    message = "start: the V0 API does not report the progress of a start; leave out 'stream' and 'on_progress'",
  }
end

local function start_in(start, api)
  local client, id, refusal = start.client, start.id, nil
  if not start.requests[api] then
    start.requests[api], refusal = client:_prepare("start", api == "v0" and start.given or start.fields, api,
      start.caller, start.own)
  end
  if refusal then
    return nil, refusal
  elseif api == "v0" and start.call.progress then
    return nil, no_stream()
  end
  local _ = reconciling.reconcile -- is loaded by this: an error of that after the start was sent would hide a paid job
  if api == "v0" then
    return start_v0(start)
  end
  if start.on_id then
    start.on_id(id)
  end
  if start.is_new then
    return start_v1(start)
  end
  local lock, err = locks.acquire(client, id, start.call)
  if not lock then
    return nil, reconciling.ambiguous(id, err --[[@as openhands.Error]])
  end
  local conversation
  conversation, err = start_with_given_id(start)
  locks.release(client, lock)
  return conversation, err
end

-- Returns a copy of the fields with the id, and with the metatable mark of the caller's table.
local function with_id(given, id)
  local fields, mark = {}, getmetatable(given)
  for name, value in next, given do
    fields[name] = value
  end
  fields.conversation_id = id
  if mark ~= nil then -- the core refuses all metatables except Neovim's mark of a table that is no list
    setmetatable(fields, type(mark) == "table" and mark or {})
  end
  return fields
end

local function silent() end

--- Starts a conversation, or takes up the one that the caller names.
---@param client openhands.Client
---@param given table fields of the start
---@param call openhands.Call
---@param options table the options of a start. An error in `on_id` ends the call before the start is sent
---@param caller string name of the call
---@param own table<string, boolean> names of its options that are no settings and must not stand among the fields
---@return openhands.Conversation? conversation
---@return openhands.Error? err
function M.start(client, given, call, options, caller, own)
  if options.on_progress or options.stream then
    call.progress = streaming.new(client, options.on_progress or silent)
  end
  local id, is_new = rawget(given, "conversation_id"), false
  if id == nil or id == core.null then
    id, is_new = core.uuid(), true
  end
  ---@type openhands.Start
  local start = {
    client = client,
    given = given,
    fields = with_id(given, id),
    id = id,
    is_new = is_new,
    caller = caller,
    own = own,
    requests = {},
    call = call,
    on_id = options.on_id,
    resume = options.resume,
  }
  local chosen = rawget(call, "api")
  if not client._api and (chosen == nil or chosen == "auto") then -- mistakes come first
    local request, api = client:_prepare_in_any("start", start.fields, given, caller, own)
    start.requests[api or ""] = request
  end
  local conversation, err = client:_in_dialect("start", nil, call, function(api)
    return start_in(start, api)
  end)
  for _, request in pairs(start.requests) do
    request:close()
  end
  if err then
    err.conversation_id = err.conversation_id or not is_new and id or nil
    return nil, err
  end
  return conversation
end

-- ---- public calls ---------------------------------------------------------------------------------------------

--- The options of a start that are no settings.
---@type table<string, boolean>
M.option_names = { resume = true, stream = true, on_progress = true, on_id = true }

local NO_OPTIONS = {} -- besides the settings, and those that may stand among the fields

-- Fields that may contain the address of a repository.
local names_of_repository = { repository = true, selected_repository = true }

local function check_functions(caller, split)
  for option, value in pairs(split) do
    if option:find "^on_" and type(value) ~= "function" then
      errors.raise(("%s: '%s' must be a function, not a %s"):format(caller, option, type(value)))
    end
  end
end

--- Separates the options of a start from its fields, which may contain them. Raises errors about the caller's mistakes.
---@param caller string name of the call
---@param fields any
---@param options table?
---@return table fields, table options
function M.split(caller, fields, options)
  -- `next` comes first, so that an ordinary start does not pass through `errors`.
  if type(fields) ~= "table" or next(fields) == nil and errors.is_empty_list(fields) then
    errors.raise(("%s: needs a table of fields, not %s"):format(caller, errors.words_of(fields)))
  end
  local split, may_be_address = {}, false
  if options then
    for option in pairs(M.option_names) do
      split[option] = options[option]
    end
  end
  for name, value in next, fields do
    if M.option_names[name] then
      split[name] = value
    elseif names_of_repository[name] and type(value) == "string" and not value:find(limits.REPOSITORY_NAME) then
      may_be_address = true
    end
  end
  check_functions(caller, split)
  if may_be_address then
    fields = repositories.in_fields(caller, fields, true)
  end
  if next(split) == nil then
    return fields, split
  end
  local rest = {}
  for field, value in pairs(fields) do
    if not M.option_names[field] then
      rest[field] = value
    end
  end
  return setmetatable(rest, getmetatable(fields)), split
end

--- Starts a conversation: a paid job for an agent. Never starts the job twice; see the kinds of error `ambiguous` and
--- `limit`.
---@param fields openhands.StartFields
---@param options openhands.StartOptions? settings of this call, and four options that may be given among the fields
--- too. `resume` (boolean): the `conversation_id` in the fields may have been sent before, by this or another process;
--- it is looked for during the whole `grace` before the start is sent. `stream` (boolean, V1): returns when the
--- conversation is ready or has failed to start, at the `deadline` at the latest. `on_progress` (function, V1): as
--- `stream`, and called with the conversation at each step of its start. `on_id` (function, V1): called with the
--- conversation's id before the start is sent; with this id the start can be taken up again whatever happens.
---@return openhands.Conversation? conversation its `state` is "starting" unless the service already shows a later one
---@return openhands.Error? err
function Client:start(fields, options)
  local call = Client._begin(self, "start", options, M.option_names)
  local rest, chosen = M.split("start", fields, options)
  return M.start(self, rest, call, chosen, "start", NO_OPTIONS)
end

return M
