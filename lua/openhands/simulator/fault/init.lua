--- Faults: a schedule chooses the fault of a request. `plan` returns the pieces of bytes to write, and how the
-- connection ends. This module uses no sockets: server/connection.lua carries out the plan.
local http = require "openhands.simulator.http"
local json = require "openhands.simulator.encoding.json"
local responses = require "openhands.simulator.http.responses"
local stream_fault = require "openhands.simulator.fault.stream"

local M = {}

---@class openhands.simulator.Fault
---@field point "accept"|"before_read"|"after_read"|"after_commit"|"in_headers"|"in_body" when it happens: on a new
--- connection, at the first byte of a request, after reading it, after the model has committed it, while writing the
--- headers or the body of its response
---@field action string what happens: the name of a function in `transforming` (only at after_commit; delay also at
--- after_read) or in `replacing` below; at in_headers and in_body only close, reset and hang
---@field match? { method?: string, path?: string } exact method, Lua pattern of the path; not for accept, before_read
---@field skip? integer number of matching requests to leave unchanged first (default 0)
---@field count? integer number of requests to which the fault applies; default 1; -1: all
---@field ending? "keep"|"close"|"reset"|"hang" overrides how the connection ends; not for refuse, and not for delay at
--- after_read
---@field at? integer|"every" in_headers, in_body, and truncate_chunked of a stream: bytes of the headers or of the body
--- that are still sent (default: half); split: bytes before the split. Streams have other defaults: see stream.lua.
---@field pieces? integer in_body, truncate_chunked: pieces of a streamed response that are sent before those bytes. In
--- a stream of start tasks, the first piece is the bracket, and each further piece is one task.
---@field bytes? integer|string a parameter of some actions, like all fields below; see the comments of the actions
---@field seconds? number
---@field times? integer
---@field status? integer
---@field headers? table<string, string>|string[][]
---@field content_type? string
---@field body? string|table
---@field location? string
---@field line? string
---@field delta? integer
---@field depth? integer
---@field field? string
---@field value? any

---@class openhands.simulator.Plan
---@field writes { bytes: string, times?: integer, wait?: number }[] one after the other. Each writes
--- `bytes`, `times` (1) times, and each time flushes them and waits `wait` (0) seconds.
---@field stream? openhands.simulator.Stream written after them
---@field ending "keep"|"close"|"reset"|"hang" keep: the connection stays open

local function plan(ending, ...)
  return { writes = { ... }, ending = ending }
end

-- Converts the caller's headers, which are a list of pairs or a map, to a list of pairs.
local function header_list(given)
  local list = {}
  for name, value in pairs(given or {}) do
    list[#list + 1] = type(value) == "table" and value or { name, tostring(value) }
  end
  return list
end

---@param closes boolean?
local function format_whole(response, closes)
  local head, body = http.format_response(response, closes or false)
  return head .. body
end

local function send(response) return plan("keep", { bytes = format_whole(response) }) end

local function json_text(text) return send(responses.raw(200, "application/json", text)) end

-- Formats a head with additional headers, e.g. a wrong Content-Length.
local function head_of(response, ...)
  local headers = { ... }
  for _, header in ipairs(response.headers) do
    headers[#headers + 1] = header
  end
  return http.format_head(response.status, headers)
end

local function slices(bytes, size, wait)
  local writes = {}
  for start = 1, #bytes, size do
    writes[#writes + 1] = { bytes = bytes:sub(start, start + size - 1), wait = wait }
  end
  return { writes = writes, ending = "keep" }
end

--- Seconds between two writes, long enough for the peer to read the first before the second.
M.flush_seconds = 0.02

-- Returns the plan of `count` filling bytes between `before` and `after`. Repeats a piece of 64 KB, so that a flood
-- needs little memory here.
local function filled(before, count, after, ending)
  local chunk = 65536
  local writes = { { bytes = before } } ---@type { bytes: string, times?: integer }[]
  if count >= chunk then
    writes[2] = { bytes = ("x"):rep(chunk), times = math.floor(count / chunk) }
  end
  writes[#writes + 1] = { bytes = ("x"):rep(count % chunk) .. after }
  return { writes = writes, ending = ending }
end

local function replace(value, path, replacement)
  local name, rest = path:match("^([^.]+)%.?(.*)$")
  local key = json.is_array(value) and tonumber(name) or name
  if type(value) ~= "table" or value == json.null or value[key] == nil and rest ~= "" then
    error("the response has no field " .. path, 0)
  end
  if rest == "" then
    value[key] = replacement
  else
    replace(value[key], rest, replacement)
  end
end

-- Actions that transform the response of the model, by name: function(fault, response) -> plan. In the comments of all
-- actions, a number in parentheses is the default of the field before it.
local transforming = {}

-- Sends the response slowly: `bytes` (1) every `seconds` (0.1).
function transforming.drip(fault, response)
  return slices(format_whole(response), fault.bytes or 1, fault.seconds or 0.1)
end

-- Sends the response in two writes, split after byte `at` (default: half). With `at = "every"`, sends one write per
-- byte.
function transforming.split(fault, response)
  local bytes = format_whole(response)
  if fault.at == "every" then
    return slices(bytes, 1, 0)
  end
  local at = fault.at or math.floor(#bytes / 2)
  return plan("keep", { bytes = bytes:sub(1, at), wait = M.flush_seconds }, { bytes = bytes:sub(at + 1) })
end

-- Sends `times` (1) responses `100 Continue` before the response.
function transforming.continue(fault, response)
  return plan("keep", { bytes = http.continue, times = fault.times or 1 }, { bytes = format_whole(response) })
end

-- Sends a Content-Length that is wrong by `delta` (10), then closes the connection.
function transforming.wrong_length(fault, response)
  local length = math.max(0, #response.body + (fault.delta or 10))
  return plan("close", { bytes = head_of(response, { "Content-Length", tostring(length) }) .. response.body })
end

-- Sends no Content-Length: the body ends with the connection. If `bytes` is given, sends only so many of the body.
function transforming.no_length(fault, response)
  return plan("close", { bytes = head_of(response, { "Connection", "close" })
    .. response.body:sub(1, fault.bytes or #response.body) })
end

-- Sends a chunked body without its second half and without the last chunk.
function transforming.truncate_chunked(_, response)
  local half = response.body:sub(1, math.ceil(#response.body / 2))
  -- The half is not formatted with %s: Lua 5.1 would end it at its first NUL.
  return plan("close", { bytes = head_of(response, { "Transfer-Encoding", "chunked" })
    .. ("%x\r\n"):format(#half) .. half .. "\r\n" })
end

-- Sends a gzip body that ends too early, with a correct Content-Length: its header, the start of a block, and `bytes`
-- (0) of that block.
function transforming.cut_gzip(fault, response)
  local size = #response.body
  local low, high = size % 256, math.floor(size / 256) % 256
  local block = string.char(1, low, high, 255 - low, 255 - high)
  local body = "\31\139\8\0\0\0\0\0\0\3" .. block .. response.body:sub(1, fault.bytes or 0)
  return plan("keep", { bytes = head_of(response, { "Content-Encoding", "gzip" },
    { "Content-Length", tostring(#body) }) .. body })
end

-- Replaces one field. `field` is a path, e.g. "items.1.status"; `value` is the new value (`simulator.null` for JSON
-- null; no value removes the field). A missing field is added, but a response without the object around it is sent
-- unchanged.
function transforming.type(fault, response)
  local value = json.decode(response.body)
  if value == nil then
    return send(response)
  end
  if not pcall(replace, value, fault.field, fault.value) then
    return send(response)
  end
  return send { status = response.status, headers = response.headers, body = json.encode(value) }
end

-- Sends the response `seconds` (1) later. At the point after_read, the model also commits later.
function transforming.delay(fault, response)
  return plan("keep", { bytes = "", wait = fault.seconds or 1 }, { bytes = format_whole(response) })
end

-- Actions that replace the response, by name: function(fault) -> plan.
local replacing = {}

function replacing.close() return plan("close") end
function replacing.reset() return plan("reset") end
function replacing.hang() return plan("hang") end
function replacing.null() return json_text("null") end
function replacing.invalid_utf8() return json_text('{"id":"\255\254\195\40"}') end

-- Sends an HTML page with `status` (200): `body`, by default the page of the web application.
function replacing.html(fault)
  return send(responses.raw(fault.status or 200, "text/html; charset=utf-8", fault.body or responses.page))
end

-- Sends `status` (500) with `body`, `content_type` (default: JSON) and `headers`. The body is text, or a table that is
-- sent as JSON. The headers are a list of pairs or a map.
function replacing.status(fault)
  local body = fault.body or { detail = "simulated status" }
  if type(body) == "table" then
    body = json.encode(body)
  end
  return send(responses.raw(fault.status or 500, fault.content_type or "application/json", body,
    header_list(fault.headers)))
end

-- Sends JSON arrays nested `depth` (1000) times.
function replacing.deep(fault)
  local depth = fault.depth or 1000
  return json_text(("["):rep(depth) .. ("]"):rep(depth))
end

local huge_start, huge_end = '{"padding":"', '"}'

-- Sends valid JSON of exactly `bytes` (64 MB), at least 14.
function replacing.huge(fault)
  local size = fault.bytes or 64 * 1024 * 1024
  local head = http.format_head(200, {
    { "Content-Type", "application/json" }, { "Content-Length", ("%.0f"):format(size) },
  })
  return filled(head .. huge_start, size - #huge_start - #huge_end, huge_end, "keep")
end

-- Sends a redirect with `status` (302) to `location` (an address on port 1 of 127.0.0.1).
function replacing.redirect(fault)
  return send(responses.raw(fault.status or 302, "text/plain", "", {
    { "Location", fault.location or "http://127.0.0.1:1/elsewhere" },
  }))
end

-- Sends `status` (204) with an empty body.
function replacing.empty(fault)
  return send(responses.raw(fault.status or 204, "application/json", ""))
end

-- Sends exactly `bytes`, then closes the connection.
function replacing.raw(fault) return plan("close", { bytes = fault.bytes or "" }) end

-- Sends `line` (a text that is not HTTP) and an empty line, then closes the connection.
function replacing.garbage(fault)
  return plan("close", { bytes = (fault.line or "HELO this is no web server") .. "\r\n\r\n" })
end

-- Sends `bytes` (1 MB) of headers without the empty line that ends them.
function replacing.headers_flood(fault)
  local line = "X-Flood: " .. ("x"):rep(1013) .. "\r\n"
  return plan("close", { bytes = "HTTP/1.1 200 OK\r\n" },
    { bytes = line, times = math.ceil((fault.bytes or 1024 * 1024) / #line) })
end

-- Sends a body of `bytes` (1 GB) without a Content-Length.
function replacing.body_flood(fault)
  local head = http.format_head(200, { { "Content-Type", "application/json" }, { "Connection", "close" } })
  return filled(head .. '"', fault.bytes or 1024 * 1024 * 1024, "", "close")
end

-- Refuses connections for `seconds` (1). server/connection.lua does so itself, in place of this plan.
function replacing.refuse() return plan("reset") end

-- The smallest `bytes` of the actions to which it is a number.
local least_bytes = {
  drip = 1, no_length = 0, cut_gzip = 0, huge = #huge_start + #huge_end, headers_flood = 0, body_flood = 0,
}

local cutting = { close = true, reset = true, hang = true }

-- The points after the start of the response.
local late = { in_headers = true, in_body = true }

-- Tells whether an action is possible at a point.
local function fits(point, action)
  if late[point] then
    return cutting[action]
  end
  if point == "after_commit" then
    return replacing[action] or transforming[action]
  end
  return replacing[action] or (point == "after_read" and action == "delay")
end

local points = { accept = 1, before_read = 2, after_read = 3, after_commit = 4, in_headers = 4, in_body = 4 }

local function check(fault)
  if not points[fault.point] then
    error("fault: unknown point " .. tostring(fault.point), 0)
  end
  if not replacing[fault.action] and not transforming[fault.action] then
    error("fault: unknown action " .. tostring(fault.action), 0)
  end
  if not fits(fault.point, fault.action) then
    error(("fault: %s cannot happen at the point %s"):format(fault.action, fault.point), 0)
  end
  if fault.match and points[fault.point] < 3 then
    error("fault: match is not possible at the point " .. fault.point .. ", before a request is read", 0)
  end
  if fault.action == "type" and type(fault.field) ~= "string" then
    error("fault: type needs a field", 0)
  end
  local bytes, least = fault.bytes, least_bytes[fault.action]
  if bytes and least and not (type(bytes) == "number" and bytes >= least) then
    error(("fault: the bytes of %s must be at least %d"):format(fault.action, least), 0)
  end
end

---@class openhands.simulator.Schedule
---@field private _entries table[]
local schedule = {}
local metatable = { __index = schedule }

--- Creates a schedule. Raises if a fault is malformed.
---@param faults openhands.simulator.Fault[]
---@return openhands.simulator.Schedule
function M.schedule(faults)
  local entries = {}
  for index, fault in ipairs(faults) do
    check(fault)
    entries[index] = { fault = fault, skip = fault.skip or 0, left = fault.count or 1 }
  end
  return setmetatable({ _entries = entries }, metatable)
end

--- Tells whether a fault applies to a request.
---@param match? { method?: string, path?: string }
---@param request? { method: string, path: string }
---@return boolean
function M.matches(match, request)
  if not match then
    return true
  end
  return request ~= nil and (not match.method or match.method == request.method)
    and (not match.path or request.path:find(match.path) ~= nil)
end

--- Returns the fault to inject now, if any: the first matching entry whose `skip` is used up. The `skip` and `count` of
-- later entries stay unchanged.
---@param stage "accept"|"before_read"|"after_read" after_read includes all later points
---@param request? { method: string, path: string }
---@return openhands.simulator.Fault?
function schedule:take(stage, request)
  for _, entry in ipairs(self._entries) do
    local point = points[entry.fault.point]
    if math.min(point, 3) == points[stage] and entry.left ~= 0 and M.matches(entry.fault.match, request) then
      if entry.skip > 0 then
        entry.skip = entry.skip - 1
      else
        entry.left = entry.left - 1
        return entry.fault
      end
    end
  end
end

local function plan_of(fault, response)
  if fault.point == "in_headers" then
    local head = http.format_response(response, false)
    return plan(fault.action, { bytes = head:sub(1, fault.at or math.floor(#head / 2)) })
  elseif fault.point == "in_body" then
    local head, body = http.format_response(response, false)
    return plan(fault.action, { bytes = head .. body:sub(1, fault.at or math.floor(#body / 2)) })
  end
  return transforming[fault.action](fault, response)
end

--- Returns the plan of a fault.
---@param fault openhands.simulator.Fault
---@param response? openhands.simulator.Response of the model, if it was asked
---@return openhands.simulator.Plan
function M.plan(fault, response)
  local made
  if replacing[fault.action] and not late[fault.point] then
    made = replacing[fault.action](fault)
  elseif response.stream then
    made = stream_fault.plan(fault, response --[[@as openhands.simulator.Response]], M.flush_seconds)
  else
    made = plan_of(fault, response --[[@as openhands.simulator.Response]])
  end
  made.ending = fault.ending or made.ending
  return made
end

--- Returns the plan of a response without fault.
---@param response openhands.simulator.Response
---@param closes boolean
---@return openhands.simulator.Plan
function M.no_fault(response, closes)
  if response.stream then
    return stream_fault.no_fault(response, closes)
  end
  return plan(closes and "close" or "keep", { bytes = format_whole(response, closes) })
end

return M
