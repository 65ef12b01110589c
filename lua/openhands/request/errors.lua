--- Makes the errors of failed exchanges: what happened, to what, and what to do about it. The core reports the facts
--- as a plain table. This module refines the kind of a 429, and of a 401 from V0's start, by the body of the response.

local core = require "openhands.core"
local errors = require "openhands.errors"
local limits = require "openhands.limits"

local M = {}

local LONGEST_ADDRESS = 200 -- bytes of a service's address in a message

local function text(value)
  return type(value) == "string" and value ~= "" and value or nil
end

-- Returns one entry of a 422 list, as "field: what is wrong".
local function validation_words(entry)
  local where = {}
  for _, part in ipairs(type(entry.loc) == "table" and entry.loc or {}) do
    where[#where + 1] = tostring(part)
  end
  return table.concat(where, ".") .. ": " .. (text(entry.msg) or "refused")
end

-- Returns the service's own words: `detail` (text, table or list), `error`, `message`, or a bare string.
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

-- Returns a field of an error body. Releases of the service put it either at the top level or inside `detail`.
local function body_field(detail, name, kind)
  if type(detail) ~= "table" then
    return nil
  end
  local value = type(detail.detail) == "table" and detail.detail[name] or detail[name]
  return type(value) == kind and value or nil
end

-- Distinguishes the limits that a service reports with 429: some of them do not pass with time.
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

-- Advice for the user, by kind of error.
local advice = {
  authentication = "check the API key",
  permission = "check what this API key and its account may do",
  not_found = "check what was asked for, and that it belongs to the account of this API key",
  throttled = "ask again later, or less often",
  limit = "wait until a running conversation has ended or has taken its queued messages, or pause one",
  quota = "wait until the quota is renewed",
  server = "try again later",
  connect = "check the network and base_url",
  timeout = "try again, or allow more time",
  tls = "check base_url and the certificates (ca_file)",
  protocol = "check base_url and api: something else than this API answered",
  too_large = "ask for less at once, or allow more",
  memory = "free memory, or ask for less at once",
  unsupported = "use another dialect (setting `api`), or leave it out",
}

-- The same for the server of a conversation: it has no accounts, and its address comes from the service.
local advice_at_server = setmetatable({
  authentication = "request the conversation's status again: its session key may have changed",
  permission = "check what was asked for",
  not_found = "check what was asked for",
  connect = "check the network, and that the conversation still runs",
  tls = "check the certificates (ca_file)",
  protocol = "check that the conversation still runs: something else than its server answered",
}, { __index = advice })

-- A self-hosted server answers a request without its session key with a text of its own.
local advice_at_self_hosted =
  "check the API key, or give session_api_key, which a server run with SESSION_API_KEY needs"

local advice_for_proxy = "check the proxy (setting `proxy`, or https_proxy and all_proxy in the environment)"

local function redirects(raw)
  return raw.status and raw.status >= 300 and raw.status < 400
end

-- Returns the advice for an error, if there is any.
local function advice_for(err, raw)
  if err.kind == "protocol" and raw.effect == "none" then
    return nil -- the reason needs none
  elseif raw.status == 401 and not raw.server and words_of(err.detail) == "Unauthorized" then
    return advice_at_self_hosted
  elseif err.kind == "unsupported" and raw.api == "agent" then
    return "leave it out: an agent server has no other dialect"
  elseif raw.proxy then
    return advice_for_proxy
  elseif raw.cut and not raw.page and not redirects(raw) then -- this API has answered
    return "try again"
  end
  return (raw.server and advice_at_server or advice)[err.kind]
end

local function what_happened(err, raw)
  local words = words_of(err.detail)
  words = words and core.redact_line(words, limits.LONGEST_QUOTE)
  if raw.redirect_host then
    return ("redirected to %s, which is not followed"):format(raw.redirect_host)
  elseif redirects(raw) then
    return ("redirected with HTTP status %d, which is not followed"):format(raw.status)
  elseif err.kind == "too_large" then
    return "gave an answer that is too large: " .. (raw.reason or "it has no end")
  elseif err.kind == "memory" then
    return "gave an answer for which there is no memory here"
  elseif raw.page then
    return ("answered with a web page (HTTP status %d)"):format(raw.status or 0)
  elseif raw.cut == "early" then
    return ("gave an answer that ended early%s: %s"):format(
      raw.status and (" (HTTP status %d)"):format(raw.status) or "", raw.reason or "its end is missing")
  elseif err.kind == "protocol" and raw.status and raw.status >= 200 and raw.status < 300 and not raw.reason then
    return ("gave an answer that does not fit this call (HTTP status %d)"):format(raw.status)
  elseif raw.status and (raw.status < 200 or raw.status > 299) then
    return ("answered with HTTP status %d%s"):format(raw.status, words and (": " .. words) or "")
  elseif err.kind == "protocol" and raw.effect ~= "none" then
    return "gave no usable answer: " .. (raw.reason or "it is unreadable")
  end
  local what = raw.effect == "none" and "could not be asked" or raw.status and "gave no complete answer"
    or "gave no answer"
  return ("%s: %s"):format(what, raw.reason or "no reason given")
end

--- Makes an error from the plain table with which the core reports a failure.
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
    detail = errors.clean(raw.detail),
    effect = raw.effect,
    page = raw.page, -- the response was a web page
    proxy = raw.proxy, -- the proxy refused the credentials
  }
  if raw.status == 429 then
    refine_429(err, err.detail)
  elseif raw.status == 401 and raw.operation == "start" and type(raw.detail) == "string" and not raw.page then
    err.kind = "permission" -- V0 answers so for a repository that the account cannot access; the key itself is valid
  end
  if raw.kind == "unsupported" or (raw.kind == "invalid" and raw.effect == "none") then
    err.message = ("%s: %s (%s)"):format(raw.operation, raw.reason, raw.api)
  elseif raw.kind == "file" then
    err.message = ("%s: the file could not be written: %s"):format(raw.operation, raw.reason or "no reason given")
  else
    local address = core.redact_line(raw.server or base_url, LONGEST_ADDRESS)
    err.message = ("%s: %s %s"):format(raw.operation, address, what_happened(err, raw))
  end
  if raw.page and type(err.detail) == "string" then
    err.message = ("%s; it begins: %s"):format(err.message, core.redact_line(err.detail, 60))
  end
  local hint = advice_for(err, raw)
  if hint then
    err.summary = errors.line(raw.operation, err.message)
    err.message = err.message .. "; " .. hint
  end
  return errors.new(err)
end

--- Returns the error of a change that was answered with status 200 and the words of a failure.
---@param operation string
---@param detail table the answer, without secrets
---@return openhands.Error
function M.not_done(operation, detail)
  local words = text(detail.message)
  return errors.new {
    kind = "conflict",
    operation = operation,
    effect = "refused",
    detail = detail,
    message = ("%s: the service did not do it: %s"):format(
      operation,
      words and core.redact_line(words, limits.LONGEST_QUOTE) or "it gives no reason"
    ),
  }
end

--- Returns the error of a change of which it is not known whether it was made.
---@param operation string
---@param err openhands.Error of the exchange
---@return openhands.Error
function M.ambiguous(operation, err)
  return errors.new {
    kind = "ambiguous",
    operation = operation,
    effect = "unknown",
    status = err.status,
    detail = err.detail,
    cause = err.kind,
    message = ("%s; outcome unknown: check before repeating it"):format(errors.happened(err)),
  }
end

return M
