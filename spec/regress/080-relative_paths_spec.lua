-- V1 accepts only absolute paths: it answers a relative path with an empty file or without changes. So a relative path
-- must be resolved in the workspace, whose location the conversation's own server reports.

local calls = require "spec.support.calls"
local in_process = require "spec.support.in_process"

local ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"
local OWN = "https://sandbox.example"

describe("a relative path", function()
  describe("on V1", function()
    local at

    before_each(function()
      at = calls.sandbox("execute", { api = "v1" })
    end)

    after_each(function()
      at.client:close()
      os.remove(at.target)
    end)

    it("is taken from the workspace", function()
      local client, id = at.client, at.agent.conversation_id
      local text = assert(client:file(id, "/workspace/project/README.md"))
      assert.matches("Widgets", text)
      for _, path in ipairs { "README.md", "./README.md", ".//./README.md", "././README.md" } do
        assert.equal(text, assert(client:file(id, path)), path)
      end
      local whole = assert(client:changes(id, "/workspace/project"))
      assert.is_true(#whole > 0)
      for _, path in ipairs { ".", "./", "" } do
        assert.same(whole, assert(client:changes(id, path)), path)
      end
      local difference = assert(client:diff(id, "/workspace/project/README.md"))
      assert.is_string(difference.modified)
      assert.same(difference, assert(client:diff(id, { path = "README.md" })))
    end)

    it("costs one request while the conversation is remembered", function()
      local client, id = at.client, at.agent.conversation_id
      assert(client:file(id, "README.md"))
      local before = #at.model.requests
      assert(client:file(id, "PLAN.md"))
      assert.equal(before + 1, #at.model.requests)
    end)

    it("is an error with advice where the conversation's server sleeps", function()
      local client, id = at.client, at.agent.conversation_id
      assert(client:pause(id))
      local text, err = client:file(id, "README.md")
      assert.is_nil(text)
      assert.equal("conflict", err.kind)
      assert.equal("file", err.operation)
      assert.matches("resume", err.message)
    end)
  end)

  -- Returns a client of a service that answers only what these cases need, and the list of its requests.
  local function served(working_dir)
    local asked = {}
    local client = in_process.scripted(function(request)
      local path = request.path
      asked[#asked + 1] = path .. "?" .. (request.query or "")
      if path:find "app%-conversations/[^?]+/file" then
        return in_process.json('"hello"')
      elseif path:find "app%-conversations" then
        return in_process.json(('[{"id":"%s","sandbox_status":"RUNNING","execution_status":"finished",'
          .. '"conversation_url":"%s/api/conversations/%s","session_api_key":"k"}]'):format(ID, OWN, ID))
      end
      return in_process.json(('{"id":"%s","workspace":%s}'):format(ID, working_dir))
    end, { api = "v1" })
    return client, asked
  end

  it("is refused where the server does not tell where the workspace is", function()
    for _, working_dir in ipairs { '{"working_dir":"."}', "{}", "null", '{"working_dir":7}' } do
      local client, asked = served(working_dir)
      local text, err = client:file(ID, "README.md")
      client:close()
      assert.is_nil(text)
      assert.equal("invalid", err.kind)
      assert.matches("'README.md' is a relative path", err.message, 1, true)
      for _, path in ipairs(asked) do assert.is_nil(path:find("/file", 1, true)) end
    end
  end)

  it("is taken from the root where that is the workspace", function()
    local client, asked = served '{"working_dir":"/"}'
    assert.equal("hello", assert(client:file(ID, "README.md")))
    client:close()
    assert.matches("file_path=%%2FREADME.md$", asked[#asked])
  end)

  it("is sent to V0 as it is", function()
    local sent
    local client = in_process.scripted(function(request)
      if request.path:find "select%-file" then
        sent = request.query
        return in_process.json '{"code":"hello"}'
      end
      return in_process.json(('{"conversation_id":"%s","status":"RUNNING"}'):format(ID))
    end, { api = "v0" })
    assert.equal("hello", assert(client:file(ID, "README.md")))
    client:close()
    assert.matches("^file=README.md$", sent)
  end)
end)
