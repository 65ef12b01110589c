--- The one error type: what happened, to what, and what to do about it. Test on `kind`, never on the text.

---@class openhands.Error
---@field kind openhands.ErrorKind
---@field message string for people: one line of at most 1000 bytes; never holds a secret
---@field operation string? the call that failed
---@field status integer? HTTP status
---@field effect openhands.Effect? what the call has done on the service, where that is known
---@field retryable boolean whether the same call may succeed later without doing harm
---@field retry_after number? seconds that the service asks to wait
---@field conversation_id string? of the conversation that the call was about
---@field conversation openhands.Conversation? as it was last seen, where a wait ended early
---@field conversations (openhands.Conversation|false)[]? of `wait_all`: each as it was last seen, by its place
---@field errors table<integer, openhands.Error>? of `wait_all`: why each that did not settle did not, by its place; of
--- `all`: what went wrong in those that failed
---@field results table? of `all`: what those returned that did not fail, by their places
---@field cause any with kind "ambiguous": the kind of what kept us from knowing; with kind "raised": what was raised
---@field traceback string? of a task: where it was raised
---@field limit integer? with kind "limit": conversations that may run at once
---@field current integer? with kind "limit": conversations that do
---@field reset_at string? with kind "quota": when it ends, ISO 8601
---@field detail any the service's own words: its decoded body, secrets removed. A string in it has at most 4096 bytes,
--- all together 65536, in at most 2000 values; what was cut ends with "…"
---@field private page boolean? a web page came
---@field private proxy boolean? the proxy wants other credentials
---@field private misfit "path"|"perhaps"|nil how it contradicts the dialect that was guessed
---@field private is_untried boolean? there was no time left to send anything
---@field private is_endless boolean? there are more pages than can be read

---@alias openhands.Effect
---| "none" # nothing was sent
---| "refused" # the service answered that it did not do it
---| "done" # the service answered that it did it; the answer could not be read
---| "unknown" # it may have been done

---@alias openhands.ErrorKind
---| "authentication" # no key, or one that the service refuses
---| "permission" # the key may not do this, or the repository is out of its reach
---| "not_found" # the service does not know it
---| "invalid" # the service refuses the arguments
---| "unsupported" # the service's dialect cannot do this, or this release of a server
---| "conflict" # not in its present state
---| "throttled" # too many requests; passes with time
---| "limit" # too many conversations at once; passes when one ends
---| "quota" # no more conversations today
---| "server" # the service failed
---| "connect" # no connection
---| "timeout" # no answer in time; of a wait: still running
---| "tls" # no trusted connection
---| "protocol" # not what this API answers
---| "too_large" # the answer is larger, or deeper, than is read here
---| "memory" # this program had no memory left for the answer
---| "file" # a file of yours could not be written
---| "ambiguous" # nobody can tell whether the conversation was started
---| "cancelled" # given up by this program
---| "closed" # the client was closed meanwhile
---| "raised" # a task's function raised something that is no error of this library's

local core = require "openhands.core"

local M = {}

local LONGEST_WORDS = 500 -- bytes of the service's words in a message
local LONGEST_ADDRESS = 200 -- and of its address

local methods = {}

local Error = { __index = methods, __name = "openhands.Error" }

function Error:__tostring()
  return self.message
end

--- True for values made here.
---@param value any
---@return boolean
function M.is(value)
  return type(value) == "table" and getmetatable(value) == Error
end

local misread = { protocol = true, memory = true }

--- Whether there was an answer that could not be read, and the next may be another: what was asked about is as it was.
---@param err openhands.Error
---@return boolean
function M.is_misread(err)
  return misread[err.kind] or false
end

local LONGEST_MESSAGE = 1000 -- bytes

--- A message as one line without secrets. The name of the call before it is ours: `device.token: …` is no secret.
---@param operation string?
---@param message string
---@return string
function M.line(operation, message)
  local prefix = operation and operation .. ": " or ""
  if message:sub(1, #prefix) ~= prefix then
    prefix = ""
  end
  return prefix .. core.line(message:sub(#prefix + 1), LONGEST_MESSAGE - #prefix)
end

--- The message becomes one line, unless it is of what a function of the user's raised.
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

--- A copy without the secrets that answers may hold, and bounded; of those that a client knows, `client:_clean` cleans
--- too.
---@type fun(value: any): any
M.clean = core.clean

local function text(value)
  return type(value) == "string" and value ~= "" and value or nil
end

-- One entry of a 422 list, as "field: what is wrong".
local function validation_words(entry)
  local where = {}
  for _, part in ipairs(type(entry.loc) == "table" and entry.loc or {}) do
    where[#where + 1] = tostring(part)
  end
  return table.concat(where, ".") .. ": " .. (text(entry.msg) or "refused")
end

-- The service words its errors as `detail` (text, table or list), `error`, `message`, or a bare string.
local function words_of(detail)
  if type(detail) ~= "table" then
    return text(detail)
  end
  local inner = detail.detail
  if type(inner) == "table" then
    if type(inner[1]) == "table" then
      return validation_words(inner[1])
    end
    return text(inner.message) or text(inner.error) or text(inner.code)
  end
  return text(inner) or text(detail.message) or text(detail.error)
end

-- A number field of an error body, wherever this release of the service puts it.
local function body_field(detail, name, kind)
  if type(detail) ~= "table" then
    return nil
  end
  local value = type(detail.detail) == "table" and detail.detail[name] or detail[name]
  return type(value) == kind and value or nil
end

-- Five things answer 429, and only two of them pass with time.
local function refine_429(err, detail)
  local code = body_field(detail, "error", "string") or body_field(detail, "code", "string") or ""
  local words = words_of(detail) or ""
  if code == "CONCURRENCY_LIMIT_REACHED" then
    err.kind = "limit"
    err.limit = body_field(detail, "limit", "number")
    err.current = body_field(detail, "current", "number")
  elseif code:find("daily_conversation_limit", 1, true) then
    err.kind = "quota"
    err.reset_at = body_field(detail, "reset_at", "string")
  elseif words:find("pending messages", 1, true) then
    err.kind = "limit"
  else
    return
  end
  err.retryable = false
end

-- What to do about it.
local advice = {
  authentication = "check the API key",
  permission = "check what this API key and its account may do",
  not_found = "check what was asked for, and that it belongs to the account of this API key",
  throttled = "ask again later, or less often",
  limit = "wait until one of them has ended, or pause one",
  quota = "wait until the quota is renewed",
  server = "try again later",
  connect = "check the network and base_url",
  timeout = "try again, or allow more time",
  tls = "check base_url and the certificates (ca_file)",
  protocol = "check base_url and api: something else than this API answered",
  too_large = "ask for less at once, or allow more",
  memory = "free memory, or ask for less at once",
  unsupported = "use another dialect, or leave it out",
}

-- The same for a conversation's own server: no account is known there, and its address came from the service.
local advice_at_server = setmetatable({
  authentication = "look at the conversation again: its session key may have changed",
  permission = "check what was asked for",
  not_found = "check what was asked for",
  connect = "check the network, and that the conversation still runs",
  tls = "check the certificates (ca_file)",
  protocol = "check that the conversation still runs: something else than its server answered",
}, { __index = advice })

-- A server that somebody runs for themselves refuses in words of its own who comes without its session key.
local advice_at_own_server = "check the API key, or give session_api_key, which a server run with SESSION_API_KEY wants"

local function what_happened(err, raw)
  local words = words_of(err.detail)
  words = words and core.line(words, LONGEST_WORDS)
  if raw.redirect_host then
    return ("redirected to %s, which is not followed"):format(raw.redirect_host)
  elseif raw.status and raw.status >= 300 and raw.status < 400 then
    return ("redirected with HTTP status %d, which is not followed"):format(raw.status)
  elseif err.kind == "too_large" then
    return "gave an answer that is too large: " .. (raw.reason or "it has no end")
  elseif err.kind == "memory" then
    return "gave an answer for which there is no memory here"
  elseif raw.page then
    return ("answered with a web page (HTTP status %d)"):format(raw.status or 0)
  elseif err.kind == "protocol" and raw.status and raw.status >= 200 and raw.status < 300 and not raw.reason then
    return ("gave an answer that is not what this call answers (HTTP status %d)"):format(raw.status)
  elseif raw.status and (raw.status < 200 or raw.status > 299) then
    return ("answered with HTTP status %d%s"):format(raw.status, words and (": " .. words) or "")
  elseif err.kind == "protocol" and raw.effect ~= "none" then
    return "gave no usable answer: " .. (raw.reason or "it is unreadable")
  end
  return "could not be asked: " .. (raw.reason or "no reason given")
end

--- Dresses the plain error table that `openhands.core` gives.
---@param raw table
---@param base_url string
---@return openhands.Error
function M.from_core(raw, base_url)
  local err = {
    kind = raw.kind,
    operation = raw.operation,
    status = raw.status,
    retryable = raw.retryable,
    retry_after = raw.retry_after,
    detail = M.clean(raw.detail),
    effect = raw.effect,
    page = raw.page, -- a web page came
    proxy = raw.proxy, -- the proxy wants other credentials
  }
  if raw.status == 429 then
    refine_429(err, err.detail)
  elseif raw.status == 401 and raw.operation == "start" and type(raw.detail) == "string" and not raw.page then
    err.kind = "permission" -- V0's answer for a repository that the account cannot reach: the key itself is good
  end
  if raw.kind == "unsupported" or (raw.kind == "invalid" and raw.effect == "none") then
    err.message = ("%s: %s (%s)"):format(raw.operation, raw.reason, raw.api)
  elseif raw.kind == "file" then
    err.message = ("%s: the file could not be written: %s"):format(raw.operation, raw.reason or "no reason given")
  else
    local address = core.line(raw.server or base_url, LONGEST_ADDRESS)
    err.message = ("%s: %s %s"):format(raw.operation, address, what_happened(err, raw))
  end
  if raw.page and type(err.detail) == "string" then
    err.message = ("%s; it begins: %s"):format(err.message, core.line(err.detail, 60))
  end
  local is_refused_here = err.kind == "protocol" and raw.effect == "none" -- the reason says it all
  local hint = not is_refused_here and (raw.server and advice_at_server or advice)[err.kind]
  if raw.status == 401 and not raw.server and words_of(err.detail) == "Unauthorized" then
    hint = advice_at_own_server
  end
  if hint then
    err.message = err.message .. "; " .. hint
  end
  return M.new(err)
end

--- Whether the call that failed has certainly changed nothing: it may be made again without doing it twice.
---@param err openhands.Error
---@return boolean
function M.had_no_effect(err)
  return err.effect == "none" or err.effect == "refused"
end

-- What lies between us and the service, and the service's own troubles.
local passing = { connect = true, timeout = true, server = true, throttled = true }

--- Whether an error of a read is of a kind that passes with time, whatever was asked for. What a proxy has against a
--- password does not, and asking on may lock the account.
---@param err openhands.Error
---@return boolean
function M.passes(err)
  return passing[err.kind] and not err.proxy or false
end

--- What happened, without what to do about it.
---@param err openhands.Error
---@return string
function M.happened(err)
  for _, hint in ipairs { advice[err.kind] or "", advice_at_server[err.kind] or "", advice_at_own_server } do
    local ending = "; " .. hint
    if err.message:sub(-#ending) == ending then
      return err.message:sub(1, -#ending - 1)
    end
  end
  return err.message
end

-- Where this library's own files are, to find the caller among the levels of the stack.
local here = debug and debug.getinfo and debug.getinfo(1, "S").source:match("^(.*)errors%.lua$")

local function is_ours(frame)
  return frame.what == "C" or frame.what == "tail" or frame.source:sub(1, #here) == here
end

-- The level of the caller's code, seen from who calls this; nil: there is none.
local function callers_level()
  local level = 3
  local frame = debug.getinfo(level, "S")
  while frame and is_ours(frame) do
    level = level + 1
    frame = debug.getinfo(level, "S")
  end
  return frame and level - 1
end

-- Of tasks: what they run. A function that ends with `return client:start{...}` is gone when that call is made.
local origins = setmetatable({}, { __mode = "k" })

--- Notes what a coroutine runs, for the place of mistakes whose caller has left no trace on the stack.
---@param thread thread
---@param run function
---@param place string? where it was handed to this library
function M.note_origin(thread, run, place)
  origins[thread] = { run = run, place = place }
end

--- Where the caller hands over a function of this library itself, whose own place would tell nothing.
---@param run function
---@return string? place
function M.place_for(run)
  local level = here and is_ours(debug.getinfo(run, "S")) and callers_level()
  local frame = level and debug.getinfo(level, "Sl")
  return frame and frame.currentline > 0 and ("%s:%d"):format(frame.short_src, frame.currentline) or nil
end

-- The place of a mistake in a task, as near as it can be told.
local function place_in_task()
  local thread = coroutine.running()
  local origin = thread and origins[thread]
  if not origin then
    return ""
  elseif origin.place then
    return origin.place .. ": "
  end
  local made = debug.getinfo(origin.run, "S")
  local is_known = made.linedefined > 0 and not is_ours(made)
  return is_known and ("%s:%d: "):format(made.short_src, made.linedefined) or ""
end

--- Raises the caller's mistake, at the line of the caller's code.
---@param message string
function M.raise(message)
  message = "openhands." .. message
  if not here then
    error(message, 2)
  end
  local level = callers_level()
  if not level then -- called from C alone, or by what a function returns
    error(place_in_task() .. message, 0)
  end
  error(message, level)
end

--- Raises again what the core has raised: the caller's mistake at the line of the caller's code, and all else, such as
--- Ctrl-C's error from the interpreter's hook, as it is.
---@param problem any
function M.raise_again(problem)
  local mistake = core.mistake(problem)
  if mistake then
    M.raise(mistake)
  end
  error(problem, 0)
end

--- Whether an error is what the interpreters make of Ctrl-C. It bears no other mark than its text.
---@param problem any
---@return boolean
function M.is_interrupt(problem)
  if type(problem) ~= "string" then
    return false
  end
  return (problem:find "interrupted!$" or problem:find "Keyboard interrupt$") ~= nil or problem == "interrupted"
end

return M
