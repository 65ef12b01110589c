--- Faults: what goes wrong, for which request, and when. Pure: a schedule picks the fault, `plan` says which bytes are
-- written in which pieces and how the connection ends; server.lua does as the plan says.
local http = require "openhands.simulator.http"
local json = require "openhands.simulator.encoding.json"
local reply = require "openhands.simulator.http.response"
local stream_fault = require "openhands.simulator.fault.stream"

local M = {}

---@class openhands.simulator.Fault
---@field point "accept"|"before_read"|"after_read"|"after_commit"|"in_headers"|"in_body" when it strikes
---@field action string what happens, see the table `actions` below
---@field match? { method?: string, path?: string } exact method, Lua pattern for the path; not for accept, before_read
---@field skip? integer lets so many matching requests pass first (default 0)
---@field count? integer strikes so many times (default 1; -1: for ever)
---@field ending? "keep"|"close"|"reset"|"hang" overrides how the connection ends
---@field at? integer in_headers, in_body: so many bytes of them still come (default: half)
---@field pieces? integer in_body, truncate_chunked: so many pieces of what comes bit by bit come before those bytes.
--- Of a stream of start tasks the first piece is its bracket, each further one a task.
---@field bytes? integer|string of one action, as the following: named with it below
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
---@field writes { bytes: string, times?: integer, wait?: number }[] one after the other, each flushed before its `wait`
---@field stream? openhands.simulator.Source the bytes that follow them
---@field ending "keep"|"close"|"reset"|"hang" keep: the next request may follow

local function plan(ending, ...)
  return { writes = { ... }, ending = ending }
end

-- Headers as given by the caller: a list of pairs or a map.
local function header_list(given)
  local list = {}
  for name, value in pairs(given or {}) do
    list[#list + 1] = type(value) == "table" and value or { name, tostring(value) }
  end
  return list
end

---@param closes boolean?
local function whole(response, closes)
  local head, body = http.answer(response, closes or false)
  return head .. body
end

local function send(response)
  return plan("keep", { bytes = whole(response) })
end

local function json_text(text)
  return send(reply.raw(200, "application/json", text))
end

-- A head with a Content-Length of our choice.
local function head_of(response, ...)
  local headers = { ... }
  for _, header in ipairs(response.headers) do headers[#headers + 1] = header end
  return http.head(response.status, headers)
end

local function slices(bytes, size, wait)
  local writes = {}
  for start = 1, #bytes, size do
    writes[#writes + 1] = { bytes = bytes:sub(start, start + size - 1), wait = wait }
  end
  return { writes = writes, ending = "keep" }
end

--- Long enough for the peer to read what was written before, so that two writes are two reads.
M.flush_seconds = 0.02

-- One million bytes of filling are written 64 KB at a time: a flood does not need memory here.
local function filled(before, count, after, ending)
  local chunk = 65536
  local writes = { { bytes = before } } ---@type { bytes: string, times?: integer }[]
  if count >= chunk then writes[2] = { bytes = ("x"):rep(chunk), times = math.floor(count / chunk) } end
  writes[#writes + 1] = { bytes = ("x"):rep(count % chunk) .. after }
  return { writes = writes, ending = ending }
end

local function replace(value, path, replacement)
  local name, rest = path:match("^([^.]+)%.?(.*)$")
  local key = json.is_array(value) and tonumber(name) or name
  if type(value) ~= "table" or value == json.null or value[key] == nil and rest ~= "" then
    error("the answer has no field " .. path, 0)
  end
  if rest == "" then value[key] = replacement else replace(value[key], rest, replacement) end
end

-- name -> function(fault, response) -> plan. `response` is the model's answer.
local shaping = {}

-- The right answer, byte by byte and slowly: `bytes` (1) every `seconds` (0.1).
function shaping.drip(fault, response)
  return slices(whole(response), fault.bytes or 1, fault.seconds or 0.1)
end

-- The right answer in two writes, cut after byte `at`; or `at = "every"`: one write per byte.
function shaping.split(fault, response)
  local bytes = whole(response)
  if fault.at == "every" then return slices(bytes, 1, 0) end
  local at = fault.at or math.floor(#bytes / 2)
  return plan("keep", { bytes = bytes:sub(1, at), wait = M.flush_seconds }, { bytes = bytes:sub(at + 1) })
end

-- `times` (1) lines of `100 Continue` before the right answer.
function shaping.continue(fault, response)
  return plan("keep", { bytes = http.continue, times = fault.times or 1 }, { bytes = whole(response) })
end

-- A Content-Length that is off by `delta` (10); then the connection closes.
function shaping.wrong_length(fault, response)
  local length = math.max(0, #response.body + (fault.delta or 10))
  return plan("close", { bytes = head_of(response, { "Content-Length", tostring(length) }) .. response.body })
end

-- No Content-Length at all; the end of the body is the end of the connection. `bytes`: only so many of the body.
function shaping.no_length(fault, response)
  return plan("close", { bytes = head_of(response, { "Connection", "close" })
    .. response.body:sub(1, fault.bytes or #response.body) })
end

-- A chunked body whose second half and last chunk never come.
function shaping.truncate_chunked(_, response)
  local half = response.body:sub(1, math.ceil(#response.body / 2))
  return plan("close", { bytes = head_of(response, { "Transfer-Encoding", "chunked" })
    .. ("%x\r\n%s\r\n"):format(#half, half) })
end

-- A compressed body that ends too early although all lengths are right: the gzip header, the announcement of a stored
-- block, and `bytes` (0) bytes of it.
function shaping.cut_gzip(fault, response)
  local size = #response.body
  local low, high = size % 256, math.floor(size / 256) % 256
  local block = string.char(1, low, high, 255 - low, 255 - high)
  local body = "\31\139\8\0\0\0\0\0\0\3" .. block .. response.body:sub(1, fault.bytes or 0)
  return plan("keep", { bytes = head_of(response, { "Content-Encoding", "gzip" },
    { "Content-Length", tostring(#body) }) .. body })
end

-- The right answer with one field replaced: `field` is a path such as "items.1.status", `value` what is there now
-- (JSON null is `simulator.null`, no value removes the field).
function shaping.type(fault, response)
  local value = json.decode(response.body)
  if value == nil then return send(response) end
  if not pcall(replace, value, fault.field, fault.value) then return send(response) end
  return send { status = response.status, headers = response.headers, body = json.encode(value) }
end

-- The right answer, `seconds` later. After reading: the job is committed later too.
function shaping.delay(fault, response)
  return plan("keep", { bytes = "", wait = fault.seconds or 1 }, { bytes = whole(response) })
end

-- name -> function(fault) -> plan, which needs no right answer.
local producing = {}

function producing.close() return plan("close") end
function producing.reset() return plan("reset") end
function producing.hang() return plan("hang") end
function producing.null() return json_text("null") end
function producing.invalid_utf8() return json_text('{"id":"\255\254\195\40"}') end

function producing.html(fault)
  return send(reply.raw(fault.status or 200, "text/html; charset=utf-8", fault.body or reply.page))
end

-- `status`, `body` (text, or a table that is sent as JSON), `headers` (pairs or map).
function producing.status(fault)
  local body = fault.body or { detail = "simulated status" }
  if type(body) == "table" then body = json.encode(body) end
  return send(reply.raw(fault.status or 500, fault.content_type or "application/json", body,
    header_list(fault.headers)))
end

-- JSON nested `depth` (1000) times.
function producing.deep(fault)
  local depth = fault.depth or 1000
  return json_text(("["):rep(depth) .. ("]"):rep(depth))
end

-- Valid JSON of exactly `bytes` (64 MB) bytes.
function producing.huge(fault)
  local size = fault.bytes or 64 * 1024 * 1024
  local before, after = '{"padding":"', '"}'
  local head = http.head(200, { { "Content-Type", "application/json" }, { "Content-Length", ("%.0f"):format(size) } })
  return filled(head .. before, size - #before - #after, after, "keep")
end

function producing.redirect(fault)
  return send(reply.raw(fault.status or 302, "text/plain", "", {
    { "Location", fault.location or "http://127.0.0.1:1/elsewhere" },
  }))
end

-- `status` 204 (default), or another one with an empty body.
function producing.empty(fault)
  return send(reply.raw(fault.status or 204, "application/json", ""))
end

-- Exactly these bytes: `bytes`. Then the connection closes.
function producing.raw(fault)
  return plan("close", { bytes = fault.bytes or "" })
end

function producing.garbage(fault)
  return plan("close", { bytes = (fault.line or "HELO this is no web server") .. "\r\n\r\n" })
end

-- Headers without end, or until `bytes` (1 MB).
function producing.headers_flood(fault)
  local line = "X-Flood: " .. ("x"):rep(1013) .. "\r\n"
  return plan("close", { bytes = "HTTP/1.1 200 OK\r\n" },
    { bytes = line, times = math.ceil((fault.bytes or 1024 * 1024) / #line) })
end

-- A body without end, or until `bytes` (1 GB), which no length announces.
function producing.body_flood(fault)
  local head = http.head(200, { { "Content-Type", "application/json" }, { "Connection", "close" } })
  return filled(head .. '"', fault.bytes or 1024 * 1024 * 1024, "", "close")
end

-- Nobody listens any more for `seconds` (1); the server does the rest.
function producing.refuse() return plan("reset") end

local cutting = { close = true, reset = true, hang = true }

-- The points at which the answer has begun already.
local late = { in_headers = true, in_body = true }

-- What may happen at a point.
local function fits(point, action)
  if late[point] then return cutting[action] end
  if point == "after_commit" then return producing[action] or shaping[action] end
  return producing[action] or (point == "after_read" and action == "delay")
end

local points = { accept = 1, before_read = 2, after_read = 3, after_commit = 4, in_headers = 4, in_body = 4 }

local function check(fault)
  if not points[fault.point] then error("fault: unknown point " .. tostring(fault.point), 0) end
  if not producing[fault.action] and not shaping[fault.action] then
    error("fault: unknown action " .. tostring(fault.action), 0)
  end
  if not fits(fault.point, fault.action) then
    error(("fault: %s cannot happen at the point %s"):format(fault.action, fault.point), 0)
  end
  if fault.match and points[fault.point] < 3 then
    error("fault: no request to match is known at the point " .. fault.point, 0)
  end
  if fault.action == "type" and type(fault.field) ~= "string" then error("fault: type needs a field", 0) end
end

---@class openhands.simulator.Schedule
---@field private _entries table[]
local schedule = {}
local metatable = { __index = schedule }

--- Makes a schedule. Raises when a fault is not one.
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

--- Whether a request is one that a fault is meant for.
---@param match? { method?: string, path?: string }
---@param request? { method: string, path: string }
---@return boolean
function M.matches(match, request)
  if not match then return true end
  return request ~= nil and (not match.method or match.method == request.method)
    and (not match.path or request.path:find(match.path) ~= nil)
end

--- The fault that strikes now, if any. The first one whose `skip` is used up counts; those after it do not notice.
---@param stage "accept"|"before_read"|"after_read" after_read stands for this and all later points
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
    local head = http.answer(response, false)
    return plan(fault.action, { bytes = head:sub(1, fault.at or math.floor(#head / 2)) })
  elseif fault.point == "in_body" then
    local head, body = http.answer(response, false)
    return plan(fault.action, { bytes = head .. body:sub(1, fault.at or math.floor(#body / 2)) })
  end
  return shaping[fault.action](fault, response)
end

--- What to write for a fault, and how to end.
---@param fault openhands.simulator.Fault
---@param response? openhands.simulator.Answer the model's answer, where it was asked
---@return openhands.simulator.Plan
function M.plan(fault, response)
  local made
  if producing[fault.action] and not late[fault.point] then
    made = producing[fault.action](fault)
  elseif response.stream then
    made = stream_fault.plan(fault, response --[[@as openhands.simulator.Answer]], M.flush_seconds)
  else
    made = plan_of(fault, response --[[@as openhands.simulator.Answer]])
  end
  made.ending = fault.ending or made.ending
  return made
end

--- The plan of an answer without fault.
---@param response openhands.simulator.Answer
---@param closes boolean
---@return openhands.simulator.Plan
function M.no_fault(response, closes)
  if response.stream then return stream_fault.no_fault(response, closes) end
  return plan(closes and "close" or "keep", { bytes = whole(response, closes) })
end

return M
