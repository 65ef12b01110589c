-- An empty list of an answer that was given on as the fields of a call: the error told of a metatable, of "a table"
-- where a table was wanted, or of a field that nobody had given; or the list was sent, and the service refused it.
local core = require "openhands.core"
local in_process = require "spec.support.in_process"
local operations = require "openhands.api.operations"

local ID = "a" .. ("0"):rep(31)
local NEEDS = ": needs a table of fields.*, not an empty list$"

-- Calls that take a list in place of their fields.
local take_lists = { event_batch = true, ["shared.event_batch"] = true, marketplace_skills = true, start_again = true,
  get = true }

describe("an empty list given as fields", function()
  local client, empty

  before_each(function()
    local answers = in_process.scripted(function() return in_process.json "[]" end, { api = "v1" })
    empty = assert(answers:request { path = "/x" })
    answers:close()
    client = in_process.simulated({ api = "v1" }, { api = "v1" })
  end)
  after_each(function() client:close() end)

  local function message(call, ...)
    local good, value, err = pcall(call, ...)
    assert.is_false(good, good and tostring(err or value))
    return value
  end

  it("is told by each call of the service and of the servers of conversations", function()
    local server, count = client:agent(ID), 0
    for name, each in pairs(core) do
      for which, set in pairs { service = operations.of_service, agent = operations.of_agent } do
        local operation = type(each) == "function" and name:find "^[a-z_.]+$" and set[name]
        if operation and operation.has_fields and not take_lists[name] then
          local group, method = name:match "^([a-z_]+)%.([a-z_]+)$"
          local object = which == "service" and client or server
          object = group and object[group] or not group and object or nil
          local call = object and object[method or name]
          local is_special = group == "runtime" or which == "agent" and name:find "load$" -- their subjects differ
          if call and not is_special then
            count = count + 1
            local has_subject = operation.subject and not (which == "agent" and operation.takes_conversation)
            local text = has_subject and message(call, object, ID, empty) or message(call, object, empty)
            assert.matches("[. ]" .. (method or name) .. NEEDS, text)
          end
        end
      end
    end
    assert.is_true(count > 60, count)
  end)

  for _, name in ipairs { "start", "run", "list", "count" } do
    it("is told by " .. name, function()
      assert.matches("^[^:]*:%d+: openhands%." .. name .. NEEDS, message(client[name], client, empty))
    end)
  end

  for _, name in ipairs { "send", "update", "resume", "queue_message", "events", "file", "changes" } do
    it("is told by " .. name, function()
      assert.matches("openhands%." .. name .. NEEDS, message(client[name], client, ID, empty))
    end)
  end

  it("is told by what takes other tables", function()
    assert.matches("needs a table with 'path', not an empty list$", message(client.request, client, empty))
    assert.matches("needs a table of settings, not an empty list$", message(client.fleet, client, empty))
    assert.matches("needs a table of settings, not an empty list$", message(client.worker, client, empty))
  end)

  it("is a list of items where there may be one", function()
    assert.same({}, assert(client:get(empty)))
    assert.same({}, assert(client:event_batch(ID, empty)))
  end)

  it("is told from other tables that are none of fields", function()
    local conversation = assert(client:start { initial_user_msg = "x" })
    assert.matches("needs a table of fields, not a list$", message(client.list, client, { "x" }))
    assert.matches("needs a table of fields, not an openhands.Conversation$",
      message(client.list, client, conversation))
    assert.matches("needs a table of fields, not a number$", message(client.list, client, 7))
  end)
end)
