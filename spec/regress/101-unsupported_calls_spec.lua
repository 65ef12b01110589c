-- A server gives the same 404 answer to a call that it does not support and to an item that it does not know. The first
-- must be reported as `unsupported`, the second as `not_found`.

local calls = require "spec.support.calls"
local in_process = require "spec.support.in_process"
local assertions = require "spec.support.assertions"

local ABSENT = in_process.json('{"detail":"Not Found"}', 404)

describe("a call that an agent server does not have", function()
  -- Answers a row's request as a server that has not got its path.
  local function outcome(name, answer, all)
    local at = calls.sandbox(name, { api = "v1" })
    local row = calls.agent_rows[name].agent
    local path = row.path:gsub("[%-.]", "%%%0"):gsub("{[^}]+}", "[^/]+")
    local arguments = calls.agent_examples[name](at)
    local request, sent = at.transport.request, 0
    at.transport.request = function(self, asked)
      local is_info = not all and asked.method == "GET" and asked.path:find "/api/conversations/%x+%-[^/]+$"
      local is_row = asked.method == row.method and asked.path:find("^/runtime/[^/]+" .. path .. "$")
      if is_row and not is_info or all and asked.path:find "^/runtime/" then
        -- The library probes a path with the item `none`.
        sent = sent + (is_row and not asked.path:find "/none" and 1 or 0)
        return answer or ABSENT
      end
      return request(self, asked)
    end
    local value, err = calls.outcome(calls.call(at.agent, name, arguments))
    at.client:close()
    os.remove(at.target)
    return value, err, sent
  end

  local with_items = { event = true, info = true }
  for _, name in ipairs(calls.agent_names) do
    local plain = name:gsub("^runtime%.", "")
    it("is told from an unknown item: " .. name, function()
      local value, err, sent = outcome(name)
      if with_items[plain] and name ~= "runtime.info" then return end
      assert.is_nil(value)
      assertions.assert_error(err)
      assert.equal(1, sent)
      if name == "events" then -- calls that polling repeats keep their kind
        assert.equal("not_found", err.kind)
        return
      end
      assert.equal("unsupported", err.kind, err.message)
      assert.equal(404, err.status)
      assert.is_nil(err.message:find("base_url", 1, true))
      assert.matches(plain .. ": the server of this conversation does not have ", err.message, 1, true)
    end)
  end

  it("is unsupported where the method is refused", function()
    for _, name in ipairs { "fork", "archive", "switch_llm" } do
      local _, err = outcome(name, in_process.json('{"detail":"Method Not Allowed"}', 405))
      assert.equal("unsupported", err.kind)
    end
  end)

  it("is not reported where the conversation is unknown", function()
    for _, name in ipairs { "fork", "run", "final_response", "switch_llm", "delete" } do
      local _, err = outcome(name, nil, true)
      assert.equal("not_found", err.kind, name)
    end
  end)

  it("is not reported where something else is missing", function()
    local _, err = outcome("download", in_process.json('{"detail":"File not found"}', 404))
    assert.equal("not_found", err.kind)
    _, err = outcome "event"
    assert.equal("not_found", err.kind)
    local at = calls.sandbox("info", { api = "v1" })
    local agents = { at.agent, at.agent.runtime }
    for place = 1, #agents do
      local agent = agents[place]
      _, err = agent:stop_command "0d1e2f3a-4b5c-4d6e-8f90-1a2b3c4d5e6f"
      assert.same({ "not_found", "stop_command" }, { err.kind, err.operation })
      _, err = agent:commit_changes("fedcba9", "/workspace/project")
      assert.equal("not_found", err.kind)
    end
    at.client:close()
  end)
end)

describe("a call that the service does not have", function()
  local ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"
  local JSON_405 = in_process.json('{"detail":"Method Not Allowed"}', 405)
  local PAGE = { status = 200, headers = { { "Content-Type", "text/html" } }, body = "<html></html>" }

  -- A client whose service has a few calls only, and shows one conversation.
  local function client_of(answer, settings)
    local all = { api = "v1", retries = 0 }
    for name, value in pairs(settings or {}) do all[name] = value end
    return in_process.scripted(function(request)
      if request.method == "GET" and request.path == "/api/v1/app-conversations" then
        local known = request.query:gsub("-", ""):find(ID, 1, true)
        return in_process.json(known and ('[{"id":"%s","sandbox_status":"RUNNING"}]'):format(ID) or "[null]")
      elseif request.path:find "/count$" then
        return in_process.json "1"
      end
      return answer
    end, all)
  end

  local absent = {
    function(client) return client:marketplace_skills { { name = "x" } } end,
    function(client) return client.secrets:delete_git_providers() end,
    function(client) return client:credits() end,
    function(client) return client:models():all() end,
    function(client) return client:skills(ID) end,
    function(client) return client:switch_profile(ID, "fast") end,
  }

  it("is unsupported where its path is missing", function()
    for place, call in ipairs(absent) do
      local client = client_of(ABSENT)
      assert(client:count())
      local value, err = call(client)
      assert.is_nil(value)
      assert.equal("unsupported", err.kind, place .. ": " .. err.message)
      assert.is_nil(err.message:find("base_url", 1, true))
      client:close()
    end
  end)

  it("is unsupported where a web page or a refused method answers, and the service is known", function()
    local client = client_of(PAGE)
    local _, err = client:credits()
    assert.equal("protocol", err.kind) -- it may be no such service at all
    assert(client:count())
    _, err = client:credits()
    assert.equal("unsupported", err.kind)
    client:close()
    client = client_of(JSON_405)
    _, err = client.secrets:delete_git_providers()
    assert.equal("protocol", err.kind)
    assert(client:count())
    _, err = client.secrets:delete_git_providers()
    assert.equal("unsupported", err.kind)
    client:close()
  end)

  it("is not reported where the item is missing", function()
    local client = client_of(ABSENT)
    assert(client:count())
    for _, call in ipairs {
      function() return client.sandboxes:pause "6mQw1ZpT4rYxN8sVb2KcLd" end,
      function() return client:skills "0d1e2f3a4b5c4d6e8f901a2b3c4d5e6f" end,
      function() return client.profiles:get "fast" end,
    } do
      local _, err = call()
      assert.equal("not_found", err.kind)
    end
    client:close()
    client = client_of(in_process.json('{"detail":"Conversation not found"}', 404))
    local _, err = client:skills(ID)
    assert.equal("not_found", err.kind)
    client:close()
  end)
end)
