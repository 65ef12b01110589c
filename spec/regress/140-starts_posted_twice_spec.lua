-- A start whose answer was lost could be posted again although the service had accepted it: when the service showed it
-- late, or when a clock was wrong. The second start is a second paid job.

local core = require "openhands.core"
local openhands = require "openhands"
local raw_server = require "spec.support.raw_server"
local in_process = require "spec.support.in_process"

local ID = "0f6f4c3e-1d2a-4b5c-8d9e-0a1b2c3d4e5f"
local TASK = ('{"id":"c2a9e8b7d6f5443c92b1a0f9e8d7c6b5","status":"WORKING","request":{"conversation_id":"%s"}}')
  :format(ID)
local DAY = 86400

local function fields(id)
  return { initial_user_msg = "x", conversation_id = id }
end

local function posts(model)
  local count = 0
  for _, request in ipairs(model.requests) do
    count = count + (request.method == "POST" and 1 or 0)
  end
  return count
end

describe("a start that the service has answered", function()
  it("is not posted again while the service does not show it", function()
    local client, model = in_process.simulated({ api = "v1", visibility = 1000 })
    local first = assert(client:start(fields(ID)))
    for _, options in ipairs { {}, { resume = true }, { stream = true, deadline = 5 } } do
      local again = assert(client:start(fields(ID), options))
      assert.equal(first.conversation_id, again.conversation_id)
      assert.same({ "starting", "v1" }, { again.state, again.api })
    end
    assert.equal(1, posts(model))
  end)

  it("is not posted again when the service has never shown it, and the error says so", function()
    local client, model = in_process.simulated({ api = "v1", visibility = 1e6 })
    assert(client:start(fields(ID)))
    client:sleep(61)
    for _, options in ipairs { {}, { resume = true } } do
      local again, err = client:start(fields(ID), options)
      assert.is_nil(again)
      assert.equal("conflict", err.kind)
      assert.matches("no longer shows it", tostring(err))
    end
    assert.equal(1, posts(model))
  end)

  it("is not posted again where the service cannot be asked", function()
    local client, model, transport = in_process.simulated({ api = "v1" })
    assert(client:start(fields(ID)))
    transport.faults = { { point = "before", class = "connect", count = -1 } }
    assert.equal(ID, assert(client:start(fields(ID), { resume = true })).conversation_id)
    assert.equal(1, posts(model))
  end)

  it("is not posted again when it was found by a lookup and is gone later", function()
    local lists, posted = false, 0
    local client = in_process.scripted(function(request)
      if request.method == "POST" then
        posted, lists = posted + 1, true
        return { class = "cut", sent = true }
      elseif request.path:find "start%-tasks/search" then
        return in_process.json(lists and '{"items":[' .. TASK .. "]}" or '{"items":[]}')
      end
      return in_process.json("[null]")
    end, { api = "v1" })
    assert(client:start(fields(ID)))
    lists = false
    client:sleep(100)
    assert.equal("conflict", select(2, client:start(fields(ID), { resume = true })).kind)
    assert.equal(1, posted)
  end)

  it("may be posted again when this client has deleted it", function()
    local posted = 0
    local client = in_process.scripted(function(request)
      if request.method == "POST" then
        posted = posted + 1
        return in_process.json(TASK)
      elseif request.method == "DELETE" then
        return in_process.json('{"success":true}')
      end
      return in_process.json(request.path:find "start%-tasks" and '{"items":[]}' or "[null]")
    end, { api = "v1" })
    assert(client:start(fields(ID)))
    assert(client:delete(ID))
    assert(client:start(fields(ID)))
    assert.equal(2, posted)
  end)
end)

describe("the absence of a start", function()
  -- A service that has taken a start whose answer was lost, and shows it when `shows` says so.
  local function unclear(shows, settings)
    local posted, looks, task = 0, 0, nil
    local client
    client = in_process.scripted(function(request)
      if request.method == "POST" then
        posted = posted + 1
        task = TASK:gsub(ID:gsub("%-", "%%-"), request.body:match '"conversation_id":"([^"]+)"')
        return { class = "cut", sent = true }
      elseif request.path:find "start%-tasks" then
        looks = looks + 1
        return in_process.json(shows(looks, client) and '{"items":[' .. task .. "]}" or '{"items":[]}')
      end
      return in_process.json("[null]")
    end, settings)
    return client, function() return posted end
  end

  it("takes three lookups, however short the grace time is", function()
    local client, posted = unclear(function(looks) return looks >= 3 end, { api = "v1", grace = 0 })
    assert(client:start(fields(nil)))
    assert.equal(1, posted())
    client, posted = unclear(function(looks) return looks >= 4 end, { api = "v1", grace = 0 })
    assert(client:start(fields(nil)))
    assert.equal(2, posted())
  end)

  it("counts only after the whole grace time: a lookup that began before it proves nothing", function()
    local client, posted
    client, posted = unclear(function(_, self)
      if self:_now() >= 50 and self:_now() < 60 then self._settings.transport.sleep(11) end -- it takes its time
      return self:_now() >= 62
    end, { api = "v1" })
    assert(client:start(fields(nil)))
    assert.equal(1, posted())
  end)

  it("leads to as many further posts as `retries` says", function()
    for retries = 0, 2 do
      local client, posted = unclear(function() return false end, { api = "v1", retries = retries })
      assert.equal("ambiguous", select(2, client:start(fields(nil))).kind)
      assert.equal(retries + 1, posted())
    end
  end)
end)

describe("a wrong clock", function()
  for _, days in ipairs { 3, -3, 400, -20000 } do
    -- Returns a client whose clock is wrong by so many days. The service's clock is right; `says`: its answers have a
    -- Date.
    local function client_of(says)
      local client, model, transport = in_process.simulated { api = "v1", pace = 1000 }
      local wall, request = transport.wall, transport.request
      transport.wall = function(...) return wall(...) + days * DAY end
      transport.request = function(...)
        local answer = request(...)
        for place, pair in ipairs(answer.headers or {}) do
          if pair[1] == "Date" and not says then
            table.remove(answer.headers, place)
            break
          end
        end
        return answer
      end
      client:close()
      return openhands.new { transport = transport, api_key = "any", api = "v1" }, model, transport
    end

    it(("by %d days hides no start"):format(days), function()
      for _, says in ipairs { true, false } do
        local client, model, transport = client_of(says)
        transport.faults = { { point = "after_commit", class = "timeout", match = { method = "POST" } } }
        assert(client:start(fields(nil)))
        assert.equal(1, posts(model))
        assert.is_true(model:time() < 5)
      end
    end)

    it(("by %d days hides no conversation that another has started"):format(days), function()
      local client, _, transport = client_of(true)
      local other = openhands.new { transport = transport, api_key = "any", api = "v1" }
      local started = assert(other:start(fields(nil)))
      assert.equal("starting", assert(client:status(started.conversation_id)).state)
      assert.equal("starting", assert(client:start(fields(started.conversation_id))).state)
    end)
  end

  it("in front of the service hides no start as long as ours is right", function()
    local client, model, transport = in_process.simulated { api = "v1", pace = 1000 }
    local request = transport.request
    transport.request = function(...)
      local answer = request(...)
      for _, pair in ipairs(answer.headers or {}) do
        if pair[1] == "Date" then pair[2] = "Sun, 06 Nov 2044 08:49:37 GMT" end
      end
      return answer
    end
    transport.faults = { { point = "after_commit", class = "timeout", match = { method = "POST" } } }
    assert(client:start(fields(nil)))
    assert.equal(1, posts(model))
  end)

  it("is corrected by the service's Date, so that old start tasks are not read", function()
    local client, model, transport = in_process.simulated { api = "v1" }
    transport.wall = function() return 1787217302 + 5 * DAY end
    client:close()
    client = openhands.new { transport = transport, api_key = "any", api = "v1" }
    client:status(ID)
    local since = model.requests[#model.requests].query.created_at__gte
    since = type(since) == "table" and since[1] or since or tostring(model.requests[#model.requests].query)
    assert.matches("2026%-08%-18T", since)
  end)

  it("is noticed by the Date of each answer that has one", function()
    local said = {
      ["Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"] = 784111777, ["date:Sun, 06 Nov 1994 08:49:37 GMT\r\n"] = 784111777,
      ["Date: 784111777\r\n"] = false, ["Date: \r\n"] = false, ["Date: Sun, 06 Nov 1994 08:49:37 GMT+1\r\n"] = false,
      [""] = false,
    }
    for line, seconds in pairs(said) do
      for _, status in ipairs { "200 OK", "500 Oh" } do
        local server = raw_server.new(raw_server.answer("{}", "Content-Type: application/json\r\n" .. line, status))
        local client = core.new { base_url = server.address, api_key = "k" }
        assert(core.me(client, nil, { api = "v1" }))
        raw_server.turn(client, function() return client:in_flight() == 0 end)
        local _, _, _, date = client:next()
        assert.equal(seconds or nil, date)
        client:close()
        server:close()
      end
    end
  end)

  it("that stood still during a sleep is corrected by the other clock", function()
    local client, _, transport = in_process.simulated { api = "v1" }
    client:close()
    local asleep = 0
    local wall = transport.wall
    transport.wall = function(...) return wall(...) + 1000 * DAY + asleep end
    client = openhands.new { transport = transport, api_key = "any", api = "v1" }
    client:me()
    local clock = require "openhands.request.service_clock"
    local moment = clock.ago(client, 0)
    asleep = 10 * DAY
    client._service_time.date, client._service_time.moment = client._service_time.date + asleep, clock.ago(client, 0)
    assert.is_true(clock.at_service(client, moment) <= client._service_time.date - 10 * DAY)
  end)
end)
