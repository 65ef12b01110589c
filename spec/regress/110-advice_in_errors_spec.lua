-- An error from a conversation's own server advised checking the account's key and base_url, which are unrelated to it.

local calls = require "spec.support.calls"
local core = require "openhands.core"
local in_process = require "spec.support.in_process"

local ID = "7f3b9a1c-2d4e-4f60-a1b2-c3d4e5f60718"

-- A service with one conversation at work, whose server answers `answer`.
local function with_server(answer)
  return (in_process.scripted(function(request)
    if request.path:find "^/api/v1/app%-conversations" then
      local body = '[{"id":%q,"sandbox_status":"RUNNING","execution_status":"running","session_api_key":"s-1",'
        .. '"conversation_url":"https://sandbox.example/api/conversations/%s"}]'
      return in_process.json(body:format(ID, ID))
    end
    return answer
  end, { api = "v1", retries = 0 }))
end

local HTML = { status = 200, headers = { { "Content-Type", "text/html" } }, body = "<!doctype html>" }

local answers = {
  ["404"] = in_process.json('{"detail":"Not Found"}', 404),
  ["401"] = in_process.json('{"detail":"Unauthorized"}', 401),
  ["403"] = in_process.json('{"detail":"no"}', 403),
  ["a web page"] = HTML,
  ["no connection"] = { class = "connect", sent = false },
  ["no trusted one"] = { class = "tls", sent = false },
}

describe("advice", function()
  for name, answer in pairs(answers) do
    it("about a conversation's own server names neither the account nor base_url: " .. name, function()
      local client = with_server(answer)
      for _, ask in ipairs {
        function(agent) return agent:final_response() end,
        function(agent) return agent:execute "true" end,
      } do
        local _, err = ask(client:agent(ID))
        assert.is_nil(err.message:find "[Aa]ccount", err.message)
        assert.is_nil(err.message:find "API key", err.message)
        assert.is_nil(err.message:find "base_url", err.message)
      end
    end)
  end

  it("about the service names both", function()
    local client = in_process.scripted(function()
      return in_process.json('{"detail":"unknown_app_conversation"}', 404)
    end, { api = "v1" })
    local _, err = client:update(ID, { title = "New" })
    assert.is_truthy(err.message:find("account of this API key", 1, true))
  end)
end)

describe("what is asked for by ids", function()
  for _, row in ipairs(core.operations()) do
    local name = row.name == "status" and "get" or row.name
    if row.api == "v1" and row.shape == "list" and row.fields[1] and row.fields[1].type:find "list of at most" then
      it("comes in a table by ids, also where it is one: " .. name, function()
        local at = calls.service("v1", name)
        local arguments = name == "get" and { at.conversation } or calls.examples[name](at)
        local found = assert(calls.call(at.client, name, arguments))
        assert.is_nil(found[1])
        local id = next(found)
        assert.are.equal("string", type(id))
        assert.are.equal("table", type(found[id]))
      end)
    end
  end
end)
