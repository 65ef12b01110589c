-- The name of a repository without its owner was sent, and the service began a job that could not find the repository.

local in_process = require "spec.support.in_process"
local items = require "openhands.fleet.items"

describe("a repository's name without an owner", function()
  it("is refused before anything is sent", function()
    for _, field in ipairs { "repository", "selected_repository" } do
      for _, api in ipairs { "v0", "v1" } do
        local client, requests = in_process.scripted(function() return in_process.json "{}" end, { api = api })
        local good, err = pcall(client.start, client, { initial_user_msg = "x", [field] = "widgets" })
        assert.is_false(good)
        assert.matches("start: '" .. field .. "' names no owner: give \"owner/name\"", tostring(err), 1, true)
        assert.same({}, requests)
        client:close()
      end
    end
  end)

  it("is refused in an item of a fleet", function()
    local client = in_process.simulated()
    local good, err = pcall(items.read, client, { key = "k", repository = "widgets", initial_user_msg = "x" },
      { caller = "add", place = 1 })
    client:close()
    assert.is_false(good)
    assert.matches("add: item 'k': 'repository' names no owner", tostring(err), 1, true)
  end)
end)
