local json = require "openhands.simulator.json"
local simulator = require "openhands.simulator"

local null = json.null
local own_id = "7f3b9a1c-2d4e-4f60-a1b2-c3d4e5f60718"
local own_hex = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"
local nobody = ("0"):rep(32)

-- The fields of the service's answers, as the user documents and the published schema have them.
local v0_documented_fields = "conversation_id created_at last_updated_at selected_repository status title trigger"
local v0_fields = v0_documented_fields .. " conversation_version git_provider num_connections pr_number runtime_status "
  .. "selected_branch session_api_key sub_conversation_ids url"

local function fields_of(object)
  local names = {}
  for name in pairs(object) do names[#names + 1] = name end
  table.sort(names)
  return table.concat(names, " ")
end

local function sorted(text)
  local names = {}
  for name in text:gmatch("%S+") do names[#names + 1] = name end
  table.sort(names)
  return table.concat(names, " ")
end

describe("V0 in the simulator", function()
  local model

  local function call(method, path, body, headers)
    local address, query = path:match("^([^?]*)%??(.*)$")
    local response = model:request {
      method = method, path = address, query = query, body = body and json.encode(body) or "",
      headers = headers or { authorization = "Bearer any-key" }, address = "http://127.0.0.1:4711",
    }
    local value = response.body
    if response.headers[1][2] == "application/json" then value = json.decode(value) end
    return value, response
  end

  local function get(path, headers) return call("GET", path, nil, headers) end

  local function start(text, extra)
    local body = { initial_message = { content = { { type = "text", text = text or "Fix the typo." } } } }
    for name, value in pairs(extra or {}) do body[name] = value end
    return call("POST", "/api/v1/app-conversations", body)
  end

  -- The states in the order in which they are seen, looked at every half second.
  local function watch(look, seconds)
    local seen = {}
    for _ = 0, seconds * 2 do
      local state = look()
      if seen[#seen] ~= state then seen[#seen + 1] = state end
      model:advance(0.5)
    end
    return seen
  end

  local function make(options) model = simulator.model(options) end

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
    it("can end like this: " .. outcome, function()
      local id = start_v0({ initial_user_msg = "[simulate: " .. outcome .. "]" }).conversation_id
      model:advance(100)
      assert.are.equal(expected, status_of(id))
    end)
  end

  it("tells the end of the work in events only", function()
    local id = start_v0().conversation_id
    model:advance(70)
    local page = get("/api/conversations/" .. id .. "/events")
    local states = {}
    for index, event in ipairs(page.events) do
      assert.are.equal(index - 1, event.id)
      states[index] = event.action or event.extras.agent_state
    end
    assert.are.same({ "message", "running", "finished", "stopped" }, states)
    assert.is_false(page.has_more)
    page = get("/api/conversations/" .. id .. "/events?limit=1&reverse=true")
    assert.are.same({ 3, true }, { page.events[1].id, page.has_more })
    assert.are.equal(400, select(2, get("/api/conversations/" .. id .. "/events?limit=101")).status)
  end)

  it("refuses fields that it does not know", function()
    local value, response = start_v0 { initial_user_msg = "x", selected_repository = "acme/widgets" }
    assert.are.equal(422, response.status)
    assert.are.same({ { type = "extra_forbidden", loc = { "body", "selected_repository" },
      msg = "Extra inputs are not permitted", input = "acme/widgets" } }, value.detail)
    assert.are.equal(0, model:jobs())
  end)

  it("answers a repository out of reach with 401 and a bare string", function()
    local value, response = start_v0 { initial_user_msg = "x", repository = "owner/forbidden" }
    assert.are.same({ 401, "Unable to access repo owner/forbidden" }, { response.status, value })
  end)

  it("may insist on a message", function()
    make { require_message = true }
    local value, response = start_v0 { repository = "a/b" }
    assert.are.same({ 400, { status = "error", message = "Missing initial user message",
      msg_id = "CONFIGURATION$MISSING_USER_MESSAGE" } }, { response.status, value })
    assert.are.equal(200, select(2, start_v0()).status)
  end)

  it("answers null for an unknown id, 400 for an ill-formed one", function()
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

  it("shows V1 conversations too, in its own words", function()
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
