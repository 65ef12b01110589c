local json = require "openhands.simulator.encoding.json"
local service = require "spec.support.simulated_service"

local null = json.null
local own_id, own_hex, fields_of, sorted = service.own_id, service.own_hex, service.fields_of, service.sorted

-- The fields of responses, as in the published schemas.
local task_fields = "agent_server_url app_conversation_id created_at created_by_user_id detail id request sandbox_id "
  .. "status updated_at"
local request_fields = "agent_profile_id agent_type conversation_id git_provider initial_message llm_model "
  .. "parent_conversation_id plugins pr_number processors public sandbox_id secrets selected_branch "
  .. "selected_repository suggested_task system_message_suffix title trigger"
local old_conversation_fields = "conversation_url created_at created_by_user_id execution_status git_provider id "
  .. "llm_model metrics parent_conversation_id pr_number public sandbox_id sandbox_status selected_branch "
  .. "selected_repository session_api_key sub_conversation_ids title trigger updated_at"
local newer_fields = "acp_server agent_kind launched_agent_profile tags"

describe("the simulator's V1", function()
  local here, model = service.new(), nil
  local call, get, start, conversation, watch = here.call, here.get, here.start, here.conversation, here.watch

  local function make(options) model = here.make(options) end

  before_each(function() make() end)

  describe("start", function()
    it("returns a start task in its first state, in the published form", function()
      local task, response = start(nil, { secrets = { TOKEN = "hush" }, selected_repository = "acme/widgets" })
      assert.are.equal(200, response.status)
      assert.are.equal(sorted(task_fields), fields_of(task))
      assert.are.equal(sorted(request_fields), fields_of(task.request))
      assert.are.equal("WORKING", task.status)
      for _, name in ipairs { "detail", "app_conversation_id", "sandbox_id", "agent_server_url" } do
        assert.are.equal(null, task[name])
      end
      assert.is_truthy(task.id:match("^%x+$") and #task.id == 32)
      assert.are.equal("2026-08-20T09:15:00Z", task.created_at)
      assert.are.same({ TOKEN = "**********" }, task.request.secrets)
      assert.are.equal("acme/widgets", task.request.selected_repository)
      assert.are.same({ role = "user", run = false,
        content = { { type = "text", text = "Fix the typo.", cache_prompt = false } } }, task.request.initial_message)
      assert.is_truthy(response.body:find('"pr_number":[]', 1, true))
    end)

    it("accepts the caller's id in either spelling and returns it dashed", function()
      assert.are.equal(own_id, start(nil, { conversation_id = own_hex:upper() }).request.conversation_id)
      assert.are.equal(own_hex, model.starts[1].conversation_id)
    end)

    it("goes through all states of a start task to READY", function()
      local id = start(nil, { conversation_id = own_id }).id
      local states = watch(function() return get("/api/v1/app-conversations/start-tasks?ids=" .. id)[1].status end, 20)
      assert.are.same({ "WORKING", "WAITING_FOR_SANDBOX", "PREPARING_REPOSITORY", "RUNNING_SETUP_SCRIPT",
        "SETTING_UP_GIT_HOOKS", "SETTING_UP_SKILLS", "STARTING_CONVERSATION", "READY" }, states)
      assert.are.equal(own_hex, get("/api/v1/app-conversations/start-tasks?ids=" .. id)[1].app_conversation_id)
    end)

    it("does not create a second conversation for a known id", function()
      local first = start(nil, { conversation_id = own_id })
      model:advance(20)
      assert.are.equal(first.id, start(nil, { conversation_id = own_hex }).id)
      assert.are.equal(1, model:jobs())
      assert.are.same({ false, true }, { model.starts[1].repeated or false, model.starts[2].repeated })
    end)

    it("ignores the id on an old server", function()
      make { client_ids = false }
      local task = start(nil, { conversation_id = own_id })
      start(nil, { conversation_id = own_id })
      assert.is_nil(task.request.conversation_id)
      assert.are.equal(2, model:jobs())
      model:advance(20)
      assert.are.equal(null, conversation())
    end)

    it("silently ignores unknown fields", function()
      local task, response = start(nil, { repository = "acme/widgets" })
      assert.are.equal(200, response.status)
      assert.are.equal(null, task.request.selected_repository)
    end)

    it("names each field of a wrong type", function()
      for name, case in pairs {
        selected_repository = { 5, "string_type" }, pr_number = { {}, "list_type" }, public = { "x", "bool_type" },
        conversation_id = { "abc", "uuid_parsing" }, git_provider = { "svn", "enum" }, secrets = { "x", "dict_type" },
        initial_message = { "hello", "model_attributes_type" },
      } do
        local value, response = start(nil, { [name] = case[1] })
        assert.are.equal(422, response.status, name)
        assert.are.equal(case[2], value.detail[1].type)
        assert.are.same({ "body", name }, value.detail[1].loc)
      end
      assert.are.equal(0, model:jobs())
      local value = call("POST", "/api/v1/app-conversations", { initial_message = { content = { { type = "text",
        text = "hi", txet = "typo" } } } })
      assert.are.equal("extra_forbidden", value.detail[1].type)
      assert.are.same({ "body", "initial_message", "content", 0, "text", "txet" }, value.detail[1].loc)
    end)

    it("refuses a body that is no JSON, or is not declared as JSON", function()
      local function post(body, content_type)
        return model:request { method = "POST", path = "/api/v1/app-conversations", body = body,
          headers = { authorization = "Bearer k", ["content-type"] = content_type } }
      end
      assert.are.equal(422, post("{").status)
      assert.are.equal(422, post("").status)
      assert.are.equal(422, post("{}", "application/x-www-form-urlencoded").status)
      assert.are.equal(200, post("{}", "application/json; charset=utf-8").status)
      assert.are.equal(1, model:jobs())
    end)
  end)

  describe("conversation", function()
    it("does not exist before its start task is READY", function()
      start(nil, { conversation_id = own_id })
      assert.are.equal(null, conversation())
      model:advance(14)
      assert.are.equal(own_hex, conversation().id)
    end)

    it("has the published form, with its session key while it runs", function()
      start(nil, { conversation_id = own_id, selected_repository = "acme/widgets" })
      model:advance(30)
      local value = conversation()
      assert.are.equal(sorted(old_conversation_fields .. " " .. newer_fields), fields_of(value))
      assert.are.equal("RUNNING", value.sandbox_status)
      assert.are.equal("running", value.execution_status)
      assert.are.equal("Fix the typo.", value.title)
      assert.are.equal("github", value.git_provider)
      assert.is_truthy(value.session_api_key:find("not%-real"))
      assert.are.equal("http://127.0.0.1:4711/runtime/" .. value.sandbox_id .. "/api/conversations/" .. own_hex,
        value.conversation_url)
      assert.are.equal(0.0142, value.metrics.accumulated_cost)
      assert.are.equal("{}", json.encode(value.tags))
      assert.are.equal("[]", json.encode(value.sub_conversation_ids))
    end)

    it("lacks the newer fields on an old server", function()
      make { old = true }
      start(nil, { conversation_id = own_id })
      model:advance(30)
      assert.are.equal(sorted(old_conversation_fields), fields_of(conversation()))
    end)

    it("is finished after a minute, or after pace minutes", function()
      for _, pace in ipairs { 1, 0.05 } do
        make { pace = pace }
        start(nil, { conversation_id = own_id })
        model:advance(59 * pace)
        assert.are.equal("running", conversation().execution_status)
        model:advance(1.01 * pace)
        local value = conversation()
        assert.are.equal("finished", value.execution_status)
        assert.are.same({ 7 }, value.pr_number)
        assert.are.equal(0.0831, value.metrics.accumulated_cost)
      end
    end)

    local function states_of(outcome, seconds)
      start("Do it. [simulate: " .. outcome .. "]", { conversation_id = own_id })
      return watch(function()
        local value = conversation()
        if value == null then return "none" end
        return value.sandbox_status .. "/" .. tostring(value.execution_status)
      end, seconds or 70)
    end

    local begin = { "none", "RUNNING/idle", "RUNNING/running" }
    for outcome, rest in pairs {
      finished = { "RUNNING/finished" },
      ["no-such-outcome"] = { "RUNNING/finished" },
      error = { "RUNNING/error" },
      budget = { "RUNNING/error" },
      stuck = { "RUNNING/stuck" },
      waiting = { "RUNNING/waiting_for_confirmation" },
      paused = { "PAUSED/null" },
      missing = { "MISSING/null" },
      idle = { "RUNNING/idle" },
      unknown = { "HIBERNATING/daydreaming", "RUNNING/running", "RUNNING/finished" },
      flap = { "RUNNING/null", "MISSING/null", "RUNNING/null", "RUNNING/running", "RUNNING/finished" },
    } do
      it("can end as " .. outcome, function()
        local expected = {}
        for _, state in ipairs(begin) do expected[#expected + 1] = state end
        for _, state in ipairs(rest) do expected[#expected + 1] = state end
        assert.are.same(expected, states_of(outcome))
      end)
    end

    it("shows every transient status to a late poller", function()
      start("[simulate: flap]", { conversation_id = own_id })
      model:advance(100)
      local seen = {}
      for index = 1, 4 do seen[index] = conversation().sandbox_status end
      assert.are.same({ "RUNNING", "MISSING", "RUNNING", "RUNNING" }, seen)
      assert.are.equal("finished", conversation().execution_status)
    end)

    it("can be slow", function()
      assert.are.same({ "none", "RUNNING/idle", "RUNNING/running" }, states_of("slow", 599))
      model:advance(1)
      assert.are.equal("finished", conversation().execution_status)
    end)

    for outcome, expected in pairs {
      ["start-error"] = { "ERROR", "500: Sandbox failed to start within 120s: imitation0000000000001" },
      ["start-limit"] = { "ERROR",
        "CONCURRENCY_LIMIT_REACHED: You have reached your limit of 3 concurrent conversations." },
      ["never-ready"] = { "WORKING", null },
    } do
      it("can fail to start as " .. outcome, function()
        local id = start("[simulate: " .. outcome .. "]", { conversation_id = own_id }).id
        model:advance(1000)
        local task = get("/api/v1/app-conversations/start-tasks?ids=" .. id)[1]
        assert.are.same(expected, { task.status, task.detail })
        assert.are.equal(null, task.app_conversation_id)
        assert.are.equal(null, conversation())
        assert.are.equal(1, model:jobs())
      end)
    end

    it("fails in its start task if the repository is inaccessible", function()
      local id = start(nil, { selected_repository = "owner/forbidden" }).id
      model:advance(20)
      assert.are.equal("Unable to access repo owner/forbidden",
        get("/api/v1/app-conversations/start-tasks?ids=" .. id)[1].detail)
    end)

    it("ends as the option says if the prompt does not", function()
      make { outcome = "stuck" }
      start(nil, { conversation_id = own_id })
      model:advance(60)
      assert.are.equal("stuck", conversation().execution_status)
    end)

    it("can be retitled and deleted", function()
      start(nil, { conversation_id = own_id })
      model:advance(20)
      local path = "/api/v1/app-conversations/" .. own_id
      assert.are.equal("New", call("PATCH", path, { title = "New" }).title)
      assert.are.same({ success = true }, (call("DELETE", path)))
      assert.are.equal(null, conversation())
      assert.are.same({ detail = "unknown_app_conversation" }, (call("PATCH", path, { title = "New" })))
      assert.are.equal("Internal Server Error", (call("PATCH", "/api/v1/app-conversations/zzz", {})))
    end)
  end)
end)
