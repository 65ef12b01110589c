-- A field of an answer that has the name of a conversation's method hid the method.

local cjson = require "cjson"
local clients = require "openhands.client"
local in_process = require "spec.support.in_process"

local ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"

local function service(api)
  return in_process.scripted(function(request)
    local names = clients.names()
    names[#names + 1], names[#names + 2], names[#names + 3] = "refresh", "fetch_answer", "agent"
    local item = { id = ID, conversation_id = ID }
    for _, name in ipairs(names) do item[name] = item[name] or { "theirs" } end
    item.status, item.answer = "RUNNING", nil
    if api == "v1" then item.sandbox_status, item.execution_status = "RUNNING", "running" end
    if request.path:find "search" then return in_process.json(cjson.encode { items = { item } }) end
    return in_process.json(cjson.encode(api == "v1" and { item } or item))
  end, { api = api })
end

describe("a conversation's method", function()
  for _, api in ipairs { "v0", "v1" } do
    it("is not hidden by a field of the service: " .. api, function()
      local client = service(api)
      local conversation = assert(client:status(ID))
      for _, name in ipairs { "events", "file", "files", "delete", "wait", "refresh", "agent", "send", "hooks" } do
        assert.is_function(conversation[name], name)
        assert.same({ "theirs" }, conversation.fields[name])
      end
      assert(conversation:refresh())
      assert.equal("RUNNING", conversation.status)
      client:close()
    end)
  end

  it("leaves no trace where there is no such field", function()
    local client, model = in_process.simulated({}, { api = "v1" })
    local conversation = assert(client:start { initial_user_msg = "x" })
    assert.is_nil(conversation.fields)
    model:advance(30)
    assert.is_nil(assert(conversation:refresh()).fields)
    client:close()
  end)
end)

describe("pull_requests", function()
  it("is a list, whatever the service sends", function()
    for _, api in ipairs { "v0", "v1" } do
      local client, model = in_process.simulated({ api = api }, { api = api })
      local conversation = assert(client:start { initial_user_msg = "x", repository = "acme/widgets" })
      assert.same({}, conversation.pull_requests)
      for _ = 1, 4 do
        model:advance(20)
        assert.equal("table", type(assert(conversation:refresh()).pull_requests))
      end
      for each in client:list() do assert.equal("table", type(each.pull_requests)) end
      client:close()
    end
  end)
end)
