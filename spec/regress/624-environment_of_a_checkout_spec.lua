-- `eval "$(make -s env)"` did not find `openhands-lua`; from bin/ it ran with whatever Lua `lua` is, for which the core
-- need not be built, and the message advised to build it again.

local files = require "spec.support.files"
local processes = require "spec.support.processes"

local quoted = processes.quoted

describe("make env", function()
  it("puts the command on PATH, for the Lua that the core is built for", function()
    local directory, remove = files.directory()
    files.write(directory .. "/lua", "#!/bin/sh\necho 'the wrong Lua' >&2\nexit 1\n")
    assert(os.execute(("chmod +x '%s/lua'"):format(directory)))
    local build = assert(package.cpath:match "([^;]*build/[^;?]*)/%?%.so")
    local made = ("env -u MAKEFLAGS make -s --no-print-directory LUA=%s BUILD=%s -o %s/openhands/core.so env"):format(
      quoted(processes.interpreter()), quoted(build), quoted(build))
    local pipe = assert(io.popen(([[PATH=%s:"$PATH"; unset LUA_PATH LUA_CPATH
      paths=$(%s) && eval "$paths" && cd / && command -v openhands-lua &&
      env LUA_PATH=%s LUA_CPATH=%s %s openhands-lua --version 2>&1]]):format(quoted(directory), made,
      quoted(package.path), quoted(package.cpath), processes.without_leak_checks())))
    local output = pipe:read "*a"
    pipe:close()
    remove()
    assert.matches("/bin/openhands%-lua\n", output)
    assert.is_nil(output:find("the wrong Lua", 1, true))
    assert.is_truthy(output:find(require("openhands").version, 1, true) or not pcall(require, "argparse"), output)
  end)

  it("is what the message about a core of another Lua may advise", function()
    local directory, remove = files.directory()
    files.write(directory .. "/program.lua", ([[package.path, package.cpath = %q, %q
      package.preload["openhands.core"] = function()
        error("error loading module 'openhands.core': core.so: undefined symbol: lua_newuserdatauv", 0)
      end
      print(select(2, pcall(require, "openhands")))
    ]]):format(package.path, package.cpath))
    local pipe = assert(io.popen(("%s %s/program.lua 2>&1"):format(quoted(processes.interpreter()), directory)))
    local first = pipe:read "*l"
    pipe:close()
    remove()
    assert.matches("build it again with `make LUA=lua[j5][^`]*`, or run it with the Lua it was built for$", first)
  end)
end)
