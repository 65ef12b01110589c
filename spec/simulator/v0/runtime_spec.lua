local json = require "openhands.simulator.encoding.json"
local sandbox = require "spec.support.simulated_sandbox"

local null = json.null

describe("the simulator's V0 runtime", function()
  local service, model, id

  local function start(text, options)
    service = sandbox.new(options)
    model = service.model
    id = service:service("POST", "/api/conversations", { initial_user_msg = text or "Fix the typo." }).conversation_id
  end

  local function start_and_open(text, seconds)
    start(text)
    model:advance(seconds or 18)
    return service:open(id)
  end

  local function status_of(...) return (select(2, ...)).status end

  -- Returns the states of the agent in order, from its events.
  local function states(from)
    local page = service:service("GET", "/api/conversations/" .. id .. "/events?limit=100&start_id=" .. (from or 0))
    local list = {}
    for _, event in ipairs(page.events) do
      if event.observation == "agent_state_changed" then list[#list + 1] = event.extras.agent_state end
    end
    return list
  end

  local function status() return service:service("GET", "/api/conversations/" .. id).status end

  describe("is reached", function()
    it("while the conversation runs, at its url, with its key", function()
      start()
      local found = service:open(id)
      assert.are.same({ "STOPPED", null, null }, { found.status, found.url, found.session_api_key })
      model:advance(5)
      found = service:open(id)
      assert.are.same({ "STARTING", null, null }, { found.status, found.url, found.session_api_key })
      model:advance(15)
      found = service:open(id)
      assert.are.equal(("%s/runtime/%s/api/conversations/%s"):format(sandbox.address, model:find(id).sandbox_id, id),
        found.url)
      assert.are.equal("string", type(found.session_api_key))
      assert.are.equal(200, status_of(service:get("events")))
      service:service("POST", "/api/conversations/" .. id .. "/stop")
      assert.are.equal(503, status_of(service:get("events")))
      assert.are.equal(null, service:open(id).url)
    end)

    it("neither while it starts nor after it is gone", function()
      start_and_open()
      service:service("POST", "/api/conversations/" .. id .. "/stop")
      service:service("POST", "/api/conversations/" .. id .. "/start", { providers_set = null })
      model:advance(3)
      assert.are.equal(502, status_of(service:get("events")))
      service:service("DELETE", "/api/conversations/" .. id)
      assert.are.equal(404, status_of(service:get("events")))
      assert.are.equal(404, status_of(service:get("/api/conversations/" .. id, {})))
    end)

    it("with a new key after every start", function()
      start_and_open()
      local path = "/api/conversations/" .. id
      service:service("POST", path .. "/stop")
      service:service("POST", path .. "/start", { providers_set = null })
      model:advance(20)
      assert.are.equal(401, status_of(service:get("events")))
      service:open(id)
      assert.are.equal(200, status_of(service:get("events")))
    end)

    it("never with the key of the account", function()
      start_and_open()
      local value, response = service:get("events", { authorization = "Bearer any-key" })
      assert.are.same({ 401, { detail = "Unauthorized" } }, { response.status, value })
      assert.are.equal(service.path .. "/events", model.leaks[1].path)
    end)

    it("under its own id only", function()
      start_and_open()
      assert.are.equal(404, status_of(service:get("/api/conversations/" .. ("0"):rep(32) .. "/events")))
      assert.are.equal(200, status_of(service:get("/alive", {})))
    end)
  end)

  it("answers what the service refuses", function()
    start_and_open()
    for _, operation in ipairs {
      { "GET", "list-files" }, { "GET", "select-file?file=README.md" }, { "GET", "zip-directory" },
      { "GET", "git/changes" }, { "GET", "git/diff?path=README.md" }, { "GET", "trajectory" },
      { "POST", "upload-files" }, { "POST", "events", { action = "none" } }, { "POST", "message", { message = "x" } },
    } do
      local target = "/api/conversations/" .. id .. "/" .. operation[2]
      local body, response = service:service(operation[1], target, operation[3])
      assert.are.same({ 500, "Internal Server Error", "text/plain; charset=utf-8" },
        { response.status, body, response.headers[1][2] })
      local expected = operation[2] == "upload-files" and 422 or 200
      assert.are.equal(expected, status_of(service:ask(operation[1], operation[2], operation[3])))
    end
  end)

  describe("has files", function()
    before_each(function() start_and_open() end)

    it("to list and to read", function()
      assert.are.same({ ".openhands/", "PLAN.md", "README.md", "src/" }, service:get("list-files"))
      assert.are.same({ "widget.lua" }, service:get("list-files?path=src"))
      assert.are.same({ code = 'return { name = "widget" }\n' }, service:get("select-file?file=src/widget.lua"))
      local value, response = service:get("select-file?file=nowhere.txt")
      assert.are.same({ 500, "string" }, { response.status, type(value.error) })
      assert.are.equal(422, status_of(service:get("select-file")))
    end)

    it("to upload", function()
      local value = service:upload("upload-files", {
        { "files", "one.txt", "1" }, { "files", "../two.txt", "\0" }, { "files", ".hidden", "3" },
      })
      assert.are.same({ "/workspace/project/one.txt", "/workspace/project/two.txt" }, value.uploaded_files)
      assert.are.same({ { name = ".hidden", reason = "File type not allowed" } }, value.skipped_files)
      assert.are.same({ code = "1" }, service:get("select-file?file=one.txt"))
      assert.are.equal(415, status_of(service:get("select-file?file=two.txt")))
    end)

    it("to download", function()
      local bytes, response = service:get("zip-directory")
      assert.are.same({ "PK\3\4", "application/zip" }, { bytes:sub(1, 4), response.headers[1][2] })
      assert.is_truthy(bytes:find("src/widget.lua", 1, true))
      assert.are.equal("message", service:get("trajectory").trajectory[2].action)
    end)

    it("whose changes git reports", function()
      assert.are.same({ { status = "A", path = "PLAN.md" }, { status = "M", path = "README.md" } },
        service:get("git/changes"))
      local sides = service:get("git/diff?path=README.md")
      assert.are_not.equal(sides.original, sides.modified)
      assert.are.equal(null, service:get("git/diff?path=PLAN.md").original)
    end)
  end)

  describe("shows the end of the work while the status is RUNNING:", function()
    for outcome, expected in pairs {
      finished = { "loading", "running", "finished" }, idle = { "loading", "running", "awaiting_user_input" },
      error = { "loading", "running", "error" }, rejected = { "loading", "running", "rejected" },
      stuck = { "loading", "running", "error" }, budget = { "loading", "running", "error" },
      waiting = { "loading", "running", "awaiting_user_confirmation" }, paused = { "loading", "running", "paused" },
    } do
      it(outcome, function()
        start("[simulate: " .. outcome .. "]")
        for _ = 1, 120 do
          if #states() == 3 then break end
          model:advance(0.5)
        end
        assert.are.same(expected, states())
        assert.are.equal("RUNNING", status())
        model:advance(5)
        assert.are.equal("RUNNING", status())
        model:advance(60)
        local after = { error = "ERROR", budget = "ERROR", waiting = "RUNNING" }
        assert.are.equal(after[outcome] or "STOPPED", status())
      end)
    end
  end)

  describe("resumes the agent", function()
    before_each(function() start_and_open(nil, 50) end)

    it("after a message", function()
      assert.are.same({ success = true }, service:post("message", { message = "And the other one." }))
      model:advance(25)
      assert.are.same({ "loading", "running", "finished", "running", "finished" }, states())
      local last = service:get("events?limit=1&reverse=true").events[1].id
      service:post("events", { action = "message", args = { content = "More." } })
      assert.are.equal("More.", service:get("events?start_id=" .. last + 1).events[1].args.content)
      model:advance(25)
      assert.are.same({ "running", "finished" }, states(last + 1))
      assert.are.equal("RUNNING", status())
      assert.are.equal(422, status_of(service:post("message", { text = "x" })))
      assert.are.equal(422, status_of(service:post("events", "no object")))
    end)

    it("or stops it", function()
      service:post("events", { action = "change_agent_state", args = { agent_state = "paused" } })
      assert.are.equal("paused", states()[4])
      service:post("events", { action = "change_agent_state", args = { agent_state = "running" } })
      model:advance(22)
      assert.are.same({ "running", "finished" }, { states()[5], states()[6] })
    end)
  end)

  it("takes a confirmation or a rejection", function()
    start_and_open("[simulate: waiting]", 32)
    local last = service:get("events?limit=2&reverse=true").events
    assert.are.same({ "awaiting_user_confirmation", "awaiting_confirmation" },
      { last[1].extras.agent_state, last[2].args.confirmation_state })
    service:post("events", { action = "change_agent_state", args = { agent_state = "user_confirmed" } })
    model:advance(25)
    assert.are.same({ "user_confirmed", "running", "finished" }, states(last[1].id + 1))
    start_and_open("[simulate: waiting]", 32)
    service:post("events", { action = "change_agent_state", args = { agent_state = "user_rejected" } })
    model:advance(1)
    assert.are.same({ "loading", "running", "awaiting_user_confirmation", "user_rejected", "awaiting_user_input" },
      states())
  end)

  it("returns its configuration and addresses, as the service does", function()
    start_and_open()
    local path = "/api/conversations/" .. id
    local runtime_id = model:find(id).sandbox_id
    assert.are.same({ runtime_id = runtime_id, session_id = id }, service:service("GET", path .. "/config"))
    for _, name in ipairs { "config", "vscode-url", "web-hosts" } do
      assert.are.same(service:get(name), (service:service("GET", path .. "/" .. name)))
      assert.are.equal(404, status_of(service:service("GET", "/api/conversations/" .. ("0"):rep(32) .. "/" .. name)))
    end
    assert.is_truthy(service:get("vscode-url").vscode_url:find(service.base, 1, true))
    assert.are.same({ [sandbox.address .. service.base .. "/work-1"] = 12000 }, service:get("web-hosts").hosts)
    service:service("POST", path .. "/stop")
    assert.are.equal(null, service:service("GET", path .. "/vscode-url").vscode_url)
    assert.are.same({}, service:service("GET", path .. "/web-hosts").hosts)
  end)

  it("lists secrets without their values", function()
    service = sandbox.new()
    local function secrets(method, name, body)
      local value, response = service:service(method, "/api/secrets" .. name, body)
      return { response.status, value }
    end
    assert.are.same({ 200, { custom_secrets = {} } }, secrets("GET", ""))
    local secret = { name = "TOKEN", value = "not-a-secret", description = "for the widgets" }
    assert.are.equal(201, secrets("POST", "", secret)[1])
    assert.are.equal(400, secrets("POST", "", secret)[1])
    assert.are.equal("TOKEN", service:service("GET", "/api/v1/secrets/search").items[1].name)
    assert.are.same({ 200, { custom_secrets = { { name = "TOKEN", description = "for the widgets" } } } },
      secrets("GET", ""))
    assert.are.equal(200, secrets("PUT", "/TOKEN", { name = "KEY" })[1])
    assert.are.same({ { name = "KEY", description = null } }, secrets("GET", "")[2].custom_secrets)
    assert.are.same({ 404, { error = "Secret with ID TOKEN not found" } }, secrets("DELETE", "/TOKEN"))
    assert.are.equal(404, secrets("PUT", "/TOKEN", { name = "KEY" })[1])
    assert.are.equal(200, secrets("DELETE", "/KEY")[1])
    assert.are.same({ 200, { custom_secrets = {} } }, secrets("GET", ""))
  end)
end)
