-- Rare cases of a wait: an answer on older pages of events, clients that poll at the same time, a listed conversation
-- that no longer exists.

local lookups = require "openhands.conversation.lookup"
local in_process = require "spec.support.in_process"

local ID = "5618fbb48b6c4d2e9f0a1b2c3d4e5f60"

describe("the answer", function()
  -- A service whose events come in so many pages, the answer in the oldest.
  local function service(count)
    return in_process.scripted(function(request)
      local page = tonumber(request.query:match "page_id=(%d+)" or 1)
      local event = '{"kind":"ObservationEvent","source":"environment"}'
      if page == count then
        event = '{"kind":"MessageEvent","source":"agent","llm_message":{"content":[{"text":"Done."}]}}'
      end
      local following = page < count and ('"%d"'):format(page + 1) or "null"
      return in_process.json(('{"items":[%s],"next_page_id":%s}'):format(event, following))
    end, { api = "v1" })
  end

  it("is looked for in five pages of the newest events, and no more", function()
    for count = 1, 5 do
      local client, requests = service(count)
      assert.equal("Done.", assert(client:answer(ID)))
      assert.equal(count, #requests)
    end
    local client, requests = service(6)
    local _, err = client:answer(ID)
    assert.same({ "not_found", 5 }, { err.kind, #requests })
  end)
end)

describe("polls of many clients", function()
  local function moments(random)
    local client, requests = in_process.scripted(function()
      return in_process.json(('[{"id":"%s","sandbox_status":"RUNNING","execution_status":"running"}]'):format(ID))
    end, { api = "v1", random = function() return random end })
    local transport, list = client._settings.transport, {}
    local request = transport.request
    transport.request = function(...)
      list[#list + 1] = transport.now()
      return request(...)
    end
    client:wait(ID, { timeout = 30 })
    assert.is_true(#requests >= 4)
    return list
  end

  it("do not fall together: the interval varies by a fifth", function()
    local early, middle, late = moments(0), moments(0.5), moments(1)
    for place, expected in ipairs { { 4, 5, 6 }, { 4.4, 5.5, 6.6 } } do
      for index, list in ipairs { early, middle, late } do
        local pause = list[place + 1] - list[place]
        assert.is_true(math.abs(pause - expected[index]) < 1e-6, ("%d %d %g"):format(place, index, pause))
      end
    end
  end)
end)

describe("a conversation whose start task is ready and that is not listed", function()
  local function look(seen)
    local client, requests = in_process.scripted(function() return in_process.json "[null]" end, { api = "v1" })
    local memory = client:_remember(ID)
    memory.ready_at, memory.listed = seen.ready_at, seen.listed
    local task = { state = "starting" }
    local lookup = { id = ID, memory = memory, grace = 60, step = "list", ready_task = task }
    local call = client:_begin("status")
    lookups.steps.list(client, { lookup }, call)
    assert.is_nil(lookup.step) -- a conversation that has had a start task needs no step `recent_tasks`
    assert.equal(1, #requests)
    return lookup.conversation, task
  end

  it("is about to be listed, for the grace time", function()
    local conversation, task = look { ready_at = -59 }
    assert.equal(task, conversation)
  end)

  it("is gone when the grace time is over", function()
    assert.is_false((look { ready_at = -60 }))
  end)

  it("is gone when it was listed before", function()
    assert.is_false((look { ready_at = 0, listed = true }))
  end)

  it("and was listed before is not looked for among the start tasks", function()
    local client, requests = in_process.scripted(function() return in_process.json "[null]" end, { api = "v1" })
    client:_remember(ID).listed = true
    local _, err = client:status(ID)
    assert.same({ "not_found", 1 }, { err.kind, #requests })
  end)
end)
