-- The health of a service can be requested without a key. The answer must not decide which dialect the client uses.

local openhands = require "openhands"
local in_process = require "spec.support.in_process"

local ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"

-- A V0 server that answers the question for the account as if it spoke V1.
local function v0_server(request)
  if request.path == "/api/v1/users/me" then
    return in_process.json '{"id":null,"email":null,"language":null,"v1_enabled":true}'
  elseif request.path == "/api/conversations" then
    return in_process.json(('{"status":"ok","conversation_id":"%s"}'):format(ID))
  elseif request.path:find "^/api/" then
    return in_process.json('{"detail":"Not Found"}', 404)
  end
  return in_process.json '{"status":"ok"}'
end

describe("the health of a service", function()
  it("is asked for without a key, in either dialect", function()
    for _, api in ipairs { "v0", "v1", "auto" } do
      local client, requests = in_process.scripted(v0_server, { api = api })
      for _, name in ipairs { "alive", "health", "server_info" } do
        assert.equal("ok", assert(client[name](client)).status)
        assert.equal("/" .. name, requests[#requests].path)
        assert.is_nil(requests[#requests].headers.authorization)
      end
      assert.equal(3, #requests)
      client:close()
    end
  end)

  it("needs no key at all", function()
    local client = openhands.new { transport = { request = function() return in_process.json '"OK"' end,
      now = os.clock, wall = os.time, sleep = function() end } }
    assert.equal("OK", (client:health()))
    client:close()
  end)

  it("does not confirm a guessed dialect", function()
    local client, requests = in_process.scripted(v0_server)
    assert(client:alive())
    assert.is_nil(client:count()) -- now it is taken for V1
    assert(client:server_info())
    assert.equal("v0", assert(client:start { initial_user_msg = "x" }).api)
    local posts = 0
    for _, request in ipairs(requests) do posts = posts + (request.method == "POST" and 1 or 0) end
    assert.equal(2, posts)
    client:close()
  end)

  it("does not contradict a guessed dialect", function()
    local client = in_process.scripted(function(request)
      if request.path:find "^/api/" then return v0_server(request) end
      return in_process.json('{"detail":"Not Found"}', 404)
    end)
    client._api, client._is_guess = "v1", true
    local _, err = client:alive()
    assert.equal("unsupported", err.kind)
    assert.equal("v1", client._api)
    client:close()
  end)
end)
