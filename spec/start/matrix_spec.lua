-- Starts under every fault at every point, with both dialects. The simulator counts the jobs: the result must agree
-- with this count, and no job is ever started twice.
local simulator = require "openhands.simulator"
local assertions = require "spec.support.assertions"
local start_service = require "spec.support.start_service"

-- Every action, with parameters that keep it short. `only`: the one point at which it makes sense.
local actions = {
  { "close" }, { "reset" }, { "hang" }, { "null" }, { "invalid_utf8" }, { "deep", depth = 5000 },
  { "html" }, { "html", status = 502 }, { "garbage" }, { "raw", bytes = "" },
  { "raw", bytes = "HTTP/1.1 200 OK\r\n\r\n" }, { "raw", bytes = "HTTP/9.9 200 OK\r\n\r\n{}" },
  { "raw", bytes = "HTTP/1.1 000 What\r\nContent-Length: 2\r\n\r\n{}" },
  { "raw", bytes = "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}" },
  { "raw", bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot hexadecimal\r\n" },
  { "raw", bytes = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\n\r\n" },
  { "empty" }, { "empty", status = 200 }, { "status", status = 200, body = {} },
  { "status", status = 201, body = { id = 7 } }, { "status", status = 200, body = "[]" },
  { "status", status = 500 }, { "status", status = 502, body = "no JSON" }, { "status", status = 503 },
  { "status", status = 503, headers = { ["Retry-After"] = "1" } }, { "status", status = 408 },
  { "redirect", status = 303 },
  { "huge", bytes = 300000 }, { "body_flood", bytes = 2000000 }, { "headers_flood", bytes = 200000 },
  { "refuse", seconds = 0.03 },
  { "drip", bytes = 150, seconds = 0.001 }, { "split" }, { "continue", times = 3 }, { "wrong_length" },
  { "wrong_length", delta = -5 }, { "no_length" }, { "no_length", bytes = 20 }, { "truncate_chunked" }, { "cut_gzip" },
  { "cut_gzip", bytes = 30 }, { "delay", seconds = 0.02 },
  { "type", field = "id", value = simulator.null }, { "type", field = "id", value = 7 },
  { "type", field = "conversation_id", value = simulator.null }, { "type", field = "conversation_id", value = "" },
  { "type", field = "status", value = 0 }, { "type", field = "status", value = simulator.array() },
  -- Refusals: only before the service has acted. After that, they would be false.
  { "status", status = 400, only = "after_read" }, { "status", status = 401, only = "after_read" },
  { "status", status = 403, only = "after_read" }, { "status", status = 404, only = "after_read" },
  { "status", status = 405, only = "after_read" }, { "status", status = 409, only = "after_read" },
  { "status", status = 413, only = "after_read" }, { "status", status = 417, only = "after_read" },
  { "status", status = 422, only = "after_read" },
  { "redirect", status = 302, only = "after_read" }, { "redirect", status = 307, only = "after_read" },
}

local points = { "accept", "before_read", "after_read", "after_commit", "in_headers", "in_body" }

local cutting = { close = true, reset = true, hang = true }
local shaping = {
  drip = true, split = true, continue = true, wrong_length = true, no_length = true, truncate_chunked = true,
  cut_gzip = true, type = true,
}

-- These are enough for faults that strike every request until the deadline.
local lasting = {
  close = true, reset = true, hang = true, null = true, html = true, garbage = true, refuse = true, redirect = true,
}

local function happens(point, action)
  if action.only and action.only ~= point then return false end
  if point == "in_headers" or point == "in_body" then return cutting[action[1]] end
  if action[1] == "delay" then return point == "after_read" or point == "after_commit" end
  return point == "after_commit" or not shaping[action[1]]
end

-- How much of the traffic a fault strikes: the start once, every start, or everything.
local reaches = { "once", "each start", "everything" }

local function fault_of(point, action, reach)
  local fault = { point = point, count = reach == "once" and 1 or -1 }
  for name, value in pairs(action) do fault[name] = value end
  fault.action, fault[1], fault.only = action[1], nil, nil
  if reach ~= "everything" and point ~= "accept" and point ~= "before_read" then fault.match = { method = "POST" } end
  return fault
end

local function name_of(fault, api, reach)
  local details = {}
  for _, name in ipairs { "status", "bytes", "delta", "field", "value" } do
    local text = fault[name] ~= nil and tostring(fault[name]):gsub("%s+", " "):gsub("^table.*", "{}")
    if text then details[#details + 1] = text end
  end
  return ("%s: %s %s %s(%s)"):format(api, reach, fault.point, fault.action, table.concat(details, " "))
end

describe("a start on the wire", function()
  local here = start_service.new()

  before_each(here.reset)
  after_each(here.disconnect)
  teardown(function() here.server:close() end)

  local function assert_agrees(api, conversation, err)
    if conversation then
      here.assert_started(conversation)
    else
      assertions.assert_error(err)
      assert.is_true(#here.distinct_starts() <= (err.kind == "ambiguous" and 1 or 0), err.message)
    end
    if api == "v1" then
      here.assert_one_id()
      if err and err.kind == "ambiguous" then here.assert_resumed(err.conversation_id, api) end
    elseif not conversation and err.kind == "ambiguous" then
      assert.is_true(#here.posts() <= 1)
      assert.is_nil(err.conversation_id)
      assert.is_false(err.retryable)
    end
  end

  -- Returns whether only one exchange was lost, so that a lookup on V1 finds the start.
  local function must_succeed(api, point, action, reach)
    return api == "v1" and reach == "once" and not action.only and not (point == "accept" and action[1] == "refuse")
  end

  local function cell(api, point, action, reach)
    local fault = fault_of(point, action, reach)
    it(name_of(fault, api, reach), function()
      here.server:faults { fault }
      here.connect {
        api = api, retries = 1, max_body = 200000,
        -- A hanging exchange ends by its timeout. When the start must succeed, no other exchange may take as long.
        timeout = action[1] ~= "hang" and 10 or must_succeed(api, point, action, reach) and 0.6 or 0.06,
        grace = action[1] == "refuse" and 0.5 or 0.02, -- longer than the server refuses connections
        deadline = reach == "everything" and 0.12 or 20,
      }
      local conversation, err = here.client:start(here.fields)
      if must_succeed(api, point, action, reach) then assert.is_nil(err and err.message) end
      if action.only then
        assert.is_nil(conversation)
        assert.are_not.equal("ambiguous", err.kind)
      end
      assert_agrees(api, conversation, err)
    end)
  end

  for _, api in ipairs { "v0", "v1" } do
    for _, point in ipairs(points) do
      for _, action in ipairs(actions) do
        for _, reach in ipairs(reaches) do
          -- V0 sends one request; and before a request is read, a start cannot be told from other requests.
          local pointless = reach ~= "once" and api == "v0"
            or reach == "each start" and (point == "accept" or point == "before_read")
            or reach == "everything" and (action.only or not lasting[action[1]])
          if happens(point, action) and not pointless then cell(api, point, action, reach) end
        end
      end
    end
  end
end)
