--- The error type of this library: says what happened, to what, and what to do about it. Programs should test `kind`,
--- not the text.

---@class openhands.Error
---@field kind openhands.ErrorKind
---@field message string for people, without secrets: one line of at most 1000 bytes, except with kind "raised"
---@field operation string? the call that failed
---@field status integer? HTTP status
---@field effect openhands.Effect? what the call changed on the service; nil: the error does not say
---@field retryable boolean whether the same call may succeed later without harm
---@field retry_after number? seconds that the service asks to wait
---@field conversation_id string? of the conversation that the call was about
---@field key string? of the item of a fleet that the call was about
---@field place integer? of that item among those that were given
---@field other_place integer? of the item that has the same key, or that it depends on
---@field conversation openhands.Conversation? as it was last seen; given if a wait ended early, and if a call failed
--- because of the conversation's state or after reading its status
---@field conversations (openhands.Conversation|false)[]? of `wait_all`, and of `wait_any` if the time for all is over:
--- each as it was last seen, by its place; false: never seen
---@field errors table<integer, openhands.Error>? with `conversations`: the errors of those that did not settle; of
--- `all`: those of functions that failed; each by its place in the list
---@field results table? of `all`: results of the functions that succeeded, by place in the list
---@field cause any with kind "ambiguous" or "timeout": kind of the underlying error, if any; with kind "raised": the
--- value that was raised
---@field traceback string? of a task: where it was raised
---@field limit integer? with kind "limit": conversations that may run at once
---@field current integer? with kind "limit": conversations that run now
---@field reset_at string? with kind "quota": when the quota is renewed, ISO 8601
---@field detail any the service's own words, secrets removed: the decoded answer if it reports an error in JSON, else
--- the first 200 bytes of its body. Of a table at most 2000 values are kept, with at most 4096 bytes in a string and
--- 65536 in all strings; a string that was cut ends with "…"
---@field private summary string? the message without its advice, if it has any
---@field private page boolean? the response was a web page
---@field private proxy boolean? the proxy refused the credentials
---@field private contradicts_dialect "path"|"perhaps"|nil how the response contradicts the guessed dialect
---@field private is_untried boolean? there was no time left to send anything
---@field refusal openhands.Error? of an ambiguous start: how the service refused the latest try, after none was found
---@field private is_endless boolean? there are more pages than can be read

---@alias openhands.Effect
---| "none" # nothing was sent
---| "refused" # the service answered that it changed nothing
---| "done" # the service answered that it succeeded; the answer could not be read
---| "unknown" # it may have been done

---@alias openhands.ErrorKind
---| "authentication" # no key, or one that the service refuses
---| "permission" # the key may not do this, or the repository is out of its reach
---| "not_found" # the service does not know it
---| "invalid" # the service refuses the arguments
---| "unsupported" # the service's dialect, or this release of a server, cannot do this
---| "conflict" # impossible in the present state of the conversation
---| "throttled" # too many requests; passes with time
---| "limit" # too many conversations at once, or too many queued messages; passes when one ends, or reads its messages
---| "quota" # no more conversations today
---| "server" # the service failed
---| "connect" # no connection
---| "timeout" # no answer in time; of a wait: still running
---| "tls" # no trusted connection
---| "protocol" # the response is not one of this API
---| "too_large" # the answer is larger, or nested more deeply, than allowed
---| "memory" # this program had no memory left for the answer
---| "file" # a file of yours could not be written
---| "ambiguous" # it is unknown whether the call took effect, and it must not be made twice: e.g. a start, a message
---| "ledger" # the database of a fleet's ledger failed
---| "fenced" # another worker has taken over this run of a fleet
---| "cancelled" # this program cancelled it
---| "closed" # the client was closed during the call
---| "raised" # a task's function raised an error that does not come from this library

local call_site = require "openhands.call_site"
local core = require "openhands.core"

local M = {}

local methods = {}

local Error = { __index = methods, __name = "openhands.Error" }

function Error:__tostring()
  return self.message
end

--- Returns whether a value is an error of this library.
---@param value any
---@return boolean
function M.is(value)
  return type(value) == "table" and getmetatable(value) == Error
end

local LONGEST_MESSAGE = 1000 -- bytes

--- Returns a message as one line without secrets. Keeps the name of the call at its beginning, even if the name looks
--- like a secret, as in `device.token: …`.
---@param operation string?
---@param message string
---@return string
function M.line(operation, message)
  local prefix = operation and operation .. ": " or ""
  if message:sub(1, #prefix) ~= prefix then
    prefix = ""
  end
  return prefix .. core.redact_line(message:sub(#prefix + 1), LONGEST_MESSAGE - #prefix)
end

--- Makes an error. Reduces its message to one line without secrets; keeps a message of kind "raised" as it is.
---@param fields table at least `kind` and `message`
---@return openhands.Error
function M.new(fields)
  if fields.retryable == nil then
    fields.retryable = false
  end
  if fields.kind ~= "raised" then
    fields.message = M.line(fields.operation, fields.message)
  end
  return setmetatable(fields, Error)
end

--- Returns the error for a response that does not fit this API: base_url or api may be wrong.
---@param operation string
---@param what string what is wrong with the response
---@param more table? further fields of the error
---@return openhands.Error
function M.protocol(operation, what, more)
  local fields = more or {}
  fields.kind, fields.operation = "protocol", operation
  fields.message = ("%s: %s; check base_url and api"):format(operation, what)
  return M.new(fields)
end

--- Returns the error of a call during which the client was closed.
---@param operation string
---@param effect openhands.Effect?
---@return openhands.Error
function M.closed(operation, effect)
  local message = operation .. ": the client was closed"
  return M.new { kind = "closed", operation = operation, effect = effect, message = message }
end

--- Returns the error of a call whose time was over before anything was sent.
---@param operation string
---@return openhands.Error
function M.no_time(operation)
  return M.new {
    kind = "timeout",
    operation = operation,
    effect = "none",
    is_untried = true,
    message = ("%s: the time for this call is over; allow more with 'deadline'"):format(operation),
  }
end

--- Returns a copy of an error, for another call that fails for the same reason.
---@param err openhands.Error
---@return openhands.Error
function M.copy(err)
  local own = {}
  for name, value in pairs(err) do
    own[name] = value
  end
  return M.new(own)
end

--- Changes an error of another call, in place, into an error of this call.
---@param err openhands.Error
---@param operation string
---@param id string? of the conversation that the call is about
---@return openhands.Error
function M.rename(err, operation, id)
  if err.operation ~= operation then
    err.operation, err.message = operation, err.message:gsub("^[A-Za-z0-9_.]+:", operation .. ":")
    err.summary = err.summary and err.summary:gsub("^[A-Za-z0-9_.]+:", operation .. ":")
  end
  err.conversation_id = err.conversation_id or id
  return err
end

--- Returns a copy of a value, bounded in size and without the secrets that answers may hold. `client:_clean` also
--- removes the client's own keys.
---@type fun(value: any): any
M.clean = core.redact

--- Returns whether the failed call certainly changed nothing, so that repeating it is safe.
---@param err openhands.Error
---@return boolean
function M.had_no_effect(err)
  return err.effect == "none" or err.effect == "refused"
end

local transient = { connect = true, timeout = true, server = true, throttled = true }

--- Returns whether the error of a read is of a kind that passes with time. Returns false if a proxy refused our
--- credentials: further requests may lock the account.
---@param err openhands.Error
---@return boolean
function M.is_transient(err)
  return transient[err.kind] and not err.proxy or false
end

local misread = { protocol = true, memory = true }

--- Returns whether the error means an unreadable response. The next response may be readable.
---@param err openhands.Error
---@return boolean
function M.is_misread(err)
  return misread[err.kind] or false
end

--- Classifies the error of a read about a conversation. "unreached": the service cannot be reached for now.
--- "elsewhere": something else answers in its place, perhaps for a time. nil: any other error, e.g. about this
--- conversation or the key.
---@param err openhands.Error
---@param api "v0"|"v1"|nil the dialect in which it was asked
---@param was_seen boolean whether this client has seen the conversation
---@return "unreached"|"elsewhere"|nil
function M.outage_of(err, api, was_seen)
  if M.is_transient(err) then
    return "unreached"
  end
  -- Finds a 404 that is not about the id. V1 never answers an unknown id with 404, because its list omits the id. V0
  -- does, with a text of its own, so such an answer does not contradict the dialect.
  local contradicts_dialect = err.contradicts_dialect == "path" or was_seen and err.contradicts_dialect
  local is_elsewhere = M.is_misread(err) or err.status == 404 and (contradicts_dialect or api == "v1")
  return is_elsewhere and "elsewhere" or nil
end

--- Returns the message of an error without its advice.
---@param err openhands.Error
---@return string
function M.happened(err)
  return err.summary or err.message
end

--- Raises an error about a mistake of the caller, at the line of the caller's code.
---@type fun(message: string): any raises
M.raise = call_site.raise

local LIST = "openhands.list" -- name of the metatable of the core's lists

-- Returns the name of the class of a table, if it has one.
local function class_of(value)
  local mark = type(value) == "table" and getmetatable(value)
  local name = type(mark) == "table" and rawget(mark, "__name")
  return type(name) == "string" and name or nil
end

--- Returns whether a value is an empty list, e.g. of an answer: an empty table of another kind has no such mark.
---@param value any
---@return boolean
function M.is_empty_list(value)
  return type(value) == "table" and next(value) == nil and class_of(value) == LIST
end

--- Returns words for what a caller has given where a table of another kind is wanted, e.g. "an empty list".
---@param value any
---@return string
function M.words_of(value)
  local class = class_of(value)
  if M.is_empty_list(value) then
    return "an empty list"
  elseif class == LIST or type(value) == "table" and rawget(value, 1) ~= nil then
    return "a list"
  elseif class then
    return (class:find "^[aeio]" and "an " or "a ") .. class
  end
  return type(value) == "table" and "a table with a metatable" or "a " .. type(value)
end

--- Raises if a method was called with a dot instead of a colon.
---@param is_receiver any whether the first argument is the object that has the method
---@param name string of the method
---@param receiver string the text before the colon
function M.check_receiver(is_receiver, name, receiver)
  if not is_receiver then
    M.raise(("%s: is a method: call %s:%s(...) with a colon"):format(name, receiver, name:match "[A-Za-z0-9_]+$"))
  end
end

--- Raises again an error that the core raised. A mistake of the caller is raised at the line of the caller's code;
--- any other error (e.g. the interpreter's error for Ctrl-C) is raised unchanged.
---@param problem any
function M.raise_again(problem)
  local mistake = core.argument_error(problem)
  if mistake then
    M.raise(mistake)
  end
  error(problem, 0)
end

--- Returns whether an error is the one that interpreters raise for Ctrl-C. Only its text shows that.
---@param problem any
---@return boolean
function M.is_interrupt(problem)
  if type(problem) ~= "string" then
    return false
  end
  return (problem:find "interrupted!$" or problem:find "Keyboard interrupt$") ~= nil or problem == "interrupted"
end

return M
