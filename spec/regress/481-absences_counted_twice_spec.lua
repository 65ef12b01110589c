-- One response without a conversation was counted once for each wait that took it, so that three waits took a
-- conversation as gone that the service had hidden for a moment; following events counted some errors twice.

local in_process = require "spec.support.in_process"

local ID = "5618fbb4-8b6c-4d2e-9f0a-1b2c3d4e5f60"
local FINISHED = ('{"id":"%s","sandbox_status":"RUNNING","execution_status":"finished"}'):format(ID)
local MISSING = ('{"id":"%s","sandbox_status":"MISSING"}'):format(ID)

-- Returns a client of a service that shows the conversation as `hidden` in two polls, and then as finished. Its clock
-- moves a little whenever it is read.
local function client_of(hidden)
  local polls = 0
  local client = in_process.scripted(function(request)
    if request.path:find "app%-conversations$" then
      polls = polls + 1
      local _, ids = request.query:gsub("ids=", "")
      local shown = (polls == 2 or polls == 3) and hidden or polls == 1 and FINISHED:gsub("finished", "running")
        or FINISHED
      return in_process.json("[" .. shown .. (("," .. shown):rep(ids - 1)) .. "]")
    elseif request.path:find "start%-tasks$" then
      return in_process.json "[null]"
    end
    return in_process.json '{"items":[]}'
  end, { api = "v1", grace = 0 })
  local now, ticks = client._loop.now, 0
  client._loop.now = function()
    ticks = ticks + 1
    return now() + ticks * 1e-6
  end
  return client
end

describe("a response without a conversation", function()
  for words, hidden in pairs { ["lacks it"] = "null", ["shows it MISSING"] = MISSING } do
    it("counts once for all waits that take it: it " .. words, function()
      local client = client_of(hidden)
      assert.equal("running", assert(client:status(ID)).state)
      local waits = {}
      for place = 1, 3 do
        waits[place] = function() return client:wait(ID, { answer_timeout = 0 }) end
      end
      for _, conversation in ipairs(assert(client:all(waits))) do
        assert.equal("finished", conversation.state)
      end
    end)
  end

  it("counts once when events are followed", function()
    local readings = 0 -- the first finds nothing, so that the conversation is seen settled; then two are refused
    local client = in_process.scripted(function(request)
      if request.path:find "events" and request.query:find "reverse=true" then
        return in_process.json '{"events":[],"has_more":false}' -- for the result
      elseif request.path:find "events" then
        readings = readings + 1
        if readings == 1 then
          return in_process.json '{"events":[],"has_more":false}'
        elseif readings <= 3 then
          return in_process.json('{"error":"no such conversation"}', 404)
        end
        return in_process.json '{"events":[{"id":7,"action":"message","source":"agent"}],"has_more":false}'
      end
      return in_process.json(('{"conversation_id":"%s","status":"ERROR","url":"/api/conversations/%s"}'):format(ID, ID))
    end, { api = "v0", grace = 0 })
    assert(client:status(ID))
    local event, err = client:events(ID, { follow = true }):next()
    assert.is_nil(err)
    assert.equal(7, event.id)
  end)
end)
