-- Some calls need no information from the service. An empty answer to them (204, an empty 200, a null) is a success,
-- but was reported as an error.

local calls = require "spec.support.calls"
local in_process = require "spec.support.in_process"

local empty = {
  ["204"] = { status = 204, headers = {}, body = "" },
  ["an empty 200"] = { status = 200, headers = { { "Content-Type", "application/json" } }, body = "" },
  ["an empty 201 without a type"] = { status = 201, headers = {}, body = "" },
  ["null"] = { status = 200, headers = { { "Content-Type", "application/json" } }, body = "null" },
  ["blanks"] = { status = 202, headers = {}, body = " \r\n" },
}

-- Makes the call of a row, to whose request the service gives this answer. Returns the call's value and error, and how
-- often it was requested.
local function outcome(row, answer)
  local at = row.api == "agent" and calls.sandbox(row.name) or calls.service(row.api, row.name)
  local request, seen = at.transport.request, 0
  at.transport.request = function(self, sent)
    local path = row.path:gsub("[%-.]", "%%%0"):gsub("{[^}]+}", "[^/]+")
    if sent.method == row.method and sent.path:find(path .. "$") then
      seen = seen + 1
      return answer
    end
    return request(self, sent)
  end
  local receiver, examples = at.client, calls.examples
  if row.api == "agent" then receiver, examples = at.agent, calls.agent_examples end
  local value, err = calls.outcome(calls.call(receiver, row.name, examples[row.name](at)))
  at.client:close()
  return value, err, seen
end

describe("an empty answer", function()
  local count = 0
  for _, group in ipairs { { calls.names, calls.rows }, { calls.agent_names, calls.agent_rows } } do
    for _, name in ipairs(group[1]) do
      for api, row in pairs(group[2][name]) do
        if row.shape:find "_or_nothing" then
          count = count + 1
          it(("is a success: %s on %s"):format(name, api), function()
            for what, answer in pairs(empty) do
              local value, err, seen = outcome(row, answer)
              assert.is_nil(err, what .. ": " .. tostring(err))
              assert.is_truthy(value, what)
              assert.equal(1, seen, what)
            end
          end)
        end
      end
    end
  end

  it("is an error of a call that needs an answer", function()
    assert.is_true(count > 30)
    for _, answer in pairs { empty["204"], empty["an empty 200"] } do
      local client = in_process.scripted(function() return answer end, { api = "v1", retries = 0, grace = 0.1 })
      for _, name in ipairs { "me", "count" } do
        local value, err = client[name](client)
        assert.is_nil(value)
        assert.equal("protocol", err.kind)
      end
      local _, err = client.keys:create {}
      assert.equal("ambiguous", err.kind)
      client:close()
    end
  end)
end)
