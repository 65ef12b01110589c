local json = require "openhands.simulator.encoding.json"
local service = require "spec.support.simulated_service"

local null = json.null
local own_id, own_hex, nobody, fields_of = service.own_id, service.own_hex, service.nobody, service.fields_of

describe("the simulator's V1 catalogue:", function()
  local here, model = service.new(), nil
  local call, get, start, conversation = here.call, here.get, here.start, here.conversation

  local function make(options) model = here.make(options) end

  local function status_of(method, target, body, headers)
    return select(2, call(method, target, body, headers)).status
  end

  local function names(items, field)
    local list = {}
    for position, item in ipairs(items) do list[position] = item[field or "name"] end
    return table.concat(list, " ")
  end

  before_each(function() make() end)

  describe("git", function()
    local path = "/api/v1/git/"

    it("lists installations, repositories, branches and tasks in pages", function()
      local lists = {
        ["installations/search?provider=github&limit=2"] = 3,
        ["repositories/search?provider=github&limit=2"] = 5,
        ["branches/search?provider=github&repository=acme/widgets&query=&limit=2"] = 5,
        ["suggested-tasks/search?limit=2"] = 5,
      }
      for target, count in pairs(lists) do
        local found, page = 0, nil
        repeat
          page = get(path .. target .. (page and "&page_id=" .. page.next_page_id:gsub("%+", "%%2B") or ""))
          found = found + #page.items
        until page.next_page_id == null
        assert.are.equal(count, found)
      end
      assert.are.equal("71000001", get(path .. "installations/search?provider=github").items[1])
      assert.are.equal("acme/widgets", get(path .. "repositories/search?provider=github").items[1].full_name)
    end)

    it("has as many repositories as the option says, and searches them", function()
      make { repository_count = 1000 }
      assert.are.equal(100, #get(path .. "repositories/search?provider=github").items)
      local page = get(path .. "repositories/search?provider=github&query=docs-1000")
      assert.are.equal("acme/docs-1000", names(page.items, "full_name"))
      make()
      assert.are.equal("acme/widgets acme/tools",
        names(get(path .. "repositories/search?provider=github&installation_id=71000001").items, "full_name"))
      local function sorted(order)
        local target = "repositories/search?provider=github&query=gets&sort_order=" .. order
        return names(get(path .. target).items, "full_name")
      end
      assert.are.equal("acme-labs/gadgets acme/widgets", sorted("stars-desc"))
      assert.are.equal("acme/widgets acme-labs/gadgets", sorted("stars-asc"))
      assert.are.equal("acme/widgets acme-labs/gadgets", sorted("updated-desc"))
      assert.are.equal("fix-typo", names(get(path .. "branches/search?provider=github&repository=x&query=typo").items))
    end)

    it("refuses what the service refuses", function()
      for target, status in pairs {
        ["repositories/search"] = 422, ["repositories/search?provider=svn"] = 422,
        ["repositories/search?provider=github&sort_order=stars-desc"] = 400,
        ["repositories/search?provider=github&query=a&page_id=2%2B/%3D%3D"] = 400,
        ["repositories/search?provider=github&query=a&sort_order=best"] = 422,
        ["repositories/search?provider=github&limit=101"] = 422,
        ["branches/search?provider=github&repository=x"] = 422, ["branches/search?provider=github&query="] = 422,
      } do
        assert.are.same({ target, status }, { target, status_of("GET", path .. target) })
      end
      local value, response = get(path .. "repositories/search?provider=gitlab")
      assert.are.same({ 403, { detail = "Git provider token required (such as GitHub)." } },
        { response.status, value })
      make { git_providers = json.array() }
      assert.are.equal(403, status_of("GET", path .. "suggested-tasks/search"))
    end)
  end)

  it("lists language models, providers and skills", function()
    assert.are.equal("claude-sonnet-4-5 gpt-5",
      names(get("/api/v1/config/models/search?provider__eq=openhands").items))
    assert.are.equal(2, #get("/api/v1/config/models/search?verified__eq=false").items)
    assert.are.equal(4, #get("/api/v1/config/models/search?verified__eq=true&limit=50").items)
    assert.are.equal("mistral", names(get("/api/v1/config/providers/search?query=mis").items))
    assert.are.equal("docker github repo", names(get("/api/v1/skills/search").items))
    assert.are.equal(422, status_of("GET", "/api/v1/config/models/search?verified__eq=perhaps"))
  end)

  describe("sandboxes", function()
    local path = "/api/v1/sandboxes"

    it("can be created without a conversation, and appear in no list of conversations", function()
      local made = call("POST", path .. "?sandbox_spec_id=large")
      assert.are.same({ "STARTING", "large", null }, { made.status, made.sandbox_spec_id, made.session_api_key })
      model:advance(5)
      local function now() return get(path .. "?id=" .. made.id)[1] end
      local key = now().session_api_key
      assert.are.same({ "RUNNING", "string" }, { now().status, type(key) })
      assert.are.equal(made.id, names(get(path .. "/search").items, "id"))
      assert.are.equal(0, get("/api/v1/app-conversations/count"))
      assert.are.equal(0, model:jobs())
      call("POST", path .. "/" .. made.id .. "/pause")
      assert.are.equal("PAUSED", now().status)
      call("POST", path .. "/" .. made.id .. "/resume")
      model:advance(5)
      assert.are.equal("RUNNING", now().status)
      assert.are_not.equal(key, now().session_api_key)
      call("DELETE", path .. "/" .. made.id .. "?sandbox_id=" .. made.id)
      assert.are.equal("MISSING", now().status)
    end)

    it("count against the limit", function()
      model:throttle("concurrency")
      assert.are.equal(429, status_of("POST", path))
      make { max_concurrent = 1, limit_mode = "refuse" }
      start()
      assert.are.equal(429, status_of("POST", path))
    end)

    it("have specifications", function()
      local page = get("/api/v1/sandbox-specs/search?limit=2")
      assert.are.same({ 2, "command created_at id initial_env working_dir" }, { #page.items, fields_of(page.items[1]) })
      local found = get("/api/v1/sandbox-specs?id=x&id=" .. page.items[1].id)
      assert.are.same({ null, page.items[1] }, found)
      assert.are.equal(422, status_of("GET", "/api/v1/sandbox-specs"))
      assert.are.equal(400, status_of("GET", "/api/v1/sandbox-specs?id=x" .. ("&id=x"):rep(100)))
    end)

    it("read their secrets with their session key only", function()
      call("POST", "/api/v1/secrets", { name = "STORED", value = "one", description = "d" })
      start(nil, { conversation_id = own_id, secrets = { OWN = "two" } })
      start(nil, { conversation_id = ("b"):rep(32) })
      model:advance(20)
      local secrets = path .. "/" .. conversation().sandbox_id .. "/settings/secrets"
      local own = { ["x-session-api-key"] = conversation().session_api_key }
      local other = { ["x-session-api-key"] = conversation(("b"):rep(32)).session_api_key }
      assert.are.same({ secrets = { { name = "OWN", description = null }, { name = "STORED", description = "d" } } },
        get(secrets, own))
      local value, response = get(secrets .. "/OWN", own)
      assert.are.same({ "two", "text/plain; charset=utf-8" }, { value, service.header(response, "content-type") })
      assert.are.same({ "one", 404 }, { get(secrets .. "/STORED", own), status_of("GET", secrets .. "/X", nil, own) })
      assert.are.same({ 401, 401, 403 }, { status_of("GET", secrets),
        status_of("GET", secrets, nil, { ["x-session-api-key"] = "x" }), status_of("GET", secrets, nil, other) })
      call("POST", path .. "/" .. conversation().sandbox_id .. "/pause")
      assert.are.equal(401, status_of("GET", secrets, nil, own))
    end)
  end)

  describe("switches", function()
    local path = "/api/v1/app-conversations/" .. own_id

    it("change the profile and the model of a conversation", function()
      start(nil, { conversation_id = own_id })
      model:advance(20)
      assert.are.same({ success = true }, (call("POST", path .. "/switch_profile", { profile_name = "fast" })))
      assert.are.same({ success = true }, (call("POST", path .. "/switch_acp_model", { model = "other" })))
      assert.are.equal("other", conversation().llm_model)
      assert.are.same({ 422, 422, 422 }, { status_of("POST", path .. "/switch_profile", { profile_name = "" }),
        status_of("POST", path .. "/switch_acp_model", {}),
        status_of("POST", "/api/v1/app-conversations/zzz/switch_profile", { profile_name = "x" }) })
    end)

    it("require a conversation with a running sandbox", function()
      assert.are.equal(404, status_of("POST", path .. "/switch_profile", { profile_name = "x" }))
      start("[simulate: paused]", { conversation_id = own_id })
      model:advance(40)
      assert.are.equal(409, status_of("POST", path .. "/switch_acp_model", { model = "x" }))
    end)
  end)

  describe("public conversations", function()
    local nothing = {}

    before_each(function()
      start(nil, { conversation_id = own_id, public = true })
      model:advance(70)
    end)

    it("are readable without a credential", function()
      local found = get("/api/shared-conversations?ids=" .. nobody .. "&ids=" .. own_id .. "&ids=x", nothing)
      assert.are.same({ null, own_hex, null }, { found[1], found[2].id, found[3] })
      assert.are.equal("created_at created_by_user_id git_provider id llm_model metrics parent_conversation_id "
        .. "pr_number sandbox_id selected_branch selected_repository sub_conversation_ids title updated_at",
        fields_of(found[2]))
      local page = get("/api/shared-events/search?limit=4&conversation_id=" .. own_id, nothing)
      assert.are.same({ 4, "4" }, { #page.items, page.next_page_id })
      assert.are.equal(get("/api/v1/conversation/" .. own_id .. "/events/count"),
        get("/api/shared-events/count?conversation_id=" .. own_id, nothing))
      local id = page.items[2].id
      assert.are.same({ page.items[2], null },
        get("/api/shared-events?conversation_id=" .. own_id .. "&id=" .. id .. "&id=x", nothing))
      assert.are.same(page.items[2], get("/api/shared-events/" .. own_id .. "/" .. id, nothing))
    end)

    it("parse times, with a zone or without", function()
      local path = "/api/shared-events/count?conversation_id=" .. own_id
      assert.are.equal(1, get(path .. "&timestamp__lt=2026-08-20T11:15:14.002%2B02:00", nothing))
      assert.are.equal(1, get(path .. "&timestamp__lt=2026-08-20T09:15:14.002", nothing))
      assert.are.equal(422, status_of("GET", path .. "&timestamp__gte=soon", nil, nothing))
    end)

    it("hide all others", function()
      call("PATCH", "/api/v1/app-conversations/" .. own_id, { public = false })
      assert.are.same({ null }, get("/api/shared-conversations?ids=" .. own_id, nothing))
      assert.are.same({}, get("/api/shared-events/search?conversation_id=" .. own_id, nothing).items)
      assert.are.equal(0, get("/api/shared-events/count?conversation_id=" .. own_id, nothing))
      assert.are.equal(null, (get("/api/shared-events/" .. own_id .. "/x", nothing)))
      for target, status in pairs {
        ["/api/shared-conversations"] = 422, ["/api/shared-events/search"] = 422, ["/api/v1/users/me"] = 401,
      } do
        assert.are.equal(status, status_of("GET", target, nil, nothing))
      end
    end)
  end)
end)
