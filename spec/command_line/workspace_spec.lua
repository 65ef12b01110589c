-- The commands about what a conversation has changed, as processes against a simulator.
local commands = require "spec.support.command"
local lfs = require "lfs"
local workspace = require "openhands.command_line.workspace"

describe("the command", function()
  local here = commands.specs(setup, teardown, { pace = 0.005 })
  local id

  setup(function()
    id = here.output("start 'Fix it.' --repo owner/repo --wait --interval 0.05"):match "^[^\n]+"
  end)

  it("changes lists the files", function()
    assert.equal("ADDED\tPLAN.md\nUPDATED\tREADME.md", here.output("changes " .. id))
    assert.same({ { status = "ADDED", path = "PLAN.md" }, { status = "UPDATED", path = "README.md" } },
      here.run("changes --json " .. id).json)
  end)

  it("changes asks for the directory of the command line, and leaves another one to the library", function()
    local asked
    local function ask(directory)
      workspace.changes {
        arguments = { id = "x", directory = directory },
        client = function()
          return { changes = function(_, _, fields) asked = fields return {} end }
        end,
      }
      return asked.path
    end
    assert.is_nil(ask())
    assert.equal("/workspace/x", ask "/workspace/x")
  end)

  it("diff prints what differs as `diff -u` does", function()
    local text = here.output("diff " .. id)
    assert.matches("^%-%-%- /dev/null\n%+%+%+ b/PLAN.md\n@@ %-0,0 %+1,%d+ @@\n%+# Plan\n", text)
    assert.matches("\n%-%-%- a/README.md\n%+%+%+ b/README.md\n@@ %-1,2 %+1,2 @@\n", text)
    assert.matches("\n-A libary for widgets.\n+A library for widgets.", text, 1, true)
    assert.is_nil(here.output("diff " .. id .. " README.md"):find("PLAN.md", 1, true))
    local record = here.run("diff --json " .. id .. " README.md").json[1]
    assert.matches("libary", record.original, 1, true)
    assert.matches("library", record.modified, 1, true)
  end)

  it("download saves a zip file, and prints its path", function()
    local path = here.directory .. "/events.zip"
    assert.equal(path, here.output(("download %s %s"):format(id, path)))
    local record = here.run(("download --json %s %s"):format(id, path)).json
    assert.equal(lfs.attributes(path, "size"), record.bytes)
    assert.matches("downloading: %d+%.%d MB", here.on_terminal(("download %s %s"):format(id, path)))
    local failed = here.run(("download %s %s/none/events.zip"):format(id, here.directory))
    assert.equal(1, failed.status)
  end)

  it("tells what is wrong", function()
    local result = here.run "changes 7f3b9a1c2d4e4f60a1b2c3d4e5f60718 --json"
    assert.equal(1, result.status)
    assert.equal("not_found", result.json[1].error.kind)
    assert.equal(1, here.run "diff 7f3b9a1c2d4e4f60a1b2c3d4e5f60718".status)
    assert.equal(1, here.run "download 7f3b9a1c2d4e4f60a1b2c3d4e5f60718".status)
  end)
end)
