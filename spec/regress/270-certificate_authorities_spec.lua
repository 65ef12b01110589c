-- The certificate authorities of the system are in a directory and in a bundle file, which may differ. An authority
-- that was in only one of them was not trusted.

local http2_server = require "spec.support.http2_server"
local files = require "spec.support.files"
local processes = require "spec.support.processes"

-- Reads and starts with the system's authorities; each answer, or kind of error, is a line.
local program = [[
local core = require "openhands.core"
local client = core.new { base_url = os.getenv "SERVER", api_key = "sk-canary-0123456789" }
for _, word in ipairs { "status", "start", "status", "status" } do
  if word == "start" then
    core.start(client, { initial_user_msg = "x" }, { api = "v0" })
  else
    core.status(client, ("0"):rep(32), { api = "v0" })
  end
  for _ = 1, 300 do
    client:step(0.1)
    local number, value, err = client:next()
    if number then
      print(value and value.status or err.kind .. " " .. err.effect)
      break
    end
  end
end
]]

describe("a certificate authority of the system", function()
  if http2_server.skip_without(it, pending) then return end

  local server, directory, remove

  local function run(command)
    local done = os.execute(("cd %s && (%s) >>log 2>&1"):format(directory, command))
    if done ~= true and done ~= 0 then error(command .. "\n" .. files.read(directory .. "/log")) end
  end

  setup(function()
    server = http2_server.new()
    directory, remove = files.directory()
    local here = os.getenv "PWD"
    run(("${CC:-cc} -shared -fPIC $(pkg-config --cflags libcurl) -o authorities.so %s/spec/c/authorities.c -ldl")
      :format(processes.quoted(here)))
    run "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -out another.pem -subj /CN=x"
    run("cp " .. server.ca_file .. " ours.pem; mkdir ours another")
    for _, name in ipairs { "ours", "another" } do
      run(("cp NAME.pem NAME/; ln -s NAME.pem NAME/$(openssl x509 -hash -noout -in NAME.pem).0"):gsub("NAME", name))
    end
    files.write(directory .. "/program.lua",
      ("package.path, package.cpath = %q, %q\n"):format(package.path, package.cpath) .. program)
  end)

  teardown(function()
    server:close()
    remove()
  end)

  -- Runs the program with this directory and bundle. Returns its output, and the number of connections that it made.
  -- (A server need not see that its certificate was rejected: newer versions of libcurl complete the handshake first.)
  local function ask(folder, bundle)
    server:fault "goaway_after" -- each read needs a connection of its own
    run(("%s LD_PRELOAD=$LD_PRELOAD:$PWD/authorities.so AUTHORITIES_DIRECTORY=$PWD/%s AUTHORITIES_FILE=$PWD/%s "
      .. "SERVER=%s %s program.lua >said"):format(
      processes.without_leak_checks(), folder, bundle, server.address, processes.quoted(processes.interpreter())))
    server:settle()
    return files.read(directory .. "/said"), server:count "OPENED"
  end

  it("is trusted if it stands in the directory alone", function()
    local said, opened = ask("ours", "another.pem")
    assert.are.equal("RUNNING\nRUNNING\nRUNNING\nRUNNING\n", said)
    assert.are.equal(4, opened)
  end)

  it("is trusted if it stands in the bundle alone, and is found there at once from then on", function()
    local said, opened = ask("another", "ours.pem")
    assert.are.equal("RUNNING\nRUNNING\nRUNNING\nRUNNING\n", said)
    assert.are.equal(1 + 4, opened)
    assert.are.equal(4, server:count "GET" + server:count "POST")
  end)

  it("needs no bundle while the directory knows it", function()
    assert.are.equal("RUNNING\nRUNNING\nRUNNING\nRUNNING\n", (ask("ours", "missing.pem")))
  end)

  it("is not trusted if it stands in neither, and nothing is sent", function()
    for _, bundle in ipairs { "another.pem", "missing.pem" } do
      local said = ask("another", bundle)
      assert.are.equal(("tls none\n"):rep(4), said)
      assert.are.equal(0, server:count "GET" + server:count "POST")
    end
  end)
end)
