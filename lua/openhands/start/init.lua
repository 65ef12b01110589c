--- Starting safely: a paid job is never started twice and never lost.
---
--- The exchange that carries a start is sent at most once by the layers below. Its end is one of three: accepted, not
--- started (nothing left this machine, or the service refused), or ambiguous. On V1 an ambiguous start is looked for
--- under the id that we chose; only when the service has not shown it for the whole grace time is it sent again, with
--- the same id, and `retries` times at most. What this client has an answer for is never sent again. V0 has no such
--- handle: there ambiguous stays ambiguous.

---@class (partial) openhands.Client
local Client = require "openhands.client_class"
local arguments = require "openhands.api.arguments"
local conversations = require "openhands.conversation"
local core = require "openhands.core"
local coroutines = require "openhands.task.coroutines"
local errors = require "openhands.errors"
local lookup = require "openhands.conversation.lookup"
local progress = require "openhands.start.streaming"
local service_clock = require "openhands.request.service_clock"
local start_options = require "openhands.start.options"

local M = {}

local DOUBT = 1 -- seconds after which who waits for another's start looks whether that one lives
local LOOKS = 3 -- answered look-ups without a trace, before an absence is believed
local DEAF_GRACES = 2 -- grace times without an answer to any look-up, before the caller is told

local function ambiguous(id, cause)
  local hint = id and ("start again with conversation_id = %q and { resume = true } to take it up"):format(id)
    or "look for it in the list of conversations before you start another one"
  return errors.new {
    kind = "ambiguous",
    operation = "start",
    message = ("start: nobody can tell whether the conversation was started (%s); %s"):format(
      errors.happened(cause),
      hint
    ),
    status = cause.status,
    cause = cause.kind,
    conversation_id = id,
    detail = cause.detail,
  }
end

-- Sends the start once. Returns the conversation; or nil and an error, which is certain if it had no effect.
local function send(client, fields, call, api)
  if call.progress then
    return call.progress:send(fields, call)
  end
  local answer, err = client:_exchange("start", fields, call, api)
  if not answer then
    return nil, err
  elseif api == "v0" then
    return conversations.from_v0_start(client, answer)
  end
  return conversations.from_task(client, answer, fields.conversation_id, true)
end

local RENAMED = "the server has a conversation with this prompt under an id of its own; it may be this one"

local function cannot_tell(message)
  return errors.new { kind = "timeout", operation = "start", message = message }
end

-- Whether asking again will not help: the key was refused, say, or there are more start tasks than can be read.
local function is_final(err)
  return err.is_endless or not (err.retryable or errors.is_misread(err) or err.kind == "too_large")
end

-- Looks for a start that may have reached the service until it is found, or its absence is certain.
-- Returns the conversation; false when it is certain that there is none; nil and an error when that cannot be told.
local function reconcile(client, fields, since, call, unclear_at)
  local id = fields.conversation_id
  ---@type integer, number
  local looks, pause = 0, math.min(1, call.grace / (LOOKS + 1))
  local last_error
  while true do
    local asked_at = client:_now()
    local conversation, err, lookalike = lookup.anywhere(client, id, since, call, fields)
    if conversation then
      return conversation
    elseif conversation == false then
      looks, last_error = looks + 1, nil
    else
      last_error = err
    end
    local now = client:_now()
    if conversation == false and looks >= LOOKS and asked_at - unclear_at >= call.grace then
      if lookalike then
        return nil, cannot_tell(RENAMED)
      end
      return false
    elseif last_error and is_final(last_error) then
      return nil, last_error
    elseif now + pause >= call.deadline_at or (last_error and now - unclear_at >= DEAF_GRACES * call.grace) then
      return nil, last_error or cannot_tell "the time for this call is over"
    end
    client:_sleep(pause)
    pause = math.min(pause * 1.5, 10)
  end
end

-- What a look has found, as the caller wants it: not before it has told how the start goes, say.
local function found_by_look(conversation, id, call)
  if conversation and call.progress then
    return call.progress:follow(conversation, id, call)
  end
  return conversation
end

local function start_v0(client, fields, call)
  local attempt = 1
  while true do
    local conversation, err = send(client, fields, call, "v0")
    if conversation then
      return conversation
    elseif not errors.had_no_effect(err) then
      return nil, ambiguous(nil, err)
    elseif not client:_pause(call, attempt, err) then
      return nil, err
    end
    attempt = attempt + 1
  end
end

-- A redirect has not acted, as far as anybody knows, and a conflict may be with this very start; one look costs little.
local function deserves_a_look(err)
  return err.effect == "refused" and err.status and (err.status >= 300 and err.status < 400 or err.status == 409)
end

-- What is kept of an answer: nothing large, and no secret.
local kept = { "id", "api", "conversation_id", "start_task_id", "created_at", "url", "status", "state", "settled" }

-- The service has it: it is not to be sent again, whatever the service shows later.
local function note_answer(client, memory, conversation)
  local fields = {}
  for _, name in ipairs(kept) do
    fields[name] = conversation[name]
  end
  memory.unclear_at, memory.unclear_since, memory.sent_since, memory.deleted = nil, nil, nil, nil
  memory.accepted = { at = client:_now(), fields = fields }
end

local function start_v1(client, fields, call)
  local id, attempt = fields.conversation_id, 1
  local memory = client:_remember(id)
  local since = memory.unclear_since or service_clock.ago(client, 0)
  while true do
    memory.sent_since = since -- until it is known what came of it: an error, Ctrl-C's say, may end this call here
    local conversation, err = send(client, fields, call, "v1")
    if not conversation and deserves_a_look(err) then
      conversation = found_by_look(lookup.anywhere(client, id, since, call), id, call)
    end
    if conversation then
      note_answer(client, memory, conversation)
      return conversation
    end
    err.conversation_id = id
    if not errors.had_no_effect(err) then
      memory.unclear_at, memory.unclear_since = client:_now(), since
      local found, problem = reconcile(client, fields, since, call, memory.unclear_at)
      if found then
        note_answer(client, memory, found)
        return found_by_look(found, id, call)
      elseif found == nil then
        return nil, ambiguous(id, problem)
      elseif attempt > call.retries then
        return nil, ambiguous(id, err)
      end
    elseif not client:_pause(call, attempt, err) then
      memory.sent_since = memory.unclear_since
      -- A refusal after an unclear try may be because of that try: it settles nothing.
      return nil, memory.unclear_at and ambiguous(id, err) or err
    end
    attempt = attempt + 1
  end
end

-- Whether this client has seen the service have the conversation, and has not deleted it since.
local function is_answered(memory)
  return not memory.deleted and (memory.accepted or memory.listed or memory.start_task_id) ~= nil
end

-- A conversation that the service is known to have, as it stands; or as it was answered, where the service does not
-- show it (yet).
local function as_answered(client, fields, call, memory)
  local id, accepted = fields.conversation_id, memory.accepted
  local conversation, err = lookup.anywhere(client, id, nil, call, fields)
  if conversation then
    return conversation
  elseif accepted and (err or client:_now() - accepted.at < call.grace) then
    return setmetatable(arguments.copy(accepted.fields), client._conversation)
  end
  return nil, err or errors.new {
    kind = "conflict",
    operation = "start",
    conversation_id = id,
    message = ("start: the service has had the conversation %s and shows it no more; for another job choose another "
      .. "'conversation_id'"):format(id),
  }
end

-- The caller names the conversation: it may be a job of an earlier call, of another process, of another machine.
local function take_up(client, fields, call, resume)
  local id = fields.conversation_id
  local memory = client:_remember(id)
  if is_answered(memory) then
    return as_answered(client, fields, call, memory)
  elseif (resume or memory.sent_since) and not memory.unclear_at then
    memory.unclear_at, memory.unclear_since = client:_now(), memory.sent_since or lookup.recent(client)
  elseif not memory.unclear_at then
    local conversation, err, lookalike = lookup.anywhere(client, id, nil, call, fields)
    if conversation == false and lookalike then
      return nil, ambiguous(id, cannot_tell(RENAMED))
    end
    return conversation, err
  end
  local conversation, err = reconcile(client, fields, memory.unclear_since, call, memory.unclear_at)
  if conversation == nil then
    return nil, ambiguous(id, err)
  elseif conversation then
    note_answer(client, memory, conversation)
  end
  return conversation
end

-- One start of an id at a time: another task's may be on its way. Returns what ends this one's turn; or nil and an
-- error, if the other has not come to its end in the time of this call.
local function take_turn(client, id, call)
  local memory = client:_remember(id)
  while memory.turn and not memory.turn.done do
    local turn, now = memory.turn, client:_now()
    local is_certain = turn.progress and turn.progress.latest -- the rest of its call may take long, or have been left
    if is_certain or coroutines.is_abandoned(turn.asker, client._loop) then
      memory.unclear_at, memory.unclear_since = now, memory.unclear_since or lookup.recent(client)
      break
    elseif client:_is_given_up() then
      return nil, cannot_tell "another start of the same conversation is under way"
    elseif now >= call.deadline_at then
      return nil, cannot_tell "another start of the same conversation has not ended in the time for this call"
    end
    client:_await(turn, math.min(call.deadline_at, now + DOUBT))
    turn.news = nil
  end
  local asker = coroutines.owner()
  local turn = { asker = asker, progress = call.progress }
  memory.turn = turn
  return function()
    turn.done = true
    if memory.turn == turn then
      memory.turn = nil
    end
    client:_wake(turn)
  end
end

local function silent() end

local function no_stream()
  return errors.new {
    kind = "unsupported",
    operation = "start",
    message = "start: the V0 API tells nothing of how a start goes; leave out 'stream' and 'on_progress'",
  }
end

local function start_named(client, fields, call, resume)
  local conversation, err = take_up(client, fields, call, resume)
  if conversation then
    return found_by_look(conversation, fields.conversation_id, call)
  elseif conversation == nil then
    err.conversation_id = fields.conversation_id
    return nil, err
  end
  return start_v1(client, fields, call)
end

local function start_in(client, api, given, call, how)
  local _, refusal = client:_prepare("start", given, api)
  if refusal then
    return nil, refusal
  end
  local fields = arguments.copy(given)
  if api == "v0" and call.progress then
    return nil, no_stream()
  elseif api == "v0" then
    return start_v0(client, fields, call)
  end
  local is_new = type(fields.conversation_id) ~= "string"
  if is_new then
    fields.conversation_id = core.uuid()
  end
  if how.on_id then
    how.on_id(fields.conversation_id)
  end
  if is_new then
    return start_v1(client, fields, call)
  end
  local end_turn, trouble = take_turn(client, fields.conversation_id, call)
  if not end_turn then
    return nil, ambiguous(fields.conversation_id, trouble)
  end
  local conversation, err = start_named(client, fields, call, how.resume)
  end_turn()
  return conversation, err
end

--- Starts a conversation, or takes up the one that the caller names.
---@param client openhands.Client
---@param given table fields of the start
---@param call table settings of this call
---@param how table? `resume`: the named conversation may have been sent before, look for the whole grace time first;
--- `stream`, `on_progress`: see progress.lua; `on_id`: told of the id before anything is sent. What it raises ends the
--- call, and nothing is sent
---@return openhands.Conversation? conversation
---@return openhands.Error? err
function M.start(client, given, call, how)
  how = how or {}
  if how.on_progress or how.stream then
    call.progress = progress.new(client, how.on_progress or silent)
  end
  local conversation, err = client:_in_dialect("start", given, call, function(api)
    return start_in(client, api, given, call, how)
  end)
  if err and type(given.conversation_id) == "string" then
    err.conversation_id = err.conversation_id or given.conversation_id
  end
  return conversation, err
end

--- Starts a conversation: a paid job that an agent works on. Sent at most once; see the kinds `ambiguous` and `limit`.
---@param fields openhands.StartFields
---@param options openhands.StartOptions? `resume` (boolean: the `conversation_id` in the fields may have been sent
--- before, by this or another process; it is looked for during the whole `grace` before anything is sent), `stream`
--- (boolean, V1: returns when the conversation is ready, or has failed to start), `on_progress` (function, as `stream`,
--- and called with the conversation at each step of its start), `on_id` (function, called with the conversation's id
--- before anything is sent: who has noted it can take the start up again whatever comes; V0 has no such id), and
--- settings of this call. The four may stand among the fields too.
---@return openhands.Conversation? conversation with `state` "starting"
---@return openhands.Error? err
function Client:start(fields, options)
  local call = Client._begin(self, "start", options, start_options.names)
  local rest, how = start_options.split("start", fields, options)
  return M.start(self, rest, call, how)
end

return M
