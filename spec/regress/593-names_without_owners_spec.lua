-- `start --repo name`, without an owner, began a paid conversation on nothing; `list --repo` with an address found
-- none. A person who forgot the repository was not told that the agent begins with an empty workspace.
local commands = require "spec.support.command"
local files = require "spec.support.files"
local options = require "openhands.command_line.options"

describe("the repository that the command gets", function()
  local here = commands.specs(setup, teardown, { pace = 0.005 })

  before_each(function() here.service:reset() end)

  it("has an owner, or is an address", function()
    for _, text in ipairs { "owner/name", "group/sub/name", "https://github.com/o/r", "git@github.com:o/r.git" } do
      assert.equal(text, options.repository(text))
    end
    for _, text in ipairs {
      "", "name", "name/", "/name", "./name", "../a/b", "~/a/b", "/home/a", "owner/na me", "-/",
    } do
      local value, problem = options.repository(text)
      assert.is_nil(value, text)
      assert.equal(("'%s' is no repository: give owner/name, or its address"):format(text), problem)
    end
  end)

  it("is refused else", function()
    files.write(here.directory .. "/x.csv", "repository,message\nowner/one,Fix.\ntwo,Fix.\n")
    for words, problem in pairs {
      ["start x --repo name"] = "'name' is no repository: give owner/name, or its address\n",
      ["start x --repo https://user:S3CRETsecret@github.com/o"] = "is no repository",
      ["list --repo name"] = "'name' is no repository",
      ["list --repo https://github.com/o/r/tree/main"] = "is no repository",
      ["fleet run " .. here.directory .. "/x.csv"] = "x.csv: record 2: 'two' is no repository: give owner/name",
    } do
      local result = here.run(words)
      assert.equal(1, result.status, words)
      assert.matches(problem, result.errors, 1, true)
      assert.is_nil(result.errors:find("S3CRET", 1, true))
    end
    assert.equal(0, here.service:jobs())
  end)

  it("is found by its address, too", function()
    here.output "start x --wait --repo https://github.com/owner/name" -- a start that is under way is in no list
    here.output "start x --wait --repo owner/other"
    for _, name in ipairs { "owner/name", "https://github.com/owner/name.git" } do
      local list = here.run("list --json --repo " .. name).json
      assert.equal(1, #list)
      assert.equal("owner/name", list[1].repository)
    end
  end)

  it("is missed on a terminal alone", function()
    local words = "empty workspace; --repo owner/name"
    assert.is_nil(here.run("start x").errors:find(words, 1, true))
    local screen = here.on_terminal "start x"
    if screen == "" then return pending "`script` of util-linux is not installed" end
    assert.matches(words, screen, 1, true)
    for _, more in ipairs { "-q start x", "--json start x", "start x --repo owner/name" } do
      assert.is_nil(here.on_terminal(more):find(words, 1, true), more)
    end
  end)
end)
