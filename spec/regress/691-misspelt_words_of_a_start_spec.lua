-- `:OpenHands start repo=owner/name hello` started a paid conversation without a repository, with this as its task.
local child = require "spec.support.neovim_child"
local json = require "cjson"
local neovim_service = require "spec.support.neovim_service"

if not child.can_run() then return end

describe("a start from Neovim", function()
  local service = neovim_service.specs(setup, teardown, before_each)

  it("with a misspelt word is refused", function()
    local output = service.said [[
      for _, text in ipairs {
        "repo=owner/name hello", "Repository=owner/name hello", "--repository=owner/name hello",
        "selected_repository=owner/name", "repository=owner/name brnach=dev hello", "conversation_id=1",
      } do
        child "vim.cmd 'messages clear'"
        child("vim.cmd('OpenHands start ' .. ...)", text)
        told "OpenHands: "
        say((messages():gsub("^OpenHands: ", "")))
      end
    ]]
    local expected = {}
    for place, pair in ipairs {
      { "repo", "repository" }, { "Repository", "repository" }, { "--repository", "repository" },
      { "selected_repository", "repository" }, { "brnach", "branch" }, { "conversation_id", "id" },
    } do
      expected[place] = ("not started: there is no field '%s' (did you mean '%s='?); to take it as text: "
        .. ":OpenHands start -- …\n"):format(pair[1], pair[2])
    end
    assert.equal(table.concat(expected), output)
    assert.same({}, service.server:starts())
  end)

  it("takes other texts with '=' as the task, and all after two dashes", function()
    service.said [[
      for _, text in ipairs {
        "x=1 breaks", "fd=3 leaks", "batch=32 is slow", "repository=owner/name user_id=5 fails", "-- repo=a breaks",
        "repository=owner/name -- branch=a breaks", "--verbose=1 breaks",
      } do
        child "vim.cmd 'messages clear'"
        child("vim.cmd('OpenHands start ' .. ...)", text)
        told "OpenHands: started"
      end
    ]]
    local tasks = {}
    for place, start in ipairs(service.server:starts()) do
      local body = json.decode(start.body)
      tasks[place] = (body.selected_repository or "-") .. ": " .. body.initial_message.content[1].text
    end
    assert.same({
      "-: x=1 breaks", "-: fd=3 leaks", "-: batch=32 is slow", "owner/name: user_id=5 fails", "-: repo=a breaks",
      "owner/name: branch=a breaks", "-: --verbose=1 breaks",
    }, tasks)
  end)
end)
