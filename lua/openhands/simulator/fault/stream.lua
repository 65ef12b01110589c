--- Plans of faults for streamed responses, like those of fault/init.lua. Never holds a whole body.
local http = require "openhands.simulator.http"
local stream = require "openhands.simulator.encoding.stream"

local M = {}

-- Streams the head and the body of a response. `headers` are those that delimit the body.
local function wire(response, headers, source)
  return stream.concat { stream.from_string(http.format_stream_head(response, headers)), source }
end

local function chunked(response, source, unfinished)
  return wire(response, { { "Transfer-Encoding", "chunked" } }, stream.chunked(source, unfinished))
end

local function response_stream(response, closes)
  local source = response.stream
  local headers = closes and { { "Connection", "close" } } or {}
  if response.length then
    table.insert(headers, 1, { "Content-Length", ("%.0f"):format(response.length) })
    return wire(response, headers, source)
  end
  table.insert(headers, 1, { "Transfer-Encoding", "chunked" })
  return wire(response, headers, stream.chunked(source))
end

local function plan(ending, source, ...)
  return { writes = { ... }, stream = source, ending = ending }
end

-- Truncates the stream after `pieces` pieces and `at` bytes. Without both, truncates it at half of its announced length
-- or, without a length, in the second element of a list.
local function cut(fault, response)
  local at = fault.at
  if not at and not fault.pieces then
    if not response.length then
      return stream.truncated(response.stream, 2, 10)
    end
    at = math.floor(response.length / 2)
  end
  return stream.truncated(response.stream, fault.pieces or 0, at or 0)
end

local function cut_plan(fault, response)
  local source = cut(fault, response)
  if not response.length then
    return plan(fault.action, chunked(response, source, true))
  end
  return plan(fault.action, wire(response, { { "Content-Length", ("%.0f"):format(response.length) } }, source))
end

local transforming = {}

function transforming.drip(fault, response)
  return plan("keep", stream.slowed(response_stream(response), fault.bytes or 1, fault.seconds or 0.1))
end

-- Splits after byte 1 by default, not at half.
function transforming.split(fault, response, flush_seconds)
  if fault.at == "every" then
    return plan("keep", stream.slowed(response_stream(response), 1, 0))
  end
  local at = fault.at or 1 --[[@as integer]]
  return plan("keep", stream.paused(response_stream(response), at, flush_seconds))
end

transforming["continue"] = function(fault, response)
  return plan("keep", response_stream(response), { bytes = http.continue, times = fault.times or 1 })
end

-- A stream without a length counts as empty.
function transforming.wrong_length(fault, response)
  local length = math.max(0, (response.length or 0) + (fault.delta or 10))
  return plan("close", wire(response, { { "Content-Length", ("%.0f"):format(length) } }, response.stream))
end

function transforming.no_length(fault, response)
  local source = response.stream
  if fault.bytes then
    source = stream.truncated(source, 0, fault.bytes)
  end
  return plan("close", wire(response, { { "Connection", "close" } }, source))
end

-- Without `pieces` and `at`, sends the whole body and omits only the last chunk.
function transforming.truncate_chunked(fault, response)
  local source = response.stream
  if fault.pieces or fault.at then
    source = cut(fault, response)
  end
  return plan("close", chunked(response, source, true))
end

function transforming.delay(fault, response)
  return plan("keep", response_stream(response), { bytes = "", wait = fault.seconds or 1 })
end

--- Returns the plan of a response without fault.
---@param response openhands.simulator.Response with a `stream`
---@param closes? boolean
---@return openhands.simulator.Plan
function M.no_fault(response, closes)
  return plan(closes and "close" or "keep", response_stream(response, closes))
end

--- Returns the plan of a fault. Actions on a whole body (`cut_gzip`, `type`) leave a stream unchanged.
---@param fault openhands.simulator.Fault whose action transforms the response
---@param response openhands.simulator.Response with a `stream`
---@param flush_seconds number
---@return openhands.simulator.Plan
function M.plan(fault, response, flush_seconds)
  if fault.point == "in_body" then
    return cut_plan(fault, response)
  end
  if fault.point == "in_headers" then
    local head = http.format_stream_head(response, {})
    return plan(fault.action, stream.from_string(head:sub(1, fault.at --[[@as integer?]] or math.floor(#head / 2))))
  end
  local shape = transforming[fault.action]
  return shape and shape(fault, response, flush_seconds) or M.no_fault(response)
end

return M
