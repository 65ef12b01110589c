local json = require "openhands.simulator.encoding.json"
local sandbox = require "spec.support.simulated_sandbox"

local null = json.null
local nobody = "7f3b9a1c-2d4e-4f60-a1b2-c3d4e5f60718"

describe("the simulator's agent server", function()
  local service, model, id

  local function start(text, options)
    service = sandbox.new(options)
    model = service.model
    local task = service:service("POST", "/api/v1/app-conversations", {
      initial_message = { content = { { type = "text", text = text or "Fix the typo." } } },
    })
    id = model:find_by_start_task(task.id).id
  end

  local function start_and_open(text, seconds, options)
    start(text, options)
    model:advance(seconds or 18)
    return service:open(id)
  end

  local function status() return service:get("").execution_status end

  local function status_of(...) return (select(2, ...)).status end

  describe("requires a key:", function()
    before_each(function() start_and_open() end)

    it("that of the sandbox, and no other", function()
      assert.are.equal(200, status_of(service:get("")))
      for _, headers in ipairs {
        {}, { ["x-session-api-key"] = "other" }, { authorization = "Bearer " .. service.key },
        { authorization = "Bearer any-key" }, { ["x-access-token"] = service.key },
      } do
        local value, response = service:get("", headers)
        assert.are.same({ 401, { detail = "Unauthorized" } }, { response.status, value })
      end
    end)

    it("and records requests that carry the account's key", function()
      service:get("")
      assert.are.same({}, model.leaks)
      service:get("", { authorization = "Bearer any-key", ["x-session-api-key"] = service.key })
      assert.are.same({ { time = model:time(), method = "GET", path = service.path } }, model.leaks)
    end)

    it("but not for health checks", function()
      for _, path in ipairs { "/alive", "/health", "/ready", "/server_info" } do
        assert.are.equal(200, status_of(service:get(path, {})))
      end
      assert.are.equal("OpenHands Agent Server", service:get("/server_info", {}).title)
    end)

    it("has its own paths, and no web page", function()
      local value, response = service:get("/api/v1/users/me", {})
      assert.are.same({ 404, { detail = "Not Found" } }, { response.status, value })
      value, response = service:ask("PUT", "/api/conversations/count")
      assert.are.same({ 405, { detail = "Method Not Allowed" } }, { response.status, value })
    end)

    it("is unreachable while the sandbox is paused, and has a new key afterwards", function()
      local key = service.key
      service:service("POST", "/api/v1/sandboxes/" .. model:find(id).sandbox_id .. "/pause")
      local body, response = service:get("")
      assert.are.equal(503, response.status)
      assert.are.equal("text/html", response.headers[1][2])
      assert.is_truthy(body:find("Service Temporarily Unavailable", 1, true))
      service:service("POST", "/api/v1/sandboxes/" .. model:find(id).sandbox_id .. "/resume")
      assert.are.equal(502, status_of(service:get("")))
      model:advance(6)
      assert.are.equal(401, status_of(service:get("")))
      service:open(id)
      assert.are_not.equal(key, service.key)
      assert.are.equal(200, status_of(service:get("")))
    end)

    it("runs in a sandbox without a conversation, too", function()
      local made = service:service("POST", "/api/v1/sandboxes")
      model:advance(10)
      local found = service:service("GET", "/api/v1/sandboxes?id=" .. made.id)[1]
      service.base, service.key = found.exposed_urls[1].url:match("(/runtime/.*)$"), found.session_api_key
      assert.are.same({ items = {}, next_page_id = null }, service:get("/api/conversations/search"))
      assert.are.equal("hello\n",
        service:post("/api/bash/execute_bash_command", { command = "echo hello" }).stdout)
    end)

    it("is gone once the sandbox is deleted", function()
      service:service("DELETE", "/api/v1/app-conversations/" .. id)
      local _, response = service:get("")
      assert.are.same({ 404, "text/plain; charset=utf-8" }, { response.status, response.headers[1][2] })
    end)
  end)

  describe("returns conversations:", function()
    it("by id, by ids, by search", function()
      start_and_open()
      local info = service:get("")
      assert.are.equal("running", info.execution_status)
      assert.are.equal(id, (info.id:gsub("-", "")))
      assert.are.equal(36, #info.id)
      assert.are.same({ info, null }, service:get("/api/conversations?ids=" .. id .. "&ids=" .. nobody))
      assert.are.same({ items = { info }, next_page_id = null }, service:get("/api/conversations/search"))
      assert.are.equal(1, (service:get("/api/conversations/count?status=running")))
      assert.are.equal(0, (service:get("/api/conversations/count?status=finished")))
      assert.are.equal(404, status_of(service:get("/api/conversations/" .. nobody)))
      assert.are.equal(422, status_of(service:get("/api/conversations/nonsense")))
      assert.are.equal(422, status_of(service:get("/api/conversations")))
    end)

    it("and their final response", function()
      start_and_open()
      assert.are.same({ response = "" }, service:get("agent_final_response"))
      model:advance(60)
      assert.are.same({ response = "Done. Opened pull request 7." }, service:get("agent_final_response"))
      start_and_open("[simulate: idle]", 70)
      assert.are.same({ response = "There was nothing to change." }, service:get("agent_final_response"))
    end)
  end)

  describe("controls a conversation:", function()
    it("refuses to run a running one", function()
      start_and_open()
      local value, response = service:post("run")
      assert.are.same({ 409, {
        detail = "Conversation already running. Wait for completion or pause first.", retryable = true,
      } }, { response.status, value })
    end)

    it("pauses it after the current step, and runs it again", function()
      start_and_open()
      assert.are.same({ success = true }, service:post("pause"))
      assert.are.equal("running", status())
      model:advance(3)
      assert.are.equal("paused", status())
      assert.are.equal(400, status_of(service:post("pause")))
      model:advance(60)
      assert.are.equal("paused", status())
      assert.are.same({ success = true }, service:post("run"))
      assert.are.equal("running", status())
      model:advance(30)
      assert.are.equal("finished", status())
    end)

    it("interrupts it at once", function()
      start_and_open()
      service:post("interrupt")
      assert.are.equal("paused", status())
      assert.are.equal(1, (service:get("events/count?kind=InterruptEvent")))
    end)

    it("performs a confirmed action", function()
      start_and_open("[simulate: waiting]", 40)
      assert.are.equal("waiting_for_confirmation", status())
      local action = service:get("events/search?kind=ActionEvent&sort_order=TIMESTAMP_DESC&limit=1").items[1]
      service:post("events/respond_to_confirmation", { accept = true })
      assert.are.equal("running", status())
      local done = service:get("events/search?kind=ObservationEvent&sort_order=TIMESTAMP_DESC&limit=1").items[1]
      assert.are.same({ action.tool_call_id, action.id }, { done.tool_call_id, done.action_id })
      model:advance(30)
      assert.are.equal("finished", status())
    end)

    it("drops a rejected action", function()
      start_and_open("[simulate: waiting]", 40)
      local action = service:get("events/search?kind=ActionEvent&sort_order=TIMESTAMP_DESC&limit=1").items[1]
      service:post("events/respond_to_confirmation", { accept = false, reason = "Not today." })
      assert.are.equal("idle", status())
      local rejection = service:get("events/search?kind=UserRejectObservation").items[1]
      assert.are.same({ "Not today.", action.id }, { rejection.rejection_reason, rejection.action_id })
      model:advance(100)
      assert.are.equal("idle", status())
      assert.are.equal(422, status_of(service:post("events/respond_to_confirmation", {})))
    end)

    it("takes a message, with or without running it", function()
      start_and_open(nil, 70)
      local message = { role = "user", content = { { type = "text", text = "And the other one." } } }
      assert.are.same({ success = true }, service:post("events", message))
      model:advance(30)
      assert.are.equal("finished", status())
      local last = service:get("events/search?sort_order=TIMESTAMP_DESC&limit=1").items[1]
      assert.are.equal("And the other one.", last.llm_message.content[1].text)
      message.run = true
      service:post("events", message)
      assert.are.equal("running", status())
      model:advance(30)
      assert.are.equal("finished", status())
      message.content[1].color = "red"
      assert.are.equal(422, status_of(service:post("events", message)))
    end)

    it("takes secrets, questions, a new title, and deletes it", function()
      start_and_open()
      assert.are.same({ success = true }, service:post("secrets", { secrets = { TOKEN = "not-a-secret" } }))
      assert.are.same({ response = "You asked: How far?" }, service:post("ask_agent", { question = "How far?" }))
      assert.are.same({ success = true }, service:post("condense"))
      assert.are.equal(1, (service:get("events/count?kind=CondensationRequest")))
      assert.are.same({ success = true }, service:ask("PATCH", "", { title = "New" }))
      assert.are.equal("New", service:get("").title)
      assert.are.equal(422, status_of(service:ask("PATCH", "", { title = "" })))
      assert.are.same({ success = true }, service:ask("DELETE", ""))
      assert.are.equal(404, status_of(service:get("")))
      assert.are.equal(null, service:open(id).execution_status)
    end)
  end)

  describe("returns events", function()
    local function kinds(page)
      local list = {}
      for index, event in ipairs(page.items) do list[index] = event.kind end
      return table.concat(list, " ")
    end

    before_each(function() start_and_open(nil, 70) end)

    it("in pages whose cursor is the id of an event", function()
      local seen, page_id, pages = {}, nil, 0
      repeat
        local page = service:get("events/search?limit=4" .. (page_id and "&page_id=" .. page_id or ""))
        if page_id then assert.are.equal(page_id, page.items[1].id) end
        for _, event in ipairs(page.items) do seen[#seen + 1] = event.id end
        page_id, pages = page.next_page_id, pages + 1
      until page_id == null or pages > 20
      local all = service:get("events/search").items
      assert.are.equal(#all, #seen)
      assert.is_true(pages > 2)
      for index, event in ipairs(all) do assert.are.equal(event.id, seen[index]) end
      assert.are.equal(#all, (service:get("events/count")))
    end)

    it("without null fields", function()
      local first = service:get("events/search?kind=MessageEvent").items[1]
      assert.are.same({ "user", nil, {} }, { first.source, first.sender, first.activated_skills })
      assert.are.same(first, (service:get("events/" .. first.id)))
      assert.are.equal(404, status_of(service:get("events/" .. nobody)))
    end)

    it("by kind, source, text and time", function()
      assert.are.equal("ObservationEvent ObservationEvent ObservationEvent",
        kinds(service:get("events/search?kind=ObservationEvent")))
      assert.are.equal("MessageEvent", kinds(service:get("events/search?source=user")))
      assert.are.equal("MessageEvent", kinds(service:get("events/search?body=the%20TYPO.&source=user")))
      local all = service:get("events/search").items
      local middle = all[5].timestamp
      assert.are.equal(#all - 4, (service:get("events/count?timestamp__gte=" .. middle)))
      assert.are.equal(4, (service:get("events/count?timestamp__lt=" .. middle)))
      local backwards = service:get("events/search?sort_order=TIMESTAMP_DESC&limit=2")
      assert.are.same({ all[#all].id, all[#all - 1].id, all[#all - 2].id },
        { backwards.items[1].id, backwards.items[2].id, backwards.next_page_id })
    end)

    it("of a long conversation, too", function()
      start_and_open(nil, 70, { event_count = 5000 })
      local total = service:get("events/count")
      assert.is_true(total > 5000)
      assert.are.equal(500, (service:get("events/count?kind=MessageEvent&source=agent")))
      local page = service:get("events/search?sort_order=TIMESTAMP_DESC&limit=100")
      assert.are.equal("FinishAction", page.items[2].action.kind)
      page = service:get("events/search?limit=100&page_id=" .. page.items[100].id)
      assert.are.equal(100, #page.items)
      assert.are.equal(null, page.next_page_id)
    end)

    it("at most 100 at once, and answers a higher limit with 500", function()
      local value, response = service:get("events/search?limit=101")
      assert.are.same({ 500, "Internal Server Error" }, { response.status, value.detail })
      assert.are.equal("string", type(value.exception))
      assert.are.equal(422, status_of(service:get("events/search?limit=0")))
      assert.are.equal(422, status_of(service:get("events/search?sort_order=UPSIDE_DOWN")))
    end)
  end)

  describe("runs commands", function()
    before_each(function() start_and_open() end)

    local function run(command, extra)
      local body = { command = command }
      for name, value in pairs(extra or {}) do body[name] = value end
      return service:post("/api/bash/execute_bash_command", body)
    end

    it("without running anything on this machine", function()
      local output = run("echo 'Hello, world'")
      assert.are.same({ "Hello, world\n", 0, 0, null, "BashOutput" },
        { output.stdout, output.exit_code, output.order, output.stderr, output.kind })
      assert.are.same({ null, 3 }, { run("exit 3").stdout, run("exit 3").exit_code })
      assert.are.equal(1, run("false").exit_code)
      assert.are.equal("uname -a\n", run("uname -a", { cwd = null }).stdout)
      assert.are.equal(422, status_of(service:post("/api/bash/execute_bash_command", {})))
    end)

    it("in the background, with output over time", function()
      local command = service:post("/api/bash/start_bash_command", { command = "sleep 3" })
      assert.are.same({ "sleep 3", "BashCommand" }, { command.command, command.kind })
      local function search(more)
        return service:get("/api/bash/bash_events/search?kind__eq=BashOutput&sort_order=TIMESTAMP&command_id__eq="
          .. command.id .. (more or "")).items
      end
      assert.are.same({}, search())
      model:advance(1)
      assert.are.equal(1, #search())
      assert.are.same({ ".", null, 0 }, { search()[1].stdout, search()[1].exit_code, search()[1].order })
      model:advance(5)
      local rest = search("&order__gt=0")
      assert.are.same({ ".", ".", null, 0 }, { rest[1].stdout, rest[2].stdout, rest[3].stdout, rest[3].exit_code })
      assert.are.equal(null, rest[2].exit_code)
      assert.are.equal(3, search("&order__gt=2")[1].order)
      run("echo other")
      assert.are.equal(4, #search())
      local first = service:get("/api/bash/bash_events/search?limit=2")
      assert.are.same({ command, rest[1].id }, { first.items[1], first.next_page_id })
    end)

    it("and can respond only once they have ended", function()
      local before = model:time()
      local output = run("sleep 3")
      assert.are.same({ "...", 0, 0 }, { output.stdout, output.exit_code, output.order })
      assert.are.equal(before + 3, model:time())
    end)

    it("no longer than their timeout", function()
      local command = service:post("/api/bash/start_bash_command", { command = "sleep 100", timeout = 2 })
      model:advance(10)
      local last = service:get("/api/bash/bash_events/search?sort_order=TIMESTAMP_DESC&command_id__eq=" .. command.id)
      assert.are.equal(-1, last.items[1].exit_code)
    end)
  end)

  describe("has a workspace", function()
    before_each(function() start_and_open() end)

    it("with files of any bytes", function()
      local bytes = "\0\1\2--\r\n\r\n\255" .. ("x"):rep(1000) .. "\r\n"
      assert.are.same({ success = true },
        service:upload("/api/file/upload?path=/workspace/project/data.bin", { { "file", "data.bin", bytes } }))
      local body, response = service:get("/api/file/download?path=/workspace/project/data.bin")
      assert.are.same({ bytes, "application/octet-stream" }, { body, response.headers[1][2] })
      assert.is_truthy(json.encode(service:get("/api/git/changes?path=/workspace/project")):find("data.bin", 1, true))
    end)

    it("that requires absolute paths, in the query", function()
      local value, response = service:get("/api/file/download?path=README.md")
      assert.are.same({ 400, { detail = "Path must be absolute" } }, { response.status, value })
      value, response = service:get("/api/file/download?path=/nowhere")
      assert.are.same({ 404, { detail = "File not found" } }, { response.status, value })
      assert.are.equal(400, status_of(service:upload("/api/file/upload?path=a", { { "file", "a", "" } })))
      assert.are.equal(422, status_of(service:upload("/api/file/upload?path=/a", { { "other", "a", "" } })))
      assert.are.equal(422, status_of(service:post("/api/file/upload?path=/a", "no form")))
      -- The proxy merges repeated slashes, so a file path inside the URL path loses its leading slash.
      assert.are.equal(404, status_of(service:get("/api/file/download//workspace/project/README.md")))
      assert.are.equal(200, status_of(service:get("//api//file/download?path=/workspace/project/README.md")))
    end)

    it("whose changes git reports", function()
      local changes = service:get("/api/git/changes?path=/workspace/project&ref=HEAD")
      assert.are.same({ { status = "ADDED", path = "PLAN.md" }, { status = "UPDATED", path = "README.md" } }, changes)
      local sides = service:get("/api/git/diff?path=/workspace/project/README.md")
      assert.is_truthy(sides.original:find("libary", 1, true))
      assert.is_truthy(sides.modified:find("library", 1, true))
      assert.are.equal(null, service:get("/api/git/diff?path=/workspace/project/PLAN.md").original)
      assert.are.equal(422, status_of(service:get("/api/git/changes")))
    end)

    it("and a trajectory to download", function()
      local bytes, response = service:get("/api/file/download-trajectory/" .. id)
      assert.are.same({ "PK\3\4", "application/zip" }, { bytes:sub(1, 4), response.headers[1][2] })
      assert.is_truthy(bytes:find("event_000000_", 1, true))
      assert.are.equal(404, status_of(service:get("/api/file/download-trajectory/" .. nobody)))
    end)
  end)
end)
