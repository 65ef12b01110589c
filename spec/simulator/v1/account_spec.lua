local service = require "spec.support.simulated_service"
local json = require "openhands.simulator.encoding.json"

local null = json.null
local fields_of = service.fields_of

describe("the simulator's V1 account", function()
  local here, model = service.new(), nil
  local call, get, start = here.call, here.get, here.start

  local function make(options) model = here.make(options) end

  local function status_of(method, target, body, headers)
    return select(2, call(method, target, body, headers)).status
  end

  before_each(function() make() end)

  it("has a git identity and organizations", function()
    assert.are.equal("avatar_url company email id login name", fields_of(get("/api/v1/users/git-info")))
    make { git_providers = { "gitlab" } }
    assert.are.same({ provider = "gitlab", organizations = { "acme" } }, get("/api/v1/users/git-organizations"))
  end)

  it("has credits and a quota", function()
    assert.are.same({ credits = "12.34" }, get("/api/billing/credits"))
    start()
    model:advance(86400)
    start(nil, { conversation_id = service.own_id })
    start(nil, { conversation_id = service.own_id })
    assert.are.same({ daily_limit = null, used_today = 1, remaining = null, reset_at = "2026-08-22T00:00:00Z" },
      get("/api/quota/status"))
  end)

  describe("and its keys", function()
    it("are created, shown once, listed and deleted", function()
      local made = call("POST", "/api/keys", { name = "batch", expires_at = "2027-01-01T00:00:00Z" })
      assert.are.equal("created_at expires_at id key last_used_at name not_before org_id", fields_of(made))
      local list = get("/api/keys")
      assert.are.same({ 1, made.id, "batch", nil }, { #list, list[1].id, list[1].name, list[1].key })
      assert.is_string(call("DELETE", "/api/keys/" .. made.id).message)
      assert.are.same({}, get("/api/keys"))
      assert.are.equal(404, status_of("DELETE", "/api/keys/" .. made.id))
      assert.are.equal(422, status_of("DELETE", "/api/keys/abc"))
      assert.are.same({ key = "SIMULATED-model-key-not-real" }, get("/api/keys/llm/byor"))
    end)

    it("are valid until they are deleted", function()
      make { keys = { "first" } }
      local first = { authorization = "Bearer first" }
      local made = call("POST", "/api/keys", {}, first)
      local own = { authorization = "Bearer " .. made.key }
      assert.are.same({ 200, 401 }, { status_of("GET", "/api/keys", nil, own), status_of("GET", "/api/keys") })
      call("DELETE", "/api/keys/" .. made.id, nil, own)
      assert.are.equal(401, status_of("GET", "/api/keys", nil, own))
      model:configure { keys = false }
      assert.are.same({ 401, 200 }, { status_of("GET", "/api/keys", nil, own), status_of("GET", "/api/keys") })
    end)
  end)

  describe("and its settings", function()
    it("are 404 until they are saved", function()
      local value, response = get("/api/v1/settings")
      assert.are.same({ 404, { error = "Settings not found" } }, { response.status, value })
    end)

    it("merge what is saved, and never show the key of a language model", function()
      call("POST", "/api/v1/settings", {
        language = "de", nonsense = 1, agent_settings_diff = { llm = { api_key = "hush", model = "m" } },
      })
      call("POST", "/api/v1/settings", { agent_settings_diff = { llm = { temperature = 1 } } })
      local settings, response = get("/api/v1/settings")
      assert.are.same({ "de", true, { model = "m", temperature = 1 }, 500 }, { settings.language,
        settings.llm_api_key_set, settings.agent_settings.llm, settings.conversation_settings.max_iterations })
      assert.is_nil(response.body:find("hush", 1, true))
      assert.is_nil(settings.nonsense)
      assert.are.equal(422, status_of("POST", "/api/v1/settings", "[]"))
      assert.are.equal(422, status_of("POST", "/api/v1/settings", { agent_settings = {} }))
    end)
  end)

  describe("and its profiles", function()
    local profiles = "/api/v1/settings/profiles"

    it("are saved, activated, renamed and deleted", function()
      local value, response = call("POST", profiles .. "/fast", { llm = { model = "m", api_key = "hush" } })
      assert.are.same({ 201, "fast" }, { response.status, value.name })
      assert.are.equal(201, status_of("POST", profiles .. "/plain"))
      assert.are.same({ name = "fast", config = { model = "m" }, api_key_set = true }, get(profiles .. "/fast"))
      value = call("POST", profiles .. "/fast/activate")
      assert.are.same({ "fast", "m" }, { value.name, value.model })
      assert.are.same({ 200, "quick" }, { status_of("POST", profiles .. "/fast/rename", { new_name = "quick" }),
        get(profiles).active_profile })
      local list = get(profiles).profiles
      assert.are.same({ "plain", "quick", true, "m" },
        { list[1].name, list[2].name, list[2].api_key_set, list[2].model })
      assert.are.equal(200, status_of("DELETE", profiles .. "/quick"))
      assert.are.same({ 1, null }, { #get(profiles).profiles, get(profiles).active_profile })
    end)

    it("keep the old key, or drop the new one, on request", function()
      call("POST", profiles .. "/a", { llm = { model = "m", api_key = "hush" } })
      call("POST", profiles .. "/a", { llm = { model = "n" }, preserve_existing_api_key = true })
      assert.are.same({ "n", true }, { get(profiles .. "/a").config.model, get(profiles .. "/a").api_key_set })
      call("POST", profiles .. "/a", { llm = { model = "n", api_key = "new" }, include_secrets = false })
      assert.is_false(get(profiles .. "/a").api_key_set)
    end)

    it("are refused if unknown or misnamed", function()
      for _, each in ipairs { { "GET", "" }, { "DELETE", "" }, { "POST", "/activate" },
        { "POST", "/rename", { new_name = "x" } } } do
        local value, response = call(each[1], profiles .. "/nobody" .. each[2], each[3])
        assert.are.same({ 404, { detail = "Profile 'nobody' not found" } }, { response.status, value })
      end
      assert.are.equal(422, status_of("GET", profiles .. "/a%20b"))
      assert.are.equal(422, status_of("POST", profiles .. "/" .. ("x"):rep(65)))
      call("POST", profiles .. "/a")
      call("POST", profiles .. "/b")
      assert.are.equal(409, status_of("POST", profiles .. "/a/rename", { new_name = "b" }))
      assert.are.equal(422, status_of("POST", profiles .. "/a/rename", { new_name = "" }))
    end)
  end)

  describe("and its secrets", function()
    local secrets = "/api/v1/secrets"

    it("are listed without their values", function()
      local value, response = call("POST", secrets, { name = "TOKEN", value = "hush", description = "d" })
      assert.are.same({ 201, { message = "Secret created successfully" } }, { response.status, value })
      call("POST", secrets, { name = "OTHER", value = "hush" })
      value, response = get(secrets .. "/search")
      assert.are.same({ { name = "TOKEN", description = "d" }, { name = "OTHER", description = null } }, value.items)
      assert.is_nil(response.body:find("hush", 1, true))
      assert.are.same({ { name = "OTHER", description = null } }, get(secrets .. "/search?name__contains=THE").items)
      assert.are.same({ 1, "1+/==" }, (function()
        local page = get(secrets .. "/search?limit=1")
        return { #page.items, page.next_page_id }
      end)())
    end)

    it("are changed and deleted by name", function()
      call("POST", secrets, { name = "A", value = "v" })
      call("POST", secrets, { name = "B", value = "v" })
      assert.are.equal(200, status_of("PUT", secrets .. "/A", { name = "C", description = "new" }))
      assert.are.same({ name = "C", description = "new" }, get(secrets .. "/search").items[1])
      assert.are.equal(400, status_of("PUT", secrets .. "/C", { name = "B" }))
      assert.are.equal(200, status_of("DELETE", secrets .. "/C"))
      for _, method in ipairs { "PUT", "DELETE" } do
        local value, response = call(method, secrets .. "/C", { name = "C" })
        assert.are.same({ 404, { detail = "Secret with ID C not found" } }, { response.status, value })
      end
      assert.are.equal(422, status_of("POST", secrets, { name = "A" }))
    end)

    it("are replaced if they exist; an old server refuses that", function()
      assert.are.equal(201, status_of("POST", secrets, { name = "A", value = "v" }))
      assert.are.equal(201, status_of("POST", secrets, { name = "A", value = "w", description = "d" }))
      assert.are.same({ { name = "A", description = "d" } }, get(secrets .. "/search").items)
      model:configure { old = true }
      assert.are.equal(400, status_of("POST", secrets, { name = "A", value = "v" }))
    end)
  end)
end)

describe("the simulator's device login", function()
  local here, model = service.new(), nil
  local nothing = {}

  local function authorize(options)
    model = here.make(options)
    return here.call("POST", "/oauth/device/authorize", nil, nothing)
  end

  local function token(device)
    local code = device.device_code:gsub("%-", "%%2D")
    local value, response = here.call("POST", "/oauth/device/token", "client=x&device_code=" .. code, nothing)
    return value, response.status
  end

  it("is pending until a person confirms, then returns a key once", function()
    local device = authorize { keys = {} }
    assert.are.equal("device_code expires_in interval user_code verification_uri verification_uri_complete",
      fields_of(device))
    assert.are.same({ 600, 5, service.address .. "/oauth/device/verify" },
      { device.expires_in, device.interval, device.verification_uri })
    local value, status = token(device)
    assert.are.same({ 400, "authorization_pending", "User has not yet completed authorization" },
      { status, value.error, value.error_description })
    model:advance(10)
    value, status = token(device)
    assert.are.same({ 200, "Bearer", null }, { status, value.token_type, value.expires_in })
    local own = { authorization = "Bearer " .. value.access_token }
    assert.are.equal("acme", here.get("/api/v1/users/me", own).org_name)
    value, status = token(device)
    assert.are.same({ 400, "invalid_grant" }, { status, value.error })
  end)

  it("is slowed down if it polls too often", function()
    local device = authorize()
    token(device)
    model:advance(1)
    local value = token(device)
    assert.are.same({ "slow_down", 10 }, { value.error, value.interval })
    model:advance(9)
    assert.is_string(token(device).access_token)
  end)

  it("can be denied, ignored, or expire", function()
    local device = authorize { device_login = "denied" }
    model:advance(10)
    assert.are.equal("access_denied", token(device).error)
    device = authorize { device_login = "ignored" }
    model:advance(599)
    assert.are.equal("authorization_pending", token(device).error)
    model:advance(5)
    assert.are.equal("expired_token", token(device).error)
  end)

  it("requires an issued code", function()
    authorize()
    assert.are.equal("invalid_grant", token({ device_code = "x" }).error)
    assert.are.equal(422, select(2, here.call("POST", "/oauth/device/token", "", nothing)).status)
  end)

  it("scales with the pace", function()
    assert.are.equal(1, authorize({ pace = 0.01 }).interval)
  end)

  it("does not exist on a V0 server", function()
    here.make { api = "v0" }
    assert.are.equal(405, select(2, here.call("POST", "/oauth/device/authorize", nil, nothing)).status)
  end)
end)
