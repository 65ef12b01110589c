-- The shell that speaks for a command which a signal ends was killed: the command wrote to its pipe, and SIGPIPE ended
-- the command while it waited, or once it had done all.
local commands = require "spec.support.command"
local files = require "spec.support.files"

describe("a command whose shell is killed", function()
  local here = commands.specs(setup, teardown, { pace = 0.03 })

  it("goes on", function()
    local running = here.begin "start 'Fix it.' --repo owner/repo --wait --interval 0.05"
    running.read_until "^started: "
    local children = files.read(("/proc/%d/task/%d/children"):format(running.pid, running.pid))
    os.execute("kill -KILL " .. assert(children:match "^(%d+) $", children))
    running.read_until "Opened pull request"
    running.read_until "^exit "
    assert.matches("\nexit 0\n$", running.output)
  end)
end)
