local json = require "openhands.simulator.encoding.json"
local service = require "spec.support.simulated_service"
local timestamps = require "openhands.simulator.encoding.timestamps"

local null = json.null
local own_id, own_hex, nobody, fields_of = service.own_id, service.own_hex, service.nobody, service.fields_of

describe("the simulator's V1 lists", function()
  local here, model = service.new(), nil
  local call, get, start, conversation = here.call, here.get, here.start, here.conversation

  local function make(options) model = here.make(options) end

  before_each(function() make() end)

  describe("batches and searches", function()
    it("have one entry per id, null for unknown ones, in order", function()
      local first, second = start().id, start().id
      local path = "/api/v1/app-conversations/start-tasks?ids="
      local tasks = get(path .. second .. "&ids=" .. nobody .. "&ids=" .. first)
      assert.are.same({ second, null, first }, { tasks[1].id, tasks[2], tasks[3].id })
      assert.are.equal(3, #tasks)
    end)

    it("refuse malformed ids, each in its own form", function()
      local value, response = get("/api/v1/app-conversations?ids=not-a-uuid")
      assert.are.equal(400, response.status)
      assert.are.same({ detail = "Invalid UUID format for ids: ['not-a-uuid']" }, value)
      value, response = get("/api/v1/app-conversations/start-tasks?ids=abc")
      assert.are.equal(422, response.status)
      assert.are.same({ detail = { {
        type = "uuid_parsing", loc = { "query", "ids", 0 }, input = "abc",
        msg = "Input should be a valid UUID, invalid length: expected length 32 for simple format, found 3",
        ctx = { error = "invalid length: expected length 32 for simple format, found 3" },
      } } }, value)
      assert.are.equal(422, select(2, get("/api/v1/app-conversations")).status)
      assert.are.equal(400, select(2, get("/api/v1/app-conversations?ids=" .. own_id .. "," .. own_id)).status)
    end)

    it("refuse more than 99 conversations or 100 start tasks", function()
      local ids = ("&ids=" .. nobody):rep(99)
      assert.are.equal(99, #get("/api/v1/app-conversations?" .. ids))
      assert.are.same({ detail = "Too many ids requested. Maximum is 99." },
        (get("/api/v1/app-conversations?ids=" .. nobody .. ids)))
      assert.are.equal(100, #get("/api/v1/app-conversations/start-tasks?ids=" .. nobody .. ids))
      assert.are.same({ detail = "Cannot request more than 100 start tasks at once, got 101" },
        (get("/api/v1/app-conversations/start-tasks?ids=" .. nobody .. ids .. "&ids=" .. nobody)))
    end)

    local search = "/api/v1/app-conversations/start-tasks/search?"

    it("find start tasks by time, newest first, in pages whose id must be encoded", function()
      local ids = {}
      for index = 1, 5 do
        ids[index] = start().id
        model:advance(1)
      end
      local after = timestamps.utc(model:now() - 3.5):gsub(":", "%%3A")
      local found = get(search .. "limit=2&created_at__gte=" .. after)
      assert.are.same({ ids[5], ids[4] }, { found.items[1].id, found.items[2].id })
      assert.are.equal("500 Internal Server Error", (function()
        local body, response = get(search .. "page_id=" .. found.next_page_id)
        return response.status .. " " .. body
      end)())
      local encoded = found.next_page_id:gsub("%W", function(each) return ("%%%02X"):format(each:byte()) end)
      found = get(search .. "limit=2&created_at__gte=" .. after .. "&page_id=" .. encoded)
      assert.are.same({ ids[3], 1, null }, { found.items[1].id, #found.items, found.next_page_id })
      found = get(search .. "sort_order=CREATED_AT")
      assert.are.same({ ids[1], 5 }, { found.items[1].id, #found.items })
      assert.are.equal(3, get("/api/v1/app-conversations/start-tasks/count?created_at__gte=" .. after))
      assert.are.equal(422, select(2, get(search .. "limit=101")).status)
      assert.are.equal(422, select(2, get(search .. "created_at__gte=2026-08-20T09:15:00+00:00")).status)
      assert.are.equal(200, select(2, get(search .. "created_at__gte=2026-08-20T09:15:00%2B00:00")).status)
    end)

    it("do not find a start task by its conversation's id until it is READY", function()
      start(nil, { conversation_id = own_id })
      assert.are.equal(0, #get(search .. "conversation_id__eq=" .. own_id).items)
      model:advance(14)
      assert.are.equal(1, #get(search .. "conversation_id__eq=" .. own_id).items)
    end)

    it("do not show new conversations within the visibility delay", function()
      make { visibility = 30 }
      local id = start(nil, { conversation_id = own_id }).id
      local function seen()
        return #get(search).items .. "/" .. get("/api/v1/app-conversations/start-tasks/count") .. "/"
          .. tostring(get("/api/v1/app-conversations/start-tasks?ids=" .. id)[1] ~= null) .. "/"
          .. tostring(conversation() ~= null)
      end
      model:advance(29)
      assert.are.equal("0/0/false/false", seen())
      model:advance(1)
      assert.are.equal("1/1/true/true", seen())
      assert.are.equal(1, model:jobs())
    end)

    it("find conversations", function()
      start("First thing", { conversation_id = own_id })
      model:advance(30)
      assert.are.equal(own_hex, get("/api/v1/app-conversations/search?title__contains=First").items[1].id)
      assert.are.equal(0, #get("/api/v1/app-conversations/search?title__contains=Second").items)
      assert.are.equal(1, get("/api/v1/app-conversations/count"))
    end)
  end)

  describe("V1 events", function()
    local path = "/api/v1/conversation/" .. own_id .. "/events/"

    local function kinds(items)
      local list = {}
      for index, event in ipairs(items) do
        list[index] = event.kind == "ConversationStateUpdateEvent" and event.value or event.kind
      end
      return table.concat(list, " ")
    end

    before_each(function()
      start(nil, { conversation_id = own_id })
      model:advance(70)
    end)

    it("cover a conversation from start to end, with ids and naive times", function()
      local page = get(path .. "search")
      assert.are.equal("MessageEvent idle running ActionEvent ObservationEvent ActionEvent ObservationEvent "
        .. "ActionEvent ObservationEvent ActionEvent finished", kinds(page.items))
      assert.are.equal(null, page.next_page_id)
      local last = page.items[#page.items - 1]
      assert.are.same({ kind = "FinishAction", message = "Done. Opened pull request 7." }, last.action)
      assert.are.equal("action critic_result id kind llm_response_id parent_id reasoning_content "
        .. "responses_reasoning_item security_risk source summary thinking_blocks thought timestamp tool_call "
        .. "tool_call_id tool_name", fields_of(last))
      for index, event in ipairs(page.items) do
        assert.is_truthy(event.timestamp:match("^2026%-08%-20T09:1%d:%d%d%.%d%d%d%d%d%d$"), event.timestamp)
        assert.is_truthy(#event.id == 36)
        if index > 1 then
          assert.is_true(event.timestamp > page.items[index - 1].timestamp)
          assert.are.equal(page.items[index - 1].id, event.parent_id)
        end
      end
    end)

    it("are paged by offset, ascending or descending", function()
      local first = get(path .. "search?limit=2")
      assert.are.same({ "2", "MessageEvent idle" }, { first.next_page_id, kinds(first.items) })
      assert.are.equal("running ActionEvent", kinds(get(path .. "search?limit=2&page_id=2").items))
      assert.are.equal("finished ActionEvent", kinds(get(path .. "search?limit=2&sort_order=TIMESTAMP_DESC").items))
      assert.are.same({ "", null }, (function()
        local page = get(path .. "search?page_id=999")
        return { kinds(page.items), page.next_page_id }
      end)())
      assert.are.equal(500, select(2, get(path .. "search?page_id=x")).status)
      assert.are.equal(422, select(2, get(path .. "search?limit=101")).status)
    end)

    it("are filtered per page: a page may be empty and have a next one", function()
      local page = get(path .. "search?kind__eq=ObservationEvent&limit=3")
      assert.are.same({ 0, "3" }, { #page.items, page.next_page_id })
      assert.are.equal(3, get(path .. "count?kind__eq=ObservationEvent"))
      assert.are.equal(11, get(path .. "count"))
      assert.are.equal(1, get(path .. "count?timestamp__lt=2026-08-20T09:15:14.002"))
      assert.are.equal(10, get(path .. "count?timestamp__gte=2026-08-20T09:15:14.002"))
      assert.are.equal(422, select(2, get(path .. "search?kind__eq=Nonsense")).status)
    end)

    it("of an unknown conversation are an empty page, not an error", function()
      local page, response = get("/api/v1/conversation/" .. nobody .. "/events/search")
      assert.are.same({ 200, 0, null }, { response.status, #page.items, page.next_page_id })
      assert.are.equal('{"items":[],"next_page_id":null}', response.body)
      assert.are.equal(0, get("/api/v1/conversation/" .. nobody .. "/events/count"))
      assert.are.equal(500, select(2, get("/api/v1/conversation/zzz/events/search")).status)
    end)

    it("can be fetched by id", function()
      local id = get(path .. "search").items[1].id
      local found = get("/api/v1/conversation/" .. own_id .. "/events?id=x&id=" .. id)
      assert.are.same({ null, id }, { found[1], found[2].id })
    end)

    it("include an exhausted budget and a plain message", function()
      make()
      start("[simulate: budget]", { conversation_id = own_id })
      model:advance(20)
      local items = get(path .. "search?kind__eq=ConversationErrorEvent").items
      assert.is_truthy(items[1].detail:find("429 budget_exceeded", 1, true))
      make()
      start("[simulate: idle]", { conversation_id = own_id })
      model:advance(70)
      items = get(path .. "search?kind__eq=MessageEvent").items
      assert.are.equal("agent", items[2].source)
    end)
  end)

  describe("sandboxes and messages", function()
    local message = { content = { { type = "text", text = "Go on." } } }
    local send = "/api/v1/app-conversations/" .. own_id .. "/send-message"

    before_each(function()
      start("[simulate: waiting]", { conversation_id = own_id })
      model:advance(40)
    end)

    it("pause, resume without the agent, and continue on a message, with a new session key", function()
      local value = conversation()
      local sandbox, key = value.sandbox_id, value.session_api_key
      assert.are.same({ success = true }, (call("POST", "/api/v1/sandboxes/" .. sandbox .. "/pause")))
      assert.are.same({ "PAUSED", null, null },
        { conversation().sandbox_status, conversation().execution_status, conversation().session_api_key })
      assert.are.equal(409, select(2, call("POST", send, message)).status)
      call("POST", "/api/v1/sandboxes/" .. sandbox .. "/resume")
      assert.are.equal("STARTING", conversation().sandbox_status)
      model:advance(100)
      assert.are.same({ "RUNNING", "paused" }, { conversation().sandbox_status, conversation().execution_status })
      assert.are_not.equal(key, conversation().session_api_key)
      assert.are.same({ success = true, sandbox_status = "RUNNING", message = null }, (call("POST", send, message)))
      model:advance(2)
      assert.are.equal("running", conversation().execution_status)
      model:advance(20)
      assert.are.equal("finished", conversation().execution_status)
    end)

    it("are deleted by a request with the id twice", function()
      local id = conversation().sandbox_id
      local path = "/api/v1/sandboxes/" .. id
      assert.are.equal(422, select(2, call("DELETE", path)).status)
      assert.are.same({ success = true }, (call("DELETE", path .. "?sandbox_id=" .. id)))
      assert.are.equal("MISSING", conversation().sandbox_status)
      assert.are.equal(410, select(2, call("POST", send, message)).status)
      local value, response = call("POST", path .. "/resume")
      assert.are.same({ 409, "runtime_not_resumable" }, { response.status, value.detail.code })
    end)

    it("are listed with their urls", function()
      local id = conversation().sandbox_id
      local list = get("/api/v1/sandboxes?id=" .. id .. "&id=unknown")
      assert.are.same({ id, "RUNNING", null }, { list[1].id, list[1].status, list[2] })
      assert.are.equal("created_at created_by_user_id exposed_urls id sandbox_spec_id session_api_key status "
        .. "status_detail", fields_of(list[1]))
      call("POST", "/api/v1/sandboxes/" .. id .. "/pause")
      local paused = get("/api/v1/sandboxes/search").items[1]
      assert.are.same({ id, "PAUSED", null, null },
        { paused.id, paused.status, paused.session_api_key, paused.exposed_urls })
    end)

    it("queue ten messages, and not eleven", function()
      local path = "/api/v1/conversations/" .. own_id .. "/pending-messages"
      for position = 1, 10 do
        local value, response = call("POST", path, message)
        assert.are.same({ 201, position }, { response.status, value.position })
      end
      local value, response = call("POST", path, message)
      assert.are.equal(429, response.status)
      assert.are.same({ detail = "Too many pending messages. Maximum 10 messages per conversation." }, value)
    end)
  end)
end)
