local json = require "openhands.simulator.encoding.json"
local service = require "spec.support.simulated_service"

local null = json.null
local own_id, own_hex, nobody, fields_of, sorted =
  service.own_id, service.own_hex, service.nobody, service.fields_of, service.sorted

-- The fields of responses, as in the documentation and the published schema.
local v0_documented_fields = "conversation_id created_at last_updated_at selected_repository status title trigger"
local v0_fields = v0_documented_fields .. " conversation_version git_provider num_connections pr_number runtime_status "
  .. "selected_branch session_api_key sub_conversation_ids url"

describe("the simulator's V0", function()
  local here, model = service.new(), nil
  local call, get, start, watch = here.call, here.get, here.start, here.watch

  local function make(options) model = here.make(options) end

  before_each(function() make() end)

  local function start_v0(body)
    return call("POST", "/api/conversations", body or { initial_user_msg = "Fix it." })
  end

  local function status_of(id) return get("/api/conversations/" .. id).status end

  it("starts, runs and stops, beginning with the misleading STOPPED", function()
    local value, response = start_v0 { initial_user_msg = "Fix it.", repository = "acme/widgets" }
    assert.are.equal(200, response.status)
    assert.are.equal(('{"conversation_id":"%s","conversation_status":"STOPPED","message":null,"status":"ok"}')
      :format(value.conversation_id), response.body)
    local id = value.conversation_id
    assert.are.same({ "STOPPED", "STARTING", "RUNNING", "STOPPED" }, watch(function() return status_of(id) end, 70))
    assert.are.same({ "v0", id }, { model.starts[1].api, model.starts[1].conversation_id })
    value = get("/api/conversations/" .. id)
    assert.are.equal(sorted(v0_fields), fields_of(value))
    assert.are.same({ "acme/widgets", "openhands_api", "V0", { 7 } },
      { value.selected_repository, value.trigger, value.conversation_version, value.pr_number })
  end)

  for outcome, expected in pairs {
    error = "ERROR", missing = "ARCHIVED", waiting = "RUNNING", paused = "STOPPED", ["start-error"] = "ERROR",
    ["start-limit"] = "ERROR", ["never-ready"] = "STOPPED",
  } do
    it("can end as " .. outcome, function()
      local id = start_v0({ initial_user_msg = "[simulate: " .. outcome .. "]" }).conversation_id
      model:advance(100)
      assert.are.equal(expected, status_of(id))
    end)
  end

  it("shows the end of the work in events only", function()
    local id = start_v0().conversation_id
    model:advance(70)
    local page = get("/api/conversations/" .. id .. "/events")
    local states = {}
    for index, event in ipairs(page.events) do
      assert.are.equal(index - 1, event.id)
      states[index] = event.action or event.extras.agent_state or event.observation
    end
    assert.are.same({ "loading", "message", "running", "run", "run", "run", "run", "finish", "finished", "stopped" },
      states)
    assert.is_false(page.has_more)
    page = get("/api/conversations/" .. id .. "/events?limit=1&reverse=true")
    assert.are.same({ 9, true }, { page.events[1].id, page.has_more })
    assert.are.equal(400, select(2, get("/api/conversations/" .. id .. "/events?limit=101")).status)
  end)

  it("refuses unknown fields", function()
    local value, response = start_v0 { initial_user_msg = "x", selected_repository = "acme/widgets" }
    assert.are.equal(422, response.status)
    assert.are.same({ { type = "extra_forbidden", loc = { "body", "selected_repository" },
      msg = "Extra inputs are not permitted", input = "acme/widgets" } }, value.detail)
    assert.are.equal(0, model:jobs())
  end)

  it("answers an inaccessible repository with 401 and a bare string", function()
    local value, response = start_v0 { initial_user_msg = "x", repository = "owner/forbidden" }
    assert.are.same({ 401, "Unable to access repo owner/forbidden" }, { response.status, value })
  end)

  it("may require a message", function()
    make { require_message = true }
    local value, response = start_v0 { repository = "a/b" }
    assert.are.same({ 400, { status = "error", message = "Missing initial user message",
      msg_id = "CONFIGURATION$MISSING_USER_MESSAGE" } }, { response.status, value })
    assert.are.equal(200, select(2, start_v0()).status)
  end)

  it("answers null for an unknown id, 400 for a malformed one", function()
    local value, response = get("/api/conversations/" .. nobody)
    assert.are.same({ 200, null }, { response.status, value })
    assert.are.equal(400, select(2, get("/api/conversations/a..b")).status)
    assert.are.equal(400, select(2, get("/api/conversations/" .. ("a"):rep(101))).status)
  end)

  it("has the documented fields only on an old server", function()
    make { old = true }
    local value = start_v0()
    assert.are.equal("conversation_id status", fields_of(value))
    assert.are.equal(sorted(v0_documented_fields), fields_of(get("/api/conversations/" .. value.conversation_id)))
  end)

  it("shows V1 conversations, too, with V0 statuses", function()
    start("[simulate: paused]", { conversation_id = own_id })
    model:advance(20)
    local value = get("/api/conversations/" .. own_id)
    assert.are.same({ "RUNNING", "V1" }, { value.status, value.conversation_version })
    model:advance(20)
    assert.are.equal("STOPPED", status_of(own_hex))
  end)

  it("stops, starts again, retitles, lists and deletes", function()
    local id = start_v0().conversation_id
    local path = "/api/conversations/" .. id
    model:advance(20)
    assert.are.same({ "RUNNING", "Conversation stopped successfully" }, (function()
      local value = call("POST", path .. "/stop")
      return { value.conversation_status, value.message }
    end)())
    assert.are.equal("Conversation was not running", call("POST", path .. "/stop").message)
    call("POST", path .. "/start", { providers_set = null })
    model:advance(20)
    assert.are.equal("RUNNING", status_of(id))
    assert.is_true((call("PATCH", path, { title = "New" })))
    assert.are.equal("New", get("/api/conversations").results[1].title)
    assert.is_true((call("DELETE", path)))
    assert.is_false((call("DELETE", path)))
    assert.are.equal(null, (get(path)))
  end)
end)
