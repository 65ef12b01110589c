-- The service writes ids with dashes in some answers and without dashes in others. The library must return an id in one
-- spelling; otherwise programs take one conversation for two.

local openhands = require "openhands"
local in_process = require "spec.support.in_process"

local OWN = "5618fbb4-8b6c-4d2e-9f0a-1b2c3d4e5f60"
local PLAIN = OWN:gsub("-", "")

describe("an id", function()
  local client, model, transport

  before_each(function()
    client, model, transport = in_process.simulated({ pace = 0.1 }, { api = "v1" })
  end)

  local function start(fields)
    fields = fields or {}
    fields.initial_user_msg = fields.initial_user_msg or "x"
    return assert(client:start(fields))
  end

  local function another_process()
    return openhands.new { transport = transport, api_key = "any", api = "v1" }
  end

  it("chosen for a start keeps its spelling in all results", function()
    local started = start()
    local id = started.conversation_id
    assert.matches("^%x+%-%x+%-%x+%-%x+%-%x+$", id)
    local seen = {}
    local done = assert(client:wait(started, { on_change = function(now) seen[#seen + 1] = now end }))
    seen[#seen + 1] = done
    seen[#seen + 1] = assert(client:status(started))
    seen[#seen + 1] = assert(client:status((id:gsub("-", ""))))
    seen[#seen + 1] = assert(client:status(id:upper()))
    seen[#seen + 1] = assert(client:wait_all({ id:gsub("-", "") .. "" }))[1]
    seen[#seen + 1] = assert(client:update(started, { title = "y" }))
    seen[#seen + 1] = assert(client:pause(started))
    for item in client:list() do seen[#seen + 1] = item end
    assert.is_true(#seen >= 9)
    for _, each in ipairs(seen) do
      assert.equal(id, each.conversation_id)
      assert.equal(started.url, each.url)
    end
    assert.equal((id:gsub("-", "")), done.id) -- what the service sent
  end)

  it("finds its conversation in a batch by the spelling asked for and by the one shown", function()
    local id = start { conversation_id = OWN }.conversation_id
    model:advance(20)
    local found = assert(client:get { PLAIN })
    assert.equal(id, found[id].conversation_id)
    assert.equal(found[id], found[PLAIN])
    assert.is_nil(found[("0"):rep(32)])
    local ids = {}
    for each in pairs(found) do ids[#ids + 1] = each end
    assert.same({ id }, ids)
  end)

  it("is spelt as another process asks for it", function()
    start { conversation_id = OWN }
    model:advance(20)
    local other = another_process()
    assert.equal(PLAIN, other:list():next().conversation_id) -- nobody there has spelt it yet
    assert.equal(OWN, assert(other:status(OWN)).conversation_id)
    assert.equal(OWN, other:list():next().conversation_id)
    assert.equal(OWN, assert(other:status(PLAIN)).conversation_id)
  end)

  it("chosen without dashes stays without", function()
    assert.equal(PLAIN, start { conversation_id = PLAIN }.conversation_id)
    assert.equal(PLAIN, assert(client:wait(PLAIN)).conversation_id)
  end)

  it("keeps its spelling in errors", function()
    start { conversation_id = OWN, initial_user_msg = "[simulate: slow]" }
    local _, late = client:wait(PLAIN, { timeout = 1 })
    assert.same({ "timeout", OWN, OWN }, { late.kind, late.conversation_id, late.conversation.conversation_id })
    assert.matches(OWN, late.message, 1, true)
    local _, several = client:wait_all({ PLAIN }, { timeout = 1 })
    assert.equal(OWN, several.errors[1].conversation_id)
    assert.equal(OWN, several.conversations[1].conversation_id)
    model:advance(100)
    assert(client:delete(PLAIN))
    local _, gone = client:send(PLAIN, "x")
    assert.equal(OWN, gone.conversation_id)
  end)

  it("keeps its spelling where another conversation names it", function()
    local child = ("a"):rep(32)
    local known = in_process.scripted(function(request)
      local shown, other, format = PLAIN, child, '"sub_conversation_ids": ["%s"]'
      if request.query:lower():gsub("-", ""):find(child, 1, true) then
        shown, other, format = child, PLAIN, '"parent_conversation_id": "%s"'
      end
      return in_process.json(('[{"id": "%s", "sandbox_status": "RUNNING", %s}]'):format(shown, format:format(other)))
    end, { api = "v1" })
    local spelt = "AAAAAAAA-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
    assert.same({ child }, assert(known:status(OWN)).sub_conversation_ids)
    local sub = assert(known:status(spelt))
    assert.equal(OWN, sub.parent_conversation_id)
    assert.equal(PLAIN, sub.fields.parent_conversation_id) -- what the service sent
    local whole = assert(known:status(OWN))
    assert.same({ spelt }, whole.sub_conversation_ids)
    assert.same({ child }, whole.fields.sub_conversation_ids)
  end)

  it("of V0 is sent as the caller spells it, since a server may know one spelling only", function()
    local known, requests = in_process.scripted(function(request)
      if request.path:find(OWN, 1, true) then return in_process.json("null") end
      return in_process.json(('{"conversation_id": "%s", "status": "RUNNING"}'):format(PLAIN))
    end, { api = "v0" })
    local _, err = known:status(OWN)
    assert.same({ "not_found", OWN }, { err.kind, err.conversation_id })
    assert.equal(PLAIN, assert(known:status(PLAIN)).conversation_id)
    assert.matches(PLAIN, requests[#requests].path, 1, true)
  end)
end)
