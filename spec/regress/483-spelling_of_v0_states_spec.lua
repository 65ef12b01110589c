-- Work that had ended before its V0 runtime went down was read as `stopped` if its status was spelt "stopped". The
-- states in its events decided only in lower case, too. Other states are understood in any case.

local core = require "openhands.core"
local in_process = require "spec.support.in_process"

local ID = "5618fbb4-8b6c-4d2e-9f0a-1b2c3d4e5f60"

-- Returns a client of a service that gives a V0 conversation this status, and these events, the newest first.
local function client_of(status, ...)
  local events = {}
  for place, event in ipairs { ... } do
    events[place] = ('{"id":%d,%s}'):format(9 - place, event)
  end
  local body = ('{"events":[%s],"has_more":false}'):format(table.concat(events, ","))
  return (in_process.scripted(function(request)
    return in_process.json(request.path:find "/events$" and body
      or ('{"conversation_id":"%s","status":"%s","created_at":"2020-01-01T00:00:00Z"}'):format(ID, status))
  end, { api = "v0" }))
end

local function state(word, reason)
  return ('"source":"environment","observation":"agent_state_changed","extras":{"agent_state":"%s","reason":"%s"}')
    :format(word, reason or "")
end

local finish = '"source":"agent","action":"finish","args":{"final_thought":"Done."}'
local crowd = '"source":"environment","observation":"error","content":"AGENT_ERROR$TOO_MANY_CONVERSATIONS"'

for words, spell in pairs { ["upper case"] = core.upper, ["lower case"] = core.lower } do
  describe("a V0 conversation whose states are in " .. words, function()
    it("has finished if its work had ended before its runtime went down", function()
      local client = client_of(spell "STOPPED", state(spell "stopped"), state(spell "finished"), finish)
      local done = assert(client:wait(ID, { timeout = 10 }))
      assert.same({ "finished", "Done.", spell "STOPPED" }, { done.state, done.answer, done.status })
      assert.equal("finished", assert(client:status(ID)).state)
    end)

    it("has failed for the reason in its events", function()
      local client = client_of(spell "ERROR", state(spell "error", "Out of credits."))
      local done = assert(client:wait(ID, { timeout = 10 }))
      assert.same({ "failed", "Out of credits." }, { done.state, done.detail })
    end)

    it("was closed by the limit if it stopped then", function()
      local client = client_of(spell "STOPPED", state(spell "stopped"), crowd, state(spell "running"))
      local done = assert(client:wait(ID, { timeout = 10 }))
      assert.equal("stopped", done.state)
      assert.is_truthy(done.detail:find("too many conversations", 1, true))
    end)

    it("has stopped in the middle of its work if its events show that it worked", function()
      local client = client_of(spell "STOPPED", state(spell "running"))
      local done = assert(client:wait(ID, { timeout = 10 }))
      assert.same({ "stopped", true }, { done.state, done.settled })
    end)
  end)
end
