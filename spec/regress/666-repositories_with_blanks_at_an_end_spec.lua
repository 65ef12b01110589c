-- A repository's name with a slash or a blank at its end, or with a NUL in it, was sent: the service began a paid job
-- that could not find the repository.
local in_process = require "spec.support.in_process"
local repositories = require "openhands.api.repository"

describe("the name of a repository", function()
  it("is refused if it ends otherwise than a name, or holds a NUL", function()
    local client, requests = in_process.scripted(function() return in_process.json "{}" end, { api = "v1" })
    for _, text in ipairs {
      "owner/name/", "owner/name//", "owner/name\0", "owner\0/name", "owner/name\0/more", "group/sub/name ",
      "group/sub /name", "group/ sub/name", "group/sub/ ", "group/sub//name",
    } do
      local good, err = pcall(client.start, client, { initial_user_msg = "x", repository = text })
      assert.is_false(good, ("%q"):format(text))
      assert.matches("start: 'repository' is not the name of a repository: give \"owner/name\"", tostring(err), 1, true)
    end
    assert.same({}, requests)
    assert.equal("owner/name", (repositories.take_apart "https://github.com/owner/name/"))
    assert.equal("group/My Sub/My name", (repositories.take_apart "group/My Sub/My name"))
    client:close()
  end)
end)
