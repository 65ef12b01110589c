-- The status of one conversation: its dialect, and the end of its work where the status alone does not tell it.

local openhands = require "openhands"
local in_process = require "spec.support.in_process"

describe("the status of a conversation", function()
  it("is asked for in the dialect in which it was started", function()
    local client = in_process.simulated()
    local conversation = assert(client:start({ initial_user_msg = "x" }, { api = "v0" }))
    assert.equal("v0", assert(client:status(conversation)).api)
    assert.equal("finished", assert(client:wait(conversation.conversation_id)).state)
  end)

  it("that is idle is finished for another process, too", function()
    local client, model, transport = in_process.simulated({ api = "v1" })
    local conversation = assert(client:start { initial_user_msg = "[simulate: idle]" })
    model:advance(600)
    local other = openhands.new { transport = transport, api_key = "any" }
    local seen = assert(other:status(conversation.conversation_id))
    assert.same({ "finished", true }, { seen.state, seen.settled })
  end)

  -- Idle at 15 seconds; what its events tell is read so many seconds later.
  local function idle_until_its_events_are_read(prompt, seconds)
    local client, model, transport = in_process.simulated({ api = "v1" })
    local conversation = assert(client:start { initial_user_msg = prompt })
    local request = transport.request
    function transport.request(self, asked)
      if asked.path:find "/events/" and model:time() < 15 + seconds then
        model:advance(15 + seconds - model:time())
      end
      return request(self, asked)
    end
    model:advance(15)
    return client, conversation, transport
  end

  it("that is idle before its agent begins is not finished, whenever its events are read", function()
    local ends = { ["Fix it."] = "finished", ["[simulate: error]"] = "failed", ["[simulate: idle]"] = "finished" }
    for prompt, ends_as in pairs(ends) do
      for _, seconds in ipairs { 0, 1, 5, 10, 20, 29 } do
        local client, conversation, transport = idle_until_its_events_are_read(prompt, seconds)
        local seen = assert(client:status(conversation))
        local other = openhands.new { transport = transport, api_key = "any" }
        local truth = assert(other:status(conversation.conversation_id))
        assert.same({ prompt, seconds, seen.settled and truth.state or seen.state }, { prompt, seconds, seen.state })

        client, conversation = idle_until_its_events_are_read(prompt, seconds)
        local done = assert(client:wait(conversation, { timeout = 2000 }))
        assert.same({ prompt, seconds, ends_as }, { prompt, seconds, done.state })
        assert.truthy(done.answer or done.detail)
      end
    end
  end)

  it("whose only event is the system prompt is not finished", function()
    local kinds = { "SystemPromptEvent" }
    local client = in_process.scripted(function(request)
      if request.path:find "/events/" then
        local events = {}
        for i, kind in ipairs(kinds) do
          events[i] = ('{"id": "%d", "kind": "%s", "source": "agent"}'):format(i, kind)
        end
        return in_process.json(('{"items": [%s]}'):format(table.concat(events, ", ")))
      end
      local id = ("1"):rep(32)
      return in_process.json(('[{"id": "%s", "sandbox_status": "RUNNING", "execution_status": "idle"}]'):format(id))
    end, { api = "v1" })
    local seen = assert(client:status(("1"):rep(32)))
    assert.same({ "starting", false }, { seen.state, seen.settled })
    kinds[2] = "ActionEvent"
    seen = assert(client:status(("1"):rep(32)))
    assert.same({ "finished", true }, { seen.state, seen.settled })
  end)
end)
