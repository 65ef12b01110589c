-- The service looks for a queued message under two keys: the dashed id of the conversation, and the id of its start
-- task with a prefix. A message that was stored under another key was accepted and then lost.

local identifiers = require "openhands.conversation.identifier"
local in_process = require "spec.support.in_process"

local OWN = "5618fbb4-8b6c-4d2e-9f0a-1b2c3d4e5f60"

describe("a queued message", function()
  local client, model

  before_each(function()
    client, model = in_process.simulated({ pace = 1 }, { api = "v1" })
  end)
  after_each(function() client:close() end)

  local function start()
    return assert(client:start { initial_user_msg = "x", conversation_id = OWN })
  end

  local function told()
    local texts = {}
    for event in assert(client:events(OWN)) do
      if event.kind == "MessageEvent" and event.source == "user" then
        texts[#texts + 1] = event.llm_message.content[1].text
      end
    end
    return texts
  end

  it("arrives with either id in either spelling", function()
    local started = start()
    local plain = OWN:gsub("-", "")
    local task = started.start_task_id
    local spellings = { started, OWN, plain, OWN:upper(), task, identifiers.with_dashes(task), "task-" .. task }
    for place, id in ipairs(spellings) do
      assert(client:queue_message(id, ("message %d"):format(place)))
    end
    model:advance(20)
    local texts, expected = told(), {}
    table.sort(texts)
    for place = 1, 7 do expected[place] = ("message %d"):format(place) end
    expected[8] = "x"
    assert.same(expected, texts)
  end)

  it("arrives from a process that knows only one of the ids", function()
    local started = start()
    for _, id in ipairs { started.start_task_id, OWN } do
        client._memories, client._older_memories, client._memory_count = {}, {}, 0
      assert(client:queue_message(id, "Go on."))
    end
    model:advance(20)
    assert.same({ "x", "Go on.", "Go on." }, told())
  end)

  it("may be left at once, before the service shows the start", function()
    client:close()
    client, model = in_process.simulated({ pace = 1, visibility = 5 }, { api = "v1" })
    assert(client:queue_message(start(), "Go on."))
    model:advance(20)
    assert.same({ "x", "Go on." }, told())
  end)

  it("is refused when the conversation is ready: it would be lost", function()
    local started = start()
    model:advance(20)
    for _, id in ipairs { started, OWN, started.start_task_id } do
      for _, forgets in ipairs { false, true } do
        if forgets then client._memories, client._older_memories, client._memory_count = {}, {}, 0 end
        local answer, err = client:queue_message(id, "too late")
        assert.is_nil(answer)
        assert.equal("conflict", err.kind)
        assert.matches("use send", err.message, 1, true)
      end
    end
  end)
end)
