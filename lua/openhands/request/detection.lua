--- Detects which dialect a service speaks, with GETs that change nothing. Loaded when a client does not know it.

local deferred = require "openhands.deferred"
local dialects = require "openhands.request.dialect"
local errors = require "openhands.errors"
local coroutines = deferred.module "openhands.task.coroutines"

local M = {}

local LONGEST_ACCOUNT = 65536 -- bytes of the account that are searched for field names
local OWNER_CHECK_INTERVAL = 1 -- seconds between checks that the coroutine that asks is still alive

-- An account has at least one of these fields; its value may be null.
local account_fields = {
  "id", "email", "org_id", "org_name", "role", "permissions", "language", "git_user_name", "agent_settings",
  "v1_enabled",
}

-- ---- the request -------------------------------------------------------------------------------------------------

-- Returns the position of the quote that ends a JSON string, from a position inside the string.
local function string_end(text, place)
  while true do
    local at = text:find('["\\]', place)
    if not at or text:byte(at) == 34 then
      return at
    end
    place = at + 2
  end
end

-- Returns the names at the top level of a JSON object, with the first letters of their values. Does not decode the
-- object, because decoding would drop fields that are null.
local function names_of(text)
  text = text:sub(1, LONGEST_ACCOUNT)
  local names, depth, place = {}, 0, 1
  while place do
    local at = text:find('["%[%]{}]', place)
    local mark = at and text:sub(at, at)
    if mark == '"' then
      local ends = text:match('^[^"\\]*()"', at + 1) or string_end(text, at + 1)
      local value = ends and depth == 1 and text:match("^[ \t\r\n]*:[ \t\r\n]*(.?.?.?.?.?)", ends + 1)
      if value then
        names[text:sub(at + 1, ends - 1)] = value
      end
      at = ends
    elseif mark then
      depth = depth + ((mark == "{" or mark == "[") and 1 or -1)
    end
    place = at and at + 1
  end
  return names
end

-- Returns the dialect that an account shows, and whether the server may have conversations of both. Newer servers with
-- both APIs say in `v1_enabled` which one is in use. Older ones do not; their accounts lack `agent_settings` too.
local function dialect_of_account(text)
  local names = names_of(text)
  if names.v1_enabled and not names.v1_enabled:find "^true" then
    return "v0"
  end
  for _, name in ipairs(account_fields) do
    if names[name] then
      return "v1", not (names.v1_enabled or names.agent_settings)
    end
  end
  return "v0"
end

-- The kinds of error with which a service answers an unknown path.
local v0_kinds = { protocol = true, not_found = true, invalid = true, unsupported = true }

-- Returns "v0" if the error of the account request shows that the service does not speak V1.
local function dialect_of_failure(err)
  local redirected = err.status and err.status >= 300 and err.status < 400
  if dialects.is_answered(err) and not redirected and v0_kinds[err.kind] then
    return "v0"
  end
end

-- Returns whether the server lists conversations as V0 does. A V0 server without settings answers the account request
-- with a failure in plain text.
local function lists_as_v0(client, call, err)
  if err.status ~= 500 or type(err.detail) == "table" then
    return false
  end
  local page = client:_exchange("list", { limit = 1 }, call, "v0")
  return type(page) == "table" and type(page.results) == "table"
end

-- Requests the account, which only V1 has. An error that leaves the dialect open becomes the error of the call.
local function ask(client, operation, call)
  local attempt = 1
  while true do
    local text, err = client:_exchange("me", nil, call, "v1", { undecoded = true })
    local api
    if text then
      api, client._may_have_both = dialect_of_account(text)
    else
      api = dialect_of_failure(err)
    end
    if not api and attempt == 1 and lists_as_v0(client, call, err) then
      api = "v0"
    end
    if api then
      return api
    elseif not client:_pause(call, attempt, err) then
      errors.rename(err, operation)
      if err.kind == "server" or err.kind == "protocol" then
        err.message = ("%s; if this goes on, the API of the service cannot be detected: %s"):format(err.message,
          dialects.GIVE_API)
      end
      return nil, err
    end
    attempt = attempt + 1
  end
end

-- ---- one request for all waiting calls ----------------------------------------------------------------------------

local weak = { __mode = "v" } -- the record does not keep the coroutine that asks alive

-- Returns whether the request of this call would have failed in the same way as the shared one.
local function is_for_all(err, question, call)
  return (dialects.is_answered(err) or err.kind == "connect" or err.kind == "tls")
    and question.api_key == rawget(call, "api_key")
    and question.organization == rawget(call, "organization")
end

-- Waits for the request of another call while there is time and the other call's coroutine is alive.
local function await(client, question, call)
  while not question.done do
    local now = client:_now()
    if client:_is_given_up() or now >= call.deadline_at or now >= question.ends_at then
      return
    elseif coroutines.is_abandoned(question.asker, client._loop) then
      return
    end
    client:_await(question, math.min(call.deadline_at, question.ends_at, now + OWNER_CHECK_INTERVAL))
    question.news = nil
  end
end

-- Requests the account, or waits for the response to the same request of another call.
local function ask_once(client, operation, call)
  local question = client._dialect_request
  if question then
    await(client, question, call)
    if question.api then
      return question.api
    elseif question.err and is_for_all(question.err, question, call) then
      return nil, errors.rename(errors.copy(question.err), operation)
    elseif client._dialect_request and client._dialect_request ~= question then
      return ask_once(client, operation, call) -- another waiter has sent the request in the meantime
    end
  end
  question = {
    asker = setmetatable({ coroutine = coroutine.running() or coroutines.MAIN }, weak),
    ends_at = call.deadline_at,
    api_key = rawget(call, "api_key"),
    organization = rawget(call, "organization"),
  }
  client._dialect_request = question
  question.api, question.err = ask(client, operation, call)
  question.done = true
  if client._dialect_request == question then
    client._dialect_request = nil
  end
  client:_wake(question)
  return question.api, question.err
end

--- Detects which dialect the service speaks, and remembers it. Concurrent calls share one request.
---@param client openhands.Client
---@param operation string name of the call, for messages
---@param call openhands.Call
---@return "v0"|"v1"|nil api
---@return openhands.Error? err
function M.find_out(client, operation, call)
  local api, err = ask_once(client, operation, call)
  if not api then
    return nil, err
  end
  client._api = api
  if client._settings.log then
    client:_log("the service speaks %s", api)
  end
  return api
end

return M
