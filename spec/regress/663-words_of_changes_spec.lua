-- V0 names changes by letters, V1 by words: a program that looked for "DELETED" found nothing on V0, and the diff in
-- Neovim gave deleted files a second name.
local in_process = require "spec.support.in_process"
local simulator = require "openhands.simulator"

describe("the statuses of changes", function()
  it("are the same in both dialects", function()
    for _, api in ipairs { "v0", "v1" } do
      local client = in_process.simulated { api = api }
      local conversation = assert(client:run { initial_user_msg = "Fix it.", repository = "owner/repo" })
      assert.same({ { status = "ADDED", path = "PLAN.md" }, { status = "UPDATED", path = "README.md" } },
        assert(conversation:changes()), api)
      client:close()
    end
  end)

  it("are kept if they are unknown, as all else of the answer", function()
    local client = in_process.altered(simulator.model { api = "v0" }, "/git/changes", function()
      return in_process.json('[{"status":"D","path":"a"},{"status":"R","path":"b","from":"c"},'
        .. '{"status":"U","path":"d"},{"status":"X","path":"e"},{"path":"f"},null]')
    end, { api = "v0" })
    local conversation = assert(client:run { initial_user_msg = "Fix it.", repository = "owner/repo" })
    local list = assert(conversation:changes())
    assert.same({ status = "DELETED", path = "a" }, list[1])
    assert.same({ status = "MOVED", path = "b", from = "c" }, list[2])
    assert.same({ status = "ADDED", path = "d" }, list[3])
    assert.same({ status = "X", path = "e" }, list[4])
    assert.same({ path = "f" }, list[5])
    client:close()
  end)
end)
