-- Of several `.` in a row, the simulator removed only every other one from a path: a file was not found by such a path.

local workspace = require "openhands.simulator.model.workspace"

describe("a path in the simulator's workspace", function()
  it("contains no `.` and no repeated slash", function()
    for given, path in pairs {
      ["/a/./b"] = "/a/b", ["/a/././b"] = "/a/b", ["/./././b/./."] = "/b", ["/a//.//./b"] = "/a/b",
      ["/"] = "/", ["/."] = "/", ["/./."] = "/", ["././x"] = workspace.root .. "/x",
    } do
      assert.are.equal(path, workspace.absolute(given))
    end
  end)

  it("keeps names that begin or end with dots", function()
    assert.are.equal("/a./.b/.../..c", workspace.absolute "/a./.b/.../..c")
  end)
end)
