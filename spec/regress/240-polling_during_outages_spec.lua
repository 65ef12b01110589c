-- During an outage of the service, the waits of a client sent more than sixty requests a minute, and ended with errors
-- that were only temporary.

local openhands = require "openhands"
local in_process = require "spec.support.in_process"

local function busiest_minute(times)
  local most, first = 0, 1
  for last = 1, #times do
    while times[last] - times[first] >= 60 do first = first + 1 end
    most = math.max(most, last - first + 1)
  end
  return most
end

local function ids(count)
  local list = {}
  for place = 1, count do list[place] = ("%08x"):format(place) .. ("0"):rep(24) end
  return list
end

-- Starts so many conversations, and gives a client that has seen none of them, with the times of its requests.
local function strangers(api, count, settings)
  local starter, model, transport = in_process.simulated({ api = api }, { api = api })
  local list, times = {}, {}
  for place = 1, count do list[place] = assert(starter:start { initial_user_msg = "x" }).conversation_id end
  local request = transport.request
  transport.request = function(self, asked, ...)
    times[#times + 1] = model:time()
    return request(self, asked, ...)
  end
  settings = settings or {}
  settings.transport, settings.api_key, settings.api = transport, "any", settings.api or api
  settings.random = settings.random or function() return 0 end -- back-off without a pause
  return openhands.new(settings), list, model, transport, times
end

describe("waits during an outage", function()
  local troubles = {
    ["503"] = in_process.json("{}", 503),
    ["503, Retry-After 0"] = in_process.json("{}", 503, { { "Retry-After", "0" } }),
    ["503, Retry-After -5"] = in_process.json("{}", 503, { { "Retry-After", "-5" } }),
    ["429, Retry-After ' 7'"] = in_process.json("{}", 429, { { "Retry-After", " 7" } }),
    ["429, Retry-After 1e3"] = in_process.json("{}", 429, { { "Retry-After", "1e3" } }),
    ["a web page"] = { status = 200, headers = { { "Content-Type", "text/html" } }, body = "<html>" },
    ["404"] = in_process.json('{"detail":"Not Found"}', 404),
  }
  for name, response in pairs(troubles) do
    for _, api in ipairs { "v0", "v1" } do
      it(("send at most sixty requests a minute, first and last polls included: %s, %s"):format(name, api), function()
        local client, list, model, transport, times = strangers(api, api == "v0" and 20 or 5)
        transport.faults = { { point = "before", response = response, count = -1 } }
        local _, err = client:wait_all(list, { timeout = 130 })
        assert.is_truthy(err.kind == "timeout" or name == "404" and api == "v0", err.kind)
        assert.is_true(busiest_minute(times) <= 60, busiest_minute(times))
        assert.is_true(#times >= (name:find "1e3" and 2 or 5), #times)
        assert.is_true(model:time() <= 131)
      end)
    end
  end

  it("count every page that they read", function()
    local count = 0
    local client, requests = in_process.scripted(function(request)
      count = count + 1
      if request.path:find "/start%-tasks/search$" then
        return in_process.json(('{"items":[{"id":"%032x"}],"next_page_id":"%d"}'):format(count, count))
      end
      return in_process.json "[null]"
    end, { api = "v1" })
    local times, request = {}, client._settings.transport.request
    client._settings.transport.request = function(...)
      times[#times + 1] = client:_now()
      return request(...)
    end
    client:wait_all(ids(3), { timeout = 600 })
    assert.is_true(busiest_minute(times) <= 60, busiest_minute(times))
    assert.is_true(#requests > 20)
  end)
end)

describe("a wait for an id that this client has not seen", function()
  for _, api in ipairs { "v0", "v1", "auto" } do
    it("outlives an outage of ten minutes: " .. api, function()
      local client, list, model, transport = strangers(api == "auto" and "v1" or api, 8, { api = api })
      for _, fault in ipairs {
        { point = "before", class = "connect", count = -1 },
        { point = "before", response = in_process.json("{}", 502), count = -1 },
      } do
        transport.faults = { fault }
        local request = transport.request
        local since = model:time()
        transport.request = function(...)
          if model:time() >= since + 600 then transport.faults = {} end
          return request(...)
        end
        for _, done in ipairs(assert(client:wait_all(list))) do assert.equal("finished", done.state) end
        assert.is_true(model:time() - since >= 600)
        transport.request = request
        client._memories, client._older_memories, client._memory_count = {}, {}, 0
      end
    end)
  end

  it("ends when the outage lasts, with its error", function()
    local client, list, model, transport = strangers("v1", 1)
    transport.faults = { { point = "before", class = "connect", count = -1 } }
    local _, err = client:wait(list[1])
    assert.equal("connect", err.kind)
    assert.is_true(model:time() >= 900 and model:time() <= 940, model:time())
    local before = model:time()
    _, err = client:wait(list[1], { outage_timeout = 20 })
    assert.equal("connect", err.kind)
    assert.is_true(model:time() - before <= 50)
    before = model:time()
    _, err = client:wait(list[1], { outage_timeout = 0 })
    assert.same({ "connect", before }, { err.kind, model:time() })
  end)

  it("tells the kind of the outage when its time is over", function()
    local client, list, _, transport = strangers("v1", 1)
    transport.faults = { { point = "before", class = "connect", count = -1 } }
    local _, err = client:wait(list[1], { timeout = 10 })
    assert.same({ "timeout", "connect" }, { err.kind, err.cause })
    assert.matches("could not tell", err.message, 1, true)
  end)
end)

describe("a wait that has seen its conversation", function()
  local page = { status = 200, headers = { { "Content-Type", "text/html" } }, body = "<html>" }
  local others = { ["a web page"] = page, ["404"] = in_process.json('{"detail":"Not Found"}', 404) }
  for name, response in pairs(others) do
    for _, api in ipairs { "v0", "v1" } do
      it(("outlives ten minutes in which something else answers every call: %s, %s"):format(name, api), function()
        local client, model, transport = in_process.simulated({ api = api }, { api = api })
        local list = {}
        for place = 1, 5 do list[place] = assert(client:start { initial_user_msg = "x" }) end
        client:wait_all(list, { timeout = 20 })
        transport.faults = { { point = "before", response = response, count = -1 } }
        local request, since = transport.request, model:time()
        transport.request = function(...)
          if model:time() >= since + 600 then transport.faults = {} end
          return request(...)
        end
        for _, done in ipairs(assert(client:wait_all(list))) do assert.is_true(done.settled) end
        assert.is_true(model:time() >= since + 600)
      end)
    end
  end

  it("ends when something else answers for longer", function()
    local client, model, transport = in_process.simulated({ api = "v1" }, { api = "v1" })
    local conversation = assert(client:start { initial_user_msg = "x" })
    client:wait(conversation, { timeout = 20 })
    transport.faults = { { point = "before", response = page, count = -1 } }
    local before = model:time()
    local _, err = client:wait(conversation)
    assert.equal("protocol", err.kind)
    assert.is_true(model:time() - before >= 900)
  end)
end)
