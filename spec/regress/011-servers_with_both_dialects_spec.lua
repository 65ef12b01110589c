-- A server released between the two APIs answers the requests of both. V1 does not know conversations that were started
-- through V0, so a status or a wait in another process did not find them.

local in_process = require "spec.support.in_process"

local json = in_process.json

local ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"
local ABSENT = "00000000-0000-4000-8000-000000000000"
local OLD_ACCOUNT = '{"language":"en","agent":"CodeActAgent","llm_model":"m","email":null,"id":null}'
local NEW_ACCOUNT = '{"language":"en","email":null,"v1_enabled":true,"agent_settings":{},"id":null}'

local function server(account)
  return function(request)
    local path = request.path
    if path == "/api/v1/users/me" then
      return json(account)
    elseif path == "/api/v1/app-conversations" or path == "/api/v1/app-conversations/start-tasks" then
      return json "[null]"
    elseif path == "/api/v1/app-conversations/start-tasks/search" then
      return json '{"items":[],"next_page_id":null}'
    elseif path == "/api/conversations/" .. ID then
      return json(('{"conversation_id":%q,"status":"STOPPED","created_at":"2020-01-01T00:00:00Z"}'):format(ID))
    elseif path == "/api/conversations/" .. ID .. "/events" then
      return json('{"events":[{"id":0,"source":"agent","action":"finish","args":{"final_thought":"Done."}},'
        .. '{"id":1,"source":"environment","observation":"agent_state_changed","extras":{"agent_state":"finished"}}],'
        .. '"has_more":false}')
    elseif path:find "^/api/conversations/" then
      return json "null"
    end
    return json('{"detail":"Not Found"}', 404)
  end
end

describe("a client of a server with both APIs", function()
  local client, requests

  local function asked_of_v0()
    local count = 0
    for _, request in ipairs(requests) do
      count = count + (request.path:find "^/api/conversations/[^/]+$" and 1 or 0)
    end
    return count
  end

  after_each(function() client:close() end)

  it("finds a V0 conversation by a status, and keeps to its dialect", function()
    client, requests = in_process.scripted(server(OLD_ACCOUNT))
    local conversation = assert(client:status(ID))
    assert.equal("v0", conversation.api)
    assert.equal("finished", assert(client:wait(ID)).state)
    assert.equal("v0", assert(client:status(ID)).api)
  end)

  it("finds it by a wait", function()
    client, requests = in_process.scripted(server(OLD_ACCOUNT))
    local done = assert(client:wait(ID))
    assert.same({ "v0", "finished", "Done." }, { done.api, done.state, done.answer })
  end)

  it("asks V0 once about an id that neither API knows", function()
    client, requests = in_process.scripted(server(OLD_ACCOUNT))
    for _ = 1, 3 do
      local _, err = client:status(ABSENT)
      assert.equal("not_found", err.kind)
    end
    assert.equal(1, asked_of_v0())
  end)

  it("draws no conclusion while V0 cannot be asked", function()
    local answer, failures = server(OLD_ACCOUNT), 0
    client, requests = in_process.scripted(function(request)
      if request.path == "/api/conversations/" .. ID and failures < 8 then
        failures = failures + 1
        return json('{"detail":"Bad Gateway"}', 502)
      end
      return answer(request)
    end)
    local _, err = client:status(ID)
    assert.equal("server", err.kind)
    assert.same({ "v0", "finished" }, { assert(client:wait(ID)).api, assert(client:status(ID)).state })
    assert.equal(8, failures)
  end)

  it("believes an account that says which API is in use", function()
    client, requests = in_process.scripted(server(NEW_ACCOUNT))
    local _, err = client:status(ID)
    assert.equal("not_found", err.kind)
    assert.equal(0, asked_of_v0())
  end)
end)
