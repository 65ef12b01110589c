-- `make -n demo` ran the demo, with a key even a conversation that costs money: make runs each line that names MAKE,
-- also when it is asked to run nothing.

local files = require "spec.support.files"
local processes = require "spec.support.processes"

describe("make -n demo", function()
  it("shows the command and runs nothing", function()
    local directory, remove = files.directory()
    -- Stands in for the interpreter: it leaves a trace when it runs anything but a text.
    files.write(directory .. "/lua", ([[#!/bin/sh
      case $1 in -e) exec %s "$@" ;; esac
      echo "$@" >>'%s/trace'
    ]]):format(processes.quoted(processes.interpreter()), directory))
    assert(os.execute(("chmod +x '%s/lua'"):format(directory)))
    local pipe = assert(io.popen(("env -u MAKEFLAGS make -n demo LUA='%s/lua' BUILD='%s' 2>&1 </dev/null")
      :format(directory, directory)))
    local output = pipe:read "*a"
    pipe:close()
    assert.matches("/lua examples/first_conversation%.lua\n", output)
    assert.is_nil(io.open(directory .. "/trace"))
    assert.is_nil(io.open(directory .. "/openhands/core.so"))
    remove()
  end)
end)
