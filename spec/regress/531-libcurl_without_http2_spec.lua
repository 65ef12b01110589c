-- With a libcurl that was built without HTTP/2, every call but a start was refused before anything was sent.

local http2_server = require "spec.support.http2_server"
local files = require "spec.support.files"
local processes = require "spec.support.processes"

-- Reads three times at once, and starts; each answer, or kind of error, is a line.
local program = [[
local core = require "openhands.core"
local client = core.new {
  base_url = os.getenv "SERVER", ca_file = os.getenv "AUTHORITY", api_key = "sk-canary-0123456789",
}
for _ = 1, 3 do core.status(client, ("0"):rep(32), { api = "v0" }) end
core.start(client, { initial_user_msg = "x" }, { api = "v0" })
local left = 4
for _ = 1, 300 do
  client:step(0.1)
  local number, value, err = client:next()
  while number do
    print(value and value.status or err.kind .. " " .. err.effect)
    left = left - 1
    number, value, err = client:next()
  end
  if left == 0 then break end
end
]]

describe("a libcurl without HTTP/2", function()
  if http2_server.skip_without(it, pending) then return end

  local server, directory, remove

  setup(function()
    server = http2_server.new()
    directory, remove = files.directory()
    files.write(directory .. "/program.lua",
      ("package.path, package.cpath = %q, %q\n"):format(package.path, package.cpath) .. program)
  end)

  teardown(function()
    server:close()
    remove()
  end)

  it("makes calls by HTTP/1.1", function()
    local built = os.execute(
      ("${CC:-cc} -shared -fPIC $(pkg-config --cflags libcurl) -o %s/no_http2.so %s -ldl"):format(directory,
        "spec/c/no_http2.c"))
    assert.is_true(built == true or built == 0)
    local pipe = assert(io.popen(("%s LD_PRELOAD=$LD_PRELOAD:%s/no_http2.so SERVER=%s AUTHORITY=%s %s %s 2>&1"):format(
      processes.without_leak_checks(), directory, server.address, server.ca_file,
      processes.quoted(processes.interpreter()), directory .. "/program.lua")))
    local said = pipe:read "*a"
    pipe:close()
    assert.are.equal(("RUNNING\n"):rep(4), said)
    server:settle()
    assert.are.same({ 3, 1 }, { server:count "GET", server:count "POST" })
    assert.is_nil(table.concat(server.requests, "\n"):find "2 %u+ /")
  end)
end)
