-- Writes to pipes of the io library, whose reader may have ended.
local core = require "openhands.core"
local files = require "spec.support.files"

describe("a pipe", function()
  it("gets all that is written, also more than it holds", function()
    local directory, remove = files.directory()
    local pipe = assert(io.popen(("cat >'%s/a'"):format(directory), "w"))
    local text = ("one\0two\n"):rep(20000)
    assert.is_true(core.write_to_pipe(pipe, text))
    assert.is_true(core.write_to_pipe(pipe, ""))
    pipe:close()
    local written = files.read(directory .. "/a")
    remove()
    assert.is_true(written == text)
  end)

  it("whose reader has ended takes nothing, and ends nobody", function()
    local pipe = assert(io.popen("read line", "w"))
    local tries = 0
    repeat
      tries = tries + 1
    until not core.write_to_pipe(pipe, "line\n") or tries == 1000000
    assert.is_true(tries < 1000000)
    assert.is_false(core.write_to_pipe(pipe, "line\n"))
    pipe:close()
  end)

  it("must be an open file", function()
    local pipe = assert(io.popen("true", "w"))
    pipe:close()
    for _, case in ipairs { { pipe, "x" }, { io.stderr }, { "a", "x" }, { {}, "x" }, { nil, "x" } } do
      assert.is_false((pcall(core.write_to_pipe, case[1], case[2])))
    end
  end)
end)
