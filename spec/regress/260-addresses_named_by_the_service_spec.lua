-- The service names the address of a conversation's server. A hostile service could name this machine or the private
-- network, and the client sent its requests there.

local core = require "openhands.core"
local in_process = require "spec.support.in_process"
local files = require "spec.support.files"
local processes = require "spec.support.processes"

local ID = "5618e1c1-6f3f-4d5a-9b0e-2f8d7c6b5a49"
local SESSION = "session-canary-4477"

describe("the address of a conversation's server", function()
  it("may be anything, and no error is raised", function()
    for _, api in ipairs { "v1", "v0" } do
      for _, url in ipairs {
        "file:///etc/passwd", "HTTP://127.0.0.1/api/conversations/x", "/api/conversations/x", "//host/x", "x", "/",
        "https://", "http:", "HtTpS://runtime.example", "javascript:1", "://", "\\u0000", "https://\\u0000",
        "https://runtime.example/" .. ("api/conversations/"):rep(500), ("/"):rep(20000), "https://a b/",
      } do
        local body = ('{"id":"%s","conversation_id":"%s","status":"RUNNING","sandbox_status":"RUNNING","url":"%s",'
          .. '"execution_status":"running","conversation_url":"%s","session_api_key":"%s"}'):format(
          ID, ID, url, url, SESSION)
        local client = in_process.scripted(function(request)
          if request.path:find "conversations/5618" or request.query:find "ids" then
            return in_process.json(api == "v1" and "[" .. body .. "]" or body)
          end
          return in_process.json('{"detail":"no"}', 404)
        end, { api = api, retries = 0 })
        local conversation = assert(client:status(ID))
        for _ = 1, 2 do
          for _, call in ipairs { "file", "files", "events", "git_changes" } do
            if client[call] then
              local good, _, err = pcall(client[call], client, ID, "/x")
              assert.is_true(good or not tostring(_):find("attempt to", 1, true), url .. ": " .. tostring(_))
              assert.is_true(err == nil or type(err.kind) == "string")
            end
          end
          local good, value, err = pcall(function()
            return conversation:agent():info()
          end)
          assert.is_true(good, url .. ": " .. tostring(value))
          assert.is_nil(value)
          assert.is_string(err.kind)
        end
        client:close()
      end
    end
  end)

  -- Why a service may not name a server; nil if it may.
  local function objection(service, server)
    local client = core.new { base_url = service, api_key = "sk-canary-0123456789" }
    local number, err = core.info(client, ID, { api = "agent", server = server, session_api_key = SESSION })
    local in_flight = client:in_flight()
    client:close() -- before any step: nothing was connected to
    assert.equal(number and 1 or 0, in_flight)
    assert.is_true(number ~= nil or (err.kind == "protocol" and err.effect == "none"))
    return err and err.reason
  end

  local function says(words, reason, host)
    assert.is_truthy(reason and reason:find(words, 1, true), host)
  end

  it("is not this machine's where the service is elsewhere, however it is spelled", function()
    for _, host in ipairs {
      "localhost", "LOCALHOST", "localhost.", "x.localhost", "127.0.0.1", "127.0.0.2:8000", "2130706433", "0x7f000001",
      "0x7f.1", "017700000001", "0177.0.0.1", "127.1", "127.0.1", "[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]",
      "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]", "%31%32%37.0.0.1",
    } do
      says("is a loopback address", objection("https://service.example", "https://" .. host), host)
      says("is a loopback address", objection("https://10.0.0.1", "https://" .. host), host)
      assert.is_nil(objection("https://localhost:3000", "https://" .. host), host)
    end
  end)

  it("is in no private network where the service is outside", function()
    for _, host in ipairs {
      "10.0.0.1", "10.1", "0xa.1", "167772161", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1",
      "198.18.0.1", "[fc00::1]", "[fd12::1]", "[fec0::1]", "[::ffff:10.0.0.1]", "[2002:a00:1::]",
    } do
      says("belongs to a private network", objection("https://service.example", "https://" .. host), host)
      says("belongs to a private network", objection("https://8.8.8.8", "https://" .. host), host)
      assert.is_nil(objection("https://192.168.0.9", "https://" .. host), host)
      assert.is_nil(objection("https://localhost", "https://" .. host), host)
    end
    for _, host in ipairs { "169.254.169.254", "0xa9fea9fe", "2852039166", "[fe80::1]", "[::ffff:169.254.169.254]" } do
      says("is a link-local address", objection("https://service.example", "https://" .. host), host)
      says("is a link-local address", objection("https://10.0.0.1", "https://" .. host), host)
    end
    for _, host in ipairs { "0.0.0.0", "0", "[::]", "224.0.0.1", "255.255.255.255", "[ff02::1]", "192.0.0.8" } do
      says("is a reserved address", objection("https://service.example", "https://" .. host), host)
      says("is a reserved address", objection("https://localhost", "https://" .. host), host)
    end
    for _, host in ipairs {
      "8.8.8.8", "172.32.0.1", "172.15.0.1", "11.0.0.1", "128.0.0.1", "100.128.0.1", "[2606:4700::1]",
      "runtime.example", "10.example", "127.0.0.1.example", "1.2.3.4.5", "0x", "localhost.example",
    } do
      assert.is_nil(objection("https://service.example", "https://" .. host), host)
    end
  end)

  it("is without TLS on this machine only, for a service on it", function()
    for _, host in ipairs { "127.0.0.1", "localhost", "2130706433", "[::1]" } do
      says("is not encrypted", objection("https://service.example", "http://" .. host), host)
      assert.is_nil(objection("http://127.0.0.1:3000", "http://" .. host), host)
    end
    for _, host in ipairs { "10.0.0.1", "runtime.example", "167772161", "0.0.0.0", "169.254.169.254" } do
      says("must begin with https", objection("http://127.0.0.1:3000", "http://" .. host), host)
    end
  end)

  local program = [[
    local core = require "openhands.core"
    local function ask(client, operate, ...)
      local number, err = operate(client, ...)
      if not number then return err end
      for _ = 1, 300 do
        client:step(0.1)
        local ended, value, problem = client:next()
        if ended then return problem or value end
      end
    end
    local function told(service, server, options)
      options = options or {}
      options.base_url, options.api_key = service, "sk-canary-0123456789"
      local client = core.new(options)
      ask(client, core.me, nil, { api = "v1" })
      local err = ask(client, core.info, "5618e1c1-6f3f-4d5a-9b0e-2f8d7c6b5a49",
        { api = "agent", server = server, session_api_key = "session-canary" })
      print(err.kind, err.retryable, err.effect, err.reason)
      client:close()
    end
    told("https://service.example", "https://inside.names.example:1")
    told("https://service.names.example:1", "https://inside.names.example:1")
    told("https://service.names.example:1", "https://127.0.0.1:1")
    told("https://service.example", "https://inside.names.example:1", { proxy = "http://127.0.0.1:1" })
  ]]

  it("is not reached by a name that leads there, either", function()
    local directory, remove = files.directory()
    local built = os.execute(("${CC:-cc} -shared -fPIC -o %s/resolver.so spec/c/resolver.c -ldl"):format(directory))
    assert.is_true(built == true or built == 0)
    files.write(directory .. "/program.lua",
      ("package.path, package.cpath = %q, %q\n"):format(package.path, package.cpath) .. program)
    local pipe = assert(io.popen(("%s LD_PRELOAD=$LD_PRELOAD:%s/resolver.so %s %s/program.lua 2>&1"):format(
      processes.without_leak_checks(), directory, processes.quoted(processes.interpreter()), directory)))
    local lines = {}
    for line in pipe:lines() do
      lines[#lines + 1] = line
    end
    pipe:close()
    remove()
    assert.equal(4, #lines, table.concat(lines, "\n"))
    assert.matches("^protocol\tfalse\tnone\t.*resolves to an address to which this service may not", lines[1])
    assert.matches("^connect\ttrue\tnone\t", lines[2]) -- the service is here, too
    assert.matches("^connect\ttrue\tnone\t", lines[3])
    assert.matches("^connect\ttrue\tnone\t", lines[4]) -- the proxy looks names up
  end)
end)
