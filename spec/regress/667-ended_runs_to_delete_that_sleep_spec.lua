-- A fleet with `after = "delete"` left a conversation as it was that the service had paused right after its work had
-- ended: since its events tell the end, it is not resumed any more, and what is paused was not deleted.
local cjson = require "cjson"
local databases = require "spec.support.ledger_databases"
local in_process = require "spec.support.in_process"

if not databases.is_supported "SQLite" then
  return describe("ended runs", function() it("are deleted", function() pending "LuaDBI is missing" end) end)
end

describe("an ended run whose sandbox the service has paused", function()
  local open, current = databases.fleet_specs(before_each, after_each)

  -- Runs a fleet of one item. Returns what the client asked to be changed, and the client.
  local function run(after)
    local _, model = in_process.simulated { api = "v1" }
    local changes, is_paused = {}, false
    local client = in_process.altered(model, "", function(answer, request)
      if request.method ~= "GET" then
        changes[#changes + 1] = request.method .. " " .. request.path:gsub("/[^/]*%d[^/]*", "/…")
      elseif request.path:find "/app%-conversations$" and not is_paused then
        local list = cjson.decode(answer.body)
        local shown = type(list[1]) == "table" and list[1] or {}
        if shown.execution_status == "finished" then
          is_paused = true
          model:pause(model:find((shown.id:gsub("-", ""))))
          shown.execution_status, shown.sandbox_status = nil, "PAUSED"
          return { status = 200, headers = answer.headers, body = cjson.encode(list) }
        end
      end
    end)
    local fleet = open(client, { ledger = current.database.address, after = after, interval = 1 })
    assert(fleet:add { key = "a", initial_user_msg = "Fix it." })
    assert.equal(1, assert(fleet:run()).done)
    assert.is_true(is_paused)
    return changes, client
  end

  it("is deleted, if ended runs are", function()
    local changes, client = run "delete"
    assert.same({ "POST /api/…/app-conversations", "DELETE /api/…/app-conversations/…" }, changes)
    client:close()
  end)

  for _, after in ipairs { "pause", "leave" } do
    it("is left alone with after = " .. after, function()
      local changes, client = run(after)
      assert.same({ "POST /api/…/app-conversations" }, changes)
      client:close()
    end)
  end
end)
