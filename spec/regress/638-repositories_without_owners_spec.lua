-- The name of a repository without its owner was sent, and the service began a job that could not find the repository.

local in_process = require "spec.support.in_process"
local items = require "openhands.fleet.items"
local repositories = require "openhands.api.repository"

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

-- The library sent what only the command refused: paths of files, options, sentences, a remote without its user.
describe("a text that is no repository's name", function()
  local texts = {
    "name/", "/name", "a//b", "./a/b", "../a/b", "~/a/b", "/home/a", "-x/y", "owner/na me", "owner/name: fix it",
    "owner/..", "owner/./name", "git.example.com:owner/name", "owner/name#1", "owner/name?tab=x", "C:\\a/b",
    "owner/na\nme", "file:///home/a/b",
  }

  it("is refused before anything is sent", function()
    local client, requests = in_process.scripted(function() return in_process.json "{}" end, { api = "v1" })
    for _, text in ipairs(texts) do
      local good, err = pcall(client.start, client, { initial_user_msg = "x", repository = text })
      assert.is_false(good, text)
      assert.matches("start: 'repository' [^\n]*: give \"owner/name\"", tostring(err))
      assert.is_nil((repositories.take_apart(text)))
    end
    assert.same({}, requests)
    client:close()
  end)

  it("is told from one with uncommon letters", function()
    for _, name in ipairs {
      "owner/.github", "group/sub/name", "_owner/name", "o/a--b", "organization/My Project/My name",
      "o/\195\169t\195\169",
    } do
      assert.equal(name, (repositories.take_apart(name)))
    end
  end)
end)
