-- After `eval "$(make -s env)"`, which README advises, `man openhands-lua` found nothing.
local processes = require "spec.support.processes"

local quoted = processes.quoted

describe("make env", function()
  it("has man find the manual page, before those of MANPATH", function()
    local build = assert(package.cpath:match "([^;]*build/[^;?]*)/%?%.so")
    local pipe = assert(io.popen(([[MANPATH=/elsewhere
      paths=$(env -u MAKEFLAGS make -s --no-print-directory LUA=%s BUILD=%s -o %s/openhands/core.so env) &&
      eval "$paths" && cd / && echo "$MANPATH" && cat "${MANPATH%%%%:*}/man1/openhands-lua.1"]]):format(
      quoted(processes.interpreter()), quoted(build), quoted(build))))
    local output = pipe:read "*a"
    pipe:close()
    assert.matches("^/[^:\n]+/man:/elsewhere\n", output)
    assert.matches("\n.TH OPENHANDS", output, 1, true)
  end)
end)
