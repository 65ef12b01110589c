--- Mutates responses: their bytes, their JSON, their headers, their status, or nothing.
local example_bodies = require "spec.support.example_bodies"
local json_spans = require "spec.support.json_spans"

local unpack = table.unpack or unpack -- luacheck: ignore 143

local M = {}

--- Secrets that some responses contain and that no text may show.
M.API_KEY = "sk-canary-0123456789"

local function encoded(text)
  return (text:gsub(".", function(letter)
    return ("%%%02x"):format(letter:byte())
  end))
end

-- Values that a service might send, and some that none would.
local odd_values = {
  "null", "true", "false", "0", "-1", "1e999", "-0.0", "9007199254740993", "1" .. ("0"):rep(400), "[]", "{}", '""',
  "[[]]", '[null]', '{"":{}}', '"' .. ("x"):rep(3000) .. '"', '"' .. ("/"):rep(3000) .. '"', '"\\ud800"',
  '"\\u0000"', '"%s%d%n"', '"finished"', '"RUNNING"', '"ERROR"', '"PAUSED"', '"MISSING"', '"READY"', '"WORKING"',
  '"error"', '"idle"', '"waiting_for_confirmation"', '"file:///etc/passwd"', '"HTTP://127.0.0.1/"',
  '"https://127.0.0.1/api/conversations/x"', '"//host/x"', '"https://2130706433/"',
  '"https://runtime.example/api/conversations/7f3b9a1c2d4e4f60a1b2c3d4e5f60718"',
  '"7f3b9a1c2d4e4f60a1b2c3d4e5f60718"', '"7f3b9a1c-2d4e-4f60-a1b2-c3d4e5f60718"', '"../../x"',
  '"2026-08-20T10:00:00Z"', '"2026-13-99T99:99:99"', '"\\u202e\\n\\r\\u001b["', '"' .. M.API_KEY .. '"',
  '"no ' .. encoded(M.API_KEY) .. ' here"', '"Bearer ' .. M.API_KEY .. '"', '{"api_key":"' .. M.API_KEY .. '"}',
  '{"detail":"' .. M.API_KEY .. '"}', '[{"loc":["body"],"msg":"' .. M.API_KEY .. '","input":1}]',
  ("["):rep(150) .. ("]"):rep(150), '{"success":false,"message":"' .. M.API_KEY .. '"}',
  '{"items":[],"next_page_id":"x"}', '{"error":{"a":[{}]}}',
}

-- Fields that decide much, and values that they might have.
local addresses = {
  '"file:///etc/passwd"', '"HTTP://127.0.0.1/"', '"/api/conversations/x"', '"//host/x"', '"x"', '"https://"',
  '"http:"', '"https://127.0.0.1/"', '"https://2130706433/"', '"https://runtime.example/api/conversations/x"',
  '"\\u0000"', "null", "7",
  '"' .. ("/"):rep(5000) .. '"', '"https://user:' .. M.API_KEY .. '@host/"', '"https://[::1"',
}
local ids = {
  '"x"', '""', "7", "null", '"../x"', '"7F3B9A1C-2D4E-4F60-A1B2-C3D4E5F60718"', '"' .. ("a"):rep(129) .. '"',
}
local keys = { "null", '""', "7", '"a b"', '"' .. ("k"):rep(600) .. '"', '"\\u0000"', '"' .. M.API_KEY .. '"' }
local cursors = { '"x"', "null", "7", '""', "{}" }
local lists = { "null", "[]", "{}", "[null]", "[7]", '"x"' }
local of_fields = {
  { "conversation_url", addresses }, { "url", addresses }, { "id", ids }, { "conversation_id", ids },
  { "app_conversation_id", ids }, { "start_task_id", ids },
  { "session_api_key", keys }, { "next_page_id", cursors }, { "items", lists },
}
for _, name in ipairs {
  "status", "execution_status", "sandbox_status", "created_at", "updated_at", "timestamp", "kind",
} do
  of_fields[#of_fields + 1] = { name, odd_values }
end

local statuses = {
  100, 200, 200, 201, 202, 204, 206, 301, 303, 307, 400, 401, 402, 403, 404, 405, 408, 409, 410, 413, 421, 422, 425,
  429, 429, 500, 501, 502, 503, 504, 520, 599, 600, 0, -1, 99999,
}

local types = {
  "application/json", "text/html", "text/plain", "application/problem+json", "application/json; charset=utf-16", "",
  "application/zip", ("x"):rep(200),
}

local waits = { "0", "1", "-5", "1e3", "120", "99999999999", "soon", "Sun, 06 Nov 1994 08:49:37 GMT", M.API_KEY, "" }

local bodies = {
  "", " ", "null", "[]", "{}", "0", '"x"', "<html>" .. M.API_KEY, "\255\254", "{", '{"a":', M.API_KEY,
  ("a"):rep(20000), "\0\1\2", "[1,2", '{"detail":"' .. ("a"):rep(20000) .. '"}',
  '{"detail":"key: ' .. M.API_KEY .. '"}', ("["):rep(3000),
}

-- ---- bytes ----------------------------------------------------------------------------------------------------------

local of_bytes = {
  function(random, body) -- another byte
    local at = random:up_to(#body)
    return body:sub(1, at - 1) .. string.char(random:up_to(256) - 1) .. body:sub(at + 1)
  end,
  function(random, body) -- cut
    return body:sub(1, random:up_to(#body) - 1)
  end,
  function(random, body) -- a piece missing
    local at = random:up_to(#body)
    return body:sub(1, at - 1) .. body:sub(at + random:up_to(20))
  end,
  function(random, body) -- a piece twice
    local at, size = random:up_to(#body), random:up_to(60)
    return body:sub(1, at + size - 1) .. body:sub(at)
  end,
  function(random, body) -- something in between
    local at = random:up_to(#body)
    return body:sub(1, at - 1) .. random:of(bodies):sub(1, 50) .. body:sub(at)
  end,
}

-- ---- JSON -----------------------------------------------------------------------------------------------------------

local function replaced(body, span, value)
  return body:sub(1, span[1] - 1) .. value .. body:sub(span[2] + 1)
end

-- Returns where the value that begins at a place ends.
local function span_at(spans, at)
  for _, span in ipairs(spans) do
    if span[1] == at and span[2] then
      return span
    end
  end
end

local function replace_field(random, body, spans)
  local from = random:up_to(#of_fields)
  for i = 0, #of_fields - 1 do -- the first of them that is there
    local name, values = unpack(of_fields[(from + i - 1) % #of_fields + 1])
    local _, before = body:find('"' .. name .. '"%s*:%s*')
    local span = before and span_at(spans, before + 1)
    if span then
      return replaced(body, span, random:of(values))
    end
  end
  return body
end

local function mutate_json(random, body)
  if body == "" then
    return random:of(odd_values)
  end
  local found, spans = pcall(json_spans.of, body)
  if not found or #spans == 0 then
    return random:of(of_bytes)(random, body)
  end
  if random:one_in(3) then
    return replace_field(random, body, spans)
  end
  local span = random:of(spans)
  if not span[2] then
    return random:of(of_bytes)(random, body) -- what was put in before is no JSON
  end
  if random:one_in(4) then -- another value of the same answer
    local other = random:of(spans)
    return replaced(body, span, body:sub(other[1], other[2] or other[1]))
  elseif random:one_in(12) then -- the name of a field instead of a value: the field is gone
    return (body:gsub('"([%w_]+)":', '"x%1":', random:up_to(3)))
  end
  return replaced(body, span, random:of(odd_values))
end

-- ---- the whole ------------------------------------------------------------------------------------------------------

-- The example bodies, if they are there.
local examples = {}
for line in (example_bodies.read "INDEX.md" or ""):gmatch "[^\n]+" do
  local name = line:match "([%w_]+%.json)"
  local body = name and example_bodies.read(name)
  if body then
    examples[#examples + 1] = body
  end
end

local function set_header(answer, name, value)
  local headers = {}
  for _, pair in ipairs(answer.headers or {}) do
    if pair[1]:lower() ~= name then
      headers[#headers + 1] = pair
    end
  end
  headers[#headers + 1] = { name, value }
  answer.headers = headers
end

local of_answers = {
  function(random, answer)
    answer.status = random:of(statuses)
  end,
  function(random, answer)
    answer.status = random:of(statuses)
    answer.body = mutate_json(random, answer.body)
  end,
  function(random, answer)
    set_header(answer, "content-type", random:of(types))
  end,
  function(random, answer)
    answer.status = random:of { 429, 500, 503, 408 }
    set_header(answer, "retry-after", random:of(waits))
  end,
  function(random, answer)
    answer.body = random:of(bodies)
    answer.status = random:one_in(2) and answer.status or random:of(statuses)
  end,
  function(random, answer)
    answer.body = #examples > 0 and random:of(examples) or answer.body
    answer.status = random:one_in(2) and answer.status or random:of(statuses)
  end,
  function(random)
    return {
      class = random:of { "connect", "timeout", "tls", "cut", "other" }, sent = random:one_in(2),
      reason = random:of { "it broke", "no " .. M.API_KEY, ("x"):rep(300), "\27[2J\n" },
    }
  end,
}

--- Returns the response with another value in one of the fields that decide much.
---@param random fuzz.Random
---@param answer table `status`, `headers`, `body`
---@return table
function M.apply_to_fields(random, answer)
  local found, spans = pcall(json_spans.of, answer.body or "")
  if not found then
    return answer
  end
  return { status = answer.status, headers = answer.headers, body = replace_field(random, answer.body, spans) }
end

--- Returns a mutated response: mostly its JSON.
---@param random fuzz.Random
---@param answer table `status`, `headers`, `body`
---@return table
function M.apply(random, answer)
  if not answer.body then
    return answer
  end
  local copy = {}
  for name, value in pairs(answer) do
    copy[name] = value
  end
  for _ = 1, random:one_in(4) and random:up_to(4) or 1 do
    if #copy.body == 0 or random:one_in(4) then
      copy = random:of(of_answers)(random, copy) or copy
    elseif random:one_in(4) then
      copy.body = random:of(of_bytes)(random, copy.body)
    else
      copy.body = mutate_json(random, copy.body)
    end
    if not copy.body then
      break
    end
  end
  return copy
end

return M
