-- V1 answers 404 to a message for a conversation whose start task still runs, to a change of its title, and to the
-- download of its events. The errors advised to check the id and the account, as if there were no such conversation.
-- The errors of calls about its files, its hooks and its skills did so longer.
local commands = require "spec.support.command"
local in_process = require "spec.support.in_process"

describe("a call about a conversation that is still starting", function()
  local client, model, conversation

  before_each(function()
    client, model = in_process.simulated { api = "v1" }
    conversation = assert(client:start { initial_user_msg = "x" })
  end)

  after_each(function() client:close() end)

  local calls = {
    send = function(id) return client:send(id, "And more.") end,
    update = function(id) return client:update(id, { title = "New" }) end,
    download = function(id)
      local path = os.tmpname()
      local saved, err = client:download(id, path)
      os.remove(path)
      return saved, err
    end,
    changes = function(id) return client:changes(id, "/workspace/project") end,
    diff = function(id) return client:diff(id, "/workspace/project/README.md") end,
    files = function(id) return client:files(id, "/workspace/project") end,
    hooks = function(id) return client:hooks(id) end,
    skills = function(id) return client:skills(id) end,
  }

  for name, call in pairs(calls) do
    it("says so: " .. name, function()
      local value, err = call(conversation.conversation_id)
      assert.is_nil(value)
      assert.same({ "not_found", name, 404, conversation.conversation_id, "starting" },
        { err.kind, err.operation, err.status, err.conversation_id, err.conversation.state })
      assert.equal(("%s: conversation %s is still starting, and goes on; try again when it runs"):format(name,
        conversation.conversation_id), tostring(err))
      while client:status(conversation).state == "starting" and model:time() < 1000 do client:sleep(1) end
      assert.is_truthy(call(conversation.conversation_id))
    end)

    it("says that it is unknown if it is: " .. name, function()
      local _, err = call "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"
      assert.same({ "not_found", name }, { err.kind, err.operation })
      assert.equal(("%s: the service knows no conversation 7f3b9a1c2d4e4f60a1b2c3d4e5f60718; check the id, and that it "
        .. "belongs to the account of this API key"):format(name), tostring(err))
    end)
  end

  it("asks for the status only as long as it may be starting", function()
    local asked = {}
    local altered = in_process.altered(model, "", function(_, request)
      asked[#asked + 1] = request.path
      return request.path:find "/hooks$" and in_process.json('{"error":"not found"}', 404) or nil
    end)
    local id = conversation.conversation_id
    model:advance(100)
    for requests, message in ipairs { "the first", "the next" } do
      asked = {}
      local _, err = altered:hooks(id)
      assert.same({ "not_found", nil }, { err.kind, err.conversation }, message)
      assert.equal(requests == 1 and 2 or 1, #asked, message)
    end
    altered:close()
  end)

  local here = commands.specs(setup, teardown, { pace = 0.005, api = "v1" })

  it("says so in the command", function()
    local id = here.output "start 'Slow. [simulate: never-ready]'"
    local result = here.run("send " .. id .. " 'And more.'")
    assert.equal(1, result.status)
    assert.matches("is still starting", result.errors)
  end)
end)
