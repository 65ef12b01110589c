--- The five meanings of HTTP 429, and what happens to those who start too much.
local ascii = require "openhands.ascii"
local reply = require "openhands.simulator.http.response"
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

local function anything() return true end

local function concurrency(limit, current, flat)
  local detail = {
    error = "CONCURRENCY_LIMIT_REACHED", limit = limit, current = current,
    message = ("You have reached your limit of %d concurrent conversations. Please close an existing conversation "
      .. "to start a new one."):format(limit),
  }
  return flat and reply.json(429, detail) or reply.detail(429, detail)
end

local function text_of(seconds)
  return type(seconds) == "number" and ascii.from_number(seconds, 14) or tostring(seconds)
end

-- name -> which requests it concerns, and its answer. `details` come from the caller of `model:throttle`.
local forms = {
  window = { anything, function(model, details)
    local wait = details.retry_after or 1
    return reply.json(429, { error = "Rate limit exceeded: 10 per 1 second" }, {
      { "X-RateLimit-Limit", "10 per 1 second" }, { "X-RateLimit-Remaining", "0" },
      { "X-RateLimit-Reset", ("%.0f"):format(math.floor(model:now()) + 1) }, { "Retry-After", text_of(wait) },
    })
  end },
  burst = { anything, function(_, details)
    return reply.json(429, { message = "Too many requests" }, { { "Retry-After", text_of(details.retry_after or 1) } })
  end },
  concurrency = { takes_a_slot, function(_, details)
    local limit = details.limit or 3
    return concurrency(limit, details.current or limit, details.flat)
  end },
  quota = { is_start, function(model, details)
    local limit = details.limit or 10
    local midnight = (math.floor(model:now() / 86400) + 1) * 86400
    return reply.detail(429, {
      code = "daily_conversation_limit_reached", limit = limit, used = limit,
      message = ("Daily conversation limit of %d reached. Request a quota increase at /settings/quota."):format(limit),
      reset_at = details.reset_at or (timestamps.utc(midnight):gsub("Z$", "+00:00")),
    })
  end },
  pending = { is_pending_message, function()
    return reply.detail(429, "Too many pending messages. Maximum 10 messages per conversation.")
  end },
}

---@class openhands.simulator.ThrottleDetails
---@field starts? boolean only requests that start a job
---@field retry_after? integer|string the text of the header
---@field limit? integer
---@field current? integer
---@field flat? boolean the concurrency limit in its flat form
---@field reset_at? string ISO-8601, of the quota

--- Adds a throttle: the next `count` requests that it concerns are answered with 429.
---@param throttles table[] the model's list
---@param name "window"|"burst"|"concurrency"|"quota"|"pending"
---@param count integer -1: for ever
---@param details? openhands.simulator.ThrottleDetails
function M.add(throttles, name, count, details)
  local form = forms[name]
  if not form then error("no throttle is called " .. tostring(name), 3) end
  details = details or {}
  throttles[#throttles + 1] = {
    count = count or 1, details = details, concerns = details.starts and is_start or form[1], answer = form[2],
  }
end

--- The 429 that a request gets instead of its answer, if any.
---@param model table
---@param call table
---@return table? answer
function M.take(model, call)
  for index, throttle in ipairs(model._throttles) do
    if throttle.concerns(call) then
      throttle.count = throttle.count - 1
      if throttle.count == 0 then table.remove(model._throttles, index) end
      return throttle.answer(model, throttle.details)
    end
  end
end

-- A job that still wants to work: this is what the refusing service counts.
local function is_busy(job)
  return job.task_status ~= "ERROR" and job.sandbox_status ~= "PAUSED" and job.sandbox_status ~= "MISSING"
    and job.execution_status ~= "finished" and job.execution_status ~= "error" and job.execution_status ~= "stuck"
end

local function pause_oldest(model, limit)
  local up = {}
  for _, job in ipairs(model:all_jobs()) do
    if job.task_status == "READY" and job.sandbox_status == "RUNNING" then up[#up + 1] = job end
  end
  for index = 1, #up - limit + 1 do model:pause_job(up[index]) end
end

--- Called before a V1 start is accepted. The pausing service lets it in and silently puts the oldest running sandboxes
-- to sleep, finished ones too; it counts only running ones, so a burst overshoots. The refusing one answers 429.
---@param model table
---@return table? refusal
function M.admit(model)
  local limit = model.options.max_concurrent
  if not limit then return nil end
  if model.options.limit_mode == "pause" then return pause_oldest(model, limit) end
  local busy = 0
  for _, job in ipairs(model:all_jobs()) do
    if job.api == "v1" and is_busy(job) then busy = busy + 1 end
  end
  if busy >= limit then return concurrency(limit, busy) end
end

return M
