-- doc/operations.md gives a name to the whole body of a request. A table that is the only field, under this name, is
-- sent as the body itself, not as a field of the body.

local cjson = require "cjson"
local core = require "openhands.core"
local in_process = require "spec.support.in_process"

local ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"

describe("a table that is the whole body", function()
  local function sent_by(api, call)
    local sent
    local client = in_process.scripted(function(request)
      if request.method == "GET" then
        return in_process.json(('{"conversation_id":"%s","status":"RUNNING"}'):format(ID))
      end
      sent = request
      return in_process.json "{}"
    end, { api = api })
    call(client)
    client:close()
    return sent and cjson.decode(sent.body)
  end

  it("may be given under its name", function()
    local bare = sent_by("v1", function(client) client.settings:update { language = "de" } end)
    local named = sent_by("v1", function(client) client.settings:update { settings = { language = "de" } } end)
    assert.same({ language = "de" }, bare)
    assert.same(bare, named)
    assert.same({ action = "message" }, sent_by("v0", function(client)
      client:add_event(ID, { event = { action = "message" } })
    end))
  end)

  it("may have a field of that name beside others, or one that is no table", function()
    local sent = sent_by("v1", function(client) client.settings:update { settings = { a = 1 }, language = "de" } end)
    assert.same({ settings = { a = 1 }, language = "de" }, sent)
    assert.same({ settings = "x" }, sent_by("v1", function(client) client.settings:update { settings = "x" } end))
  end)

  it("is the body in every row that has one", function()
    local count = 0
    for _, row in ipairs(core.operations()) do
      for _, field in ipairs(row.fields) do
        if field.place == "whole" then
          count = count + 1
          local group, leaf = row.name:match "^([%w_]+)%.([%w_]+)$"
          local value = field.type == "a list" and { "x" } or { a = "x" }
          assert.same(value, sent_by(row.api, function(client)
            local receiver = group and client[group] or client
            local arguments = row.fields[1].name == "conversation_id" and { ID } or {}
            arguments[#arguments + 1] = { [field.name] = value }
            receiver[leaf or row.name](receiver, (table.unpack or unpack)(arguments))
          end), row.name)
        end
      end
    end
    assert.is_true(count >= 3, count)
  end)
end)
