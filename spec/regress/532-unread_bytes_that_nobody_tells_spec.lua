-- A connection by HTTP/1.1 was used again although nothing could tell whether a TLS layer of it held unread bytes. They
-- would have been taken for the next answer: with a TLS library that is not OpenSSL, and through an https proxy.

local files = require "spec.support.files"
local http2_server = require "spec.support.http2_server"
local processes = require "spec.support.processes"

-- Reads three times, one after the other; each answer, or kind of error, is a line.
local program = [[
local core = require "openhands.core"
local client = core.new {
  base_url = os.getenv "SERVER", ca_file = os.getenv "AUTHORITY", proxy = os.getenv "PROXY",
  api_key = "sk-canary-0123456789",
}
for place = 1, 3 do
  core.request(client, { path = "/api/x", query = { mark = "m" .. place } }, {})
  local number, value, err
  for _ = 1, 300 do
    client:step(0.1)
    number, value, err = client:next()
    if number then break end
  end
  print(value and value.title or err and err.kind .. " " .. err.effect)
end
]]

describe("a connection whose TLS layers cannot be asked for unread bytes", function()
  if http2_server.skip_without(it, pending) then return end

  local server, proxy, directory, remove

  setup(function()
    server = http2_server.new "spec/hostile/http1_tls.js"
    proxy = http2_server.new "spec/hostile/https_proxy.js"
    directory, remove = files.directory()
    files.write(directory .. "/program.lua",
      ("package.path, package.cpath = %q, %q\n"):format(package.path, package.cpath) .. program)
  end)

  teardown(function()
    proxy:close()
    server:close()
    remove()
  end)

  local function read_with(library, proxy_address)
    local built = os.execute(
      ("${CC:-cc} -shared -fPIC $(pkg-config --cflags libcurl) -o %s/%s.so spec/c/%s.c -ldl"):format(directory, library,
        library))
    assert.is_true(built == true or built == 0)
    server:fault "none"
    local pipe = assert(io.popen(
      ("%s LD_PRELOAD=$LD_PRELOAD:%s/%s.so SERVER=%s AUTHORITY=%s PROXY=%s PROXY_AUTHORITY=%s %s %s 2>&1"):format(
        processes.without_leak_checks(), directory, library, server.address, server.ca_file, proxy_address,
        proxy.ca_file, processes.quoted(processes.interpreter()), directory .. "/program.lua")))
    local said = pipe:read "*a"
    pipe:close()
    server:settle()
    return said
  end

  it("is not used again: an unknown TLS library", function()
    assert.are.equal("m1\nm2\nm3\n", read_with("unknown_tls", "''"))
    assert.are.equal(3, server:count "OPENED")
  end)

  it("is not used again: an https proxy", function()
    assert.are.equal("m1\nm2\nm3\n", read_with("proxy_authority", proxy.address))
    assert.are.equal(3, server:count "OPENED")
    proxy:settle()
    assert.are.equal(3, proxy:count "OPENED")
  end)
end)
