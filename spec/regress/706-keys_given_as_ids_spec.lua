-- A key given in place of an id was told in the error, although the client knew it; on V0 it was sent in the path.
local in_process = require "spec.support.in_process"

local KEY = "sk-canary-0123456789"

describe("a key that is given as an id", function()
  for _, api in ipairs { "v0", "v1", "auto" } do
    it("is neither told nor sent in a path, api = " .. api, function()
      local client, model = in_process.simulated({ api = api == "v0" and "v0" or "v1" }, { api_key = KEY, api = api })
      for _, call in ipairs { "get", "status", "wait", "changes", "delete", "pause" } do
        for _, id in ipairs { KEY, KEY .. " ", "id:" .. KEY, api ~= "v0" and KEY .. "-x" or nil } do
          local _, value, err = pcall(client[call], client, id)
          local message = tostring(err or value)
          assert.not_matches(KEY, message, 1, true)
          assert.is_true(message:find("[redacted]", 1, true) ~= nil or message:find("not an id: this is a key", 1, true)
            ~= nil or call == "pause" and api == "v0", message)
        end
      end
      for _, request in ipairs(model.requests) do assert.not_matches(KEY, request.path, 1, true) end
      client:close()
    end)
  end
end)
