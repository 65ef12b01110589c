--- The faults of an answer that comes bit by bit: as fault.lua plans them, but without ever having the whole of it.
local http = require "openhands.simulator.http"
local stream = require "openhands.simulator.encoding.stream"

local M = {}

-- Head and body as one source of the bytes on the wire. `headers` say how long the body is, if not the response.
local function wire(response, headers, source)
  return stream.joined { stream.of(http.stream_head(response, headers)), source }
end

local function chunked(response, source, unfinished)
  return wire(response, { { "Transfer-Encoding", "chunked" } }, stream.chunked(source, unfinished))
end

local function right(response, closes)
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

-- Where the source ends: `pieces` of it, and `at` bytes of what follows them. Left alone: in the middle of the second
-- element of a list, or of what is known of its length.
local function cut(fault, response)
  local at = fault.at
  if not at and not fault.pieces then
    if not response.length then return stream.cut(response.stream, 2, 10) end
    at = math.floor(response.length / 2)
  end
  return stream.cut(response.stream, fault.pieces or 0, at or 0)
end

local function cut_plan(fault, response)
  local source = cut(fault, response)
  if not response.length then return plan(fault.action, chunked(response, source, true)) end
  return plan(fault.action, wire(response, { { "Content-Length", ("%.0f"):format(response.length) } }, source))
end

local shaping = {}

function shaping.drip(fault, response)
  return plan("keep", stream.dripping(right(response), fault.bytes or 1, fault.seconds or 0.1))
end

function shaping.split(fault, response, flush_seconds)
  if fault.at == "every" then return plan("keep", stream.dripping(right(response), 1, 0)) end
  return plan("keep", stream.halting(right(response), fault.at or 1, flush_seconds))
end

shaping["continue"] = function(fault, response)
  return plan("keep", right(response), { bytes = http.continue, times = fault.times or 1 })
end

function shaping.wrong_length(fault, response)
  local length = math.max(0, (response.length or 0) + (fault.delta or 10))
  return plan("close", wire(response, { { "Content-Length", ("%.0f"):format(length) } }, response.stream))
end

function shaping.no_length(fault, response)
  local source = response.stream
  if fault.bytes then source = stream.cut(source, 0, fault.bytes) end
  return plan("close", wire(response, { { "Connection", "close" } }, source))
end

function shaping.truncate_chunked(fault, response)
  local source = response.stream
  if fault.pieces or fault.at then source = cut(fault, response) end
  return plan("close", chunked(response, source, true))
end

function shaping.delay(fault, response)
  return plan("keep", right(response), { bytes = "", wait = fault.seconds or 1 })
end

--- The plan of an answer without fault.
---@param response openhands.simulator.Answer with a `stream`
---@param closes? boolean
---@return openhands.simulator.Plan
function M.no_fault(response, closes)
  return plan(closes and "close" or "keep", right(response, closes))
end

--- What to write for a fault. What one does to a whole body (`cut_gzip`, `type`) does not happen to a stream.
---@param fault openhands.simulator.Fault one that needs the right answer
---@param response openhands.simulator.Answer with a `stream`
---@param flush_seconds number
---@return openhands.simulator.Plan
function M.plan(fault, response, flush_seconds)
  if fault.point == "in_body" then return cut_plan(fault, response) end
  if fault.point == "in_headers" then
    local head = http.stream_head(response, {})
    return plan(fault.action, stream.of(head:sub(1, fault.at or math.floor(#head / 2))))
  end
  local shape = shaping[fault.action]
  return shape and shape(fault, response, flush_seconds) or M.no_fault(response)
end

return M
