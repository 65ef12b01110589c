--- The five forms of HTTP 429, and the limit of concurrent conversations.
local ascii = require "openhands.simulator.encoding.ascii"
local responses = require "openhands.simulator.http.responses"
local timestamps = require "openhands.simulator.encoding.timestamps"

local M = {}

local function is_start(call)
  return call.method == "POST"
    and (call.path:match("^/api/v1/app%-conversations/?$") or call.path:match("^/api/conversations/?$")
      or call.path == "/api/v1/app-conversations/stream-start") ~= nil
end

local function takes_a_slot(call)
  return is_start(call) or call.method == "POST" and call.path == "/api/v1/sandboxes"
end

local function is_pending_message(call)
  return call.method == "POST" and call.path:match("/pending%-messages$") ~= nil
end

local function anything()
  return true
end

local function concurrency(limit, current, flat)
  local detail = {
    error = "CONCURRENCY_LIMIT_REACHED", limit = limit, current = current,
    message = ("You have reached your limit of %d concurrent conversations. Please close an existing conversation "
      .. "to start a new one."):format(limit),
  }
  return flat and responses.json(429, detail) or responses.detail(429, detail)
end

local function text_of(seconds)
  return type(seconds) == "number" and ascii.from_number(seconds, 14) or tostring(seconds)
end

-- name -> { matches(call), respond(model, details) }; `details` come from the caller of `model:throttle`.
local forms = {
  window = { anything, function(model, details)
    local wait = details.retry_after or 1
    return responses.json(429, { error = "Rate limit exceeded: 10 per 1 second" }, {
      { "X-RateLimit-Limit", "10 per 1 second" }, { "X-RateLimit-Remaining", "0" },
      { "X-RateLimit-Reset", ("%.0f"):format(math.floor(model:now()) + 1) }, { "Retry-After", text_of(wait) },
    })
  end },
  burst = { anything, function(_, details)
    local wait = text_of(details.retry_after or 1)
    return responses.json(429, { message = "Too many requests" }, { { "Retry-After", wait } })
  end },
  concurrency = { takes_a_slot, function(_, details)
    local limit = details.limit or 3
    return concurrency(limit, details.current or limit, details.flat)
  end },
  quota = { is_start, function(model, details)
    local limit = details.limit or 10
    local midnight = (math.floor(model:now() / 86400) + 1) * 86400
    return responses.detail(429, {
      code = "daily_conversation_limit_reached", limit = limit, used = limit,
      message = ("Daily conversation limit of %d reached. Request a quota increase at /settings/quota."):format(limit),
      reset_at = details.reset_at or (timestamps.utc(midnight):gsub("Z$", "+00:00")),
    })
  end },
  pending = { is_pending_message, function()
    return responses.detail(429, "Too many pending messages. Maximum 10 messages per conversation.")
  end },
}

--- The forms of HTTP 429: "window" (more than 10 requests per second), "burst" (the limit of the proxy), "concurrency"
-- (too many conversations at once; only starts and new sandboxes), "quota" (the daily quota; only starts), "pending"
-- (too many queued messages; only requests that queue one).
---@alias openhands.simulator.Throttle "window"|"burst"|"concurrency"|"quota"|"pending"

---@class openhands.simulator.ThrottleDetails
---@field starts? boolean apply only to requests that start a conversation
---@field retry_after? integer|string window, burst: the header `Retry-After` (default 1)
---@field limit? integer concurrency (default 3), quota (default 10)
---@field current? integer concurrency: running conversations (default: `limit`)
---@field flat? boolean concurrency: without `detail` around the fields
---@field reset_at? string quota: ISO-8601 (default: midnight)

--- Adds a throttle: the next `count` matching requests get the 429 of that name. Raises if the name is unknown.
---@param throttles table[] the model's list
---@param name openhands.simulator.Throttle
---@param count? integer default 1; -1: all
---@param details? openhands.simulator.ThrottleDetails
function M.add(throttles, name, count, details)
  local form = forms[name]
  if not form then
    error("unknown throttle: " .. tostring(name), 3)
  end
  details = details or {}
  throttles[#throttles + 1] = {
    count = count or 1, details = details, matches = details.starts and is_start or form[1], respond = form[2],
  }
end

--- Returns the 429 that a request gets instead of its response, if any.
---@param model openhands.simulator.Model
---@param call openhands.simulator.Call
---@return openhands.simulator.Response? response
function M.take(model, call)
  for index, throttle in ipairs(model._throttles) do
    if throttle.matches(call) then
      throttle.count = throttle.count - 1
      if throttle.count == 0 then
        table.remove(model._throttles, index)
      end
      return throttle.respond(model, throttle.details)
    end
  end
end

local at_rest = { PAUSED = true, MISSING = true, finished = true, error = true, stuck = true }

-- Tells whether the mode "refuse" counts a conversation. It counts until its start has failed, its sandbox is paused or
-- missing, or its agent has ended; an idle agent counts.
local function is_busy(conversation)
  return conversation.task_status ~= "ERROR" and not at_rest[conversation.sandbox_status]
    and not at_rest[conversation.execution_status]
end

local function pause_oldest(model, limit)
  local running = {}
  for _, conversation in ipairs(model:conversations()) do
    if conversation.task_status == "READY" and conversation.sandbox_status == "RUNNING" then
      running[#running + 1] = conversation
    end
  end
  for index = 1, #running - limit + 1 do
    model:pause(running[index])
  end
end

--- Applies the option `max_concurrent` before a V1 start or a new sandbox is accepted. In the mode "pause", it is
-- accepted, and the oldest running sandboxes are paused, even if their agents have finished. Only the running sandboxes
-- of conversations that are READY count, so many starts at once exceed the limit. In the mode "refuse", the request
-- gets 429. In neither mode do sandboxes without a conversation count.
---@param model openhands.simulator.Model
---@return openhands.simulator.Response? refusal
function M.admit(model)
  local limit = model.options.max_concurrent
  if not limit then
    return nil
  end
  if model.options.limit_mode == "pause" then
    return pause_oldest(model, limit)
  end
  local busy = 0
  for _, conversation in ipairs(model:conversations()) do
    if conversation.api == "v1" and is_busy(conversation) then
      busy = busy + 1
    end
  end
  if busy >= limit then
    return concurrency(limit, busy)
  end
end

return M
