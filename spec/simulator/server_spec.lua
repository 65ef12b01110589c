local uv = require "luv"
local json = require "openhands.simulator.encoding.json"
local raw_client = require "spec.support.raw_client"
local simulator = require "openhands.simulator"

local connect, request, is_gone = raw_client.connect, raw_client.request, raw_client.is_gone
local ask, account = raw_client.ask, raw_client.end_of_account

local interpreter = arg[-1]
for index = -1, -20, -1 do interpreter = arg[index] or interpreter end

local function run(words, input)
  local pipe = io.popen(("printf '%s' | %s lua/openhands/simulator/server.lua %s 2>&1"):format(input or "", interpreter,
    words))
  local output = pipe:read("*a")
  pipe:close()
  return output
end

describe("the simulator's server", function()
  local server, client

  setup(function() server = simulator.spawn { pace = 0.01 } end)
  teardown(function() server:close() end)
  before_each(function()
    server:reset()
    client = connect(server.address)
  end)
  after_each(function() client.close() end)

  it("serves many requests on one connection", function()
    local counts
    for _ = 1, 3 do
      client.send(ask)
      assert.is_truthy(client.read(account):find("^HTTP/1.1 200 OK\r\n"))
      counts = counts or server:connections()
    end
    assert.are.equal(1, counts.open)
    assert.are.same(counts, server:connections())
  end)

  it("answers pipelined requests in order", function()
    client.send(ask .. request("GET", "/saas") .. request("POST", "/api/v1/app-conversations", "{}") .. ask)
    local first, second, third, rest = client.read(account .. ".*WORKING.*" .. account)
      :match("^(HTTP/1.1 .-)(HTTP/1.1 .-)(HTTP/1.1 .-)(HTTP/1.1 .*)$")
    assert.is_truthy(first:find(account, 1, true))
    assert.is_truthy(second:find('{"saas":true}', 1, true))
    assert.is_truthy(third:find('"WORKING"', 1, true))
    assert.is_truthy(rest:find(account, 1, true))
  end)

  it("finishes a response before it starts the next", function()
    server:faults { { point = "after_commit", action = "drip", bytes = 100, seconds = 0.01 } }
    client.send(ask)
    assert.is_truthy(client.read("^HTTP"))
    client.send(request("GET", "/saas"))
    assert.is_truthy(client.read('"saas":true}$'):find('"v1_enabled":true}HTTP/1.1 200 OK\r\n', 1, true))
  end)

  it("reads a request cut at any byte", function()
    local bytes = request("POST", "/api/v1/app-conversations?x=%20", '{"title":"t"}', "X-Odd:  spaced  \r\n")
    for at = 1, #bytes - 1 do
      client.send(bytes:sub(1, at))
      uv.run("nowait")
      client.send(bytes:sub(at + 1))
      assert.is_truthy(client.read('"WORKING".-}$'):find("^HTTP/1.1 200"))
    end
    local log = server:requests()
    assert.are.equal(#bytes - 1, #log)
    for _, entry in ipairs(log) do
      assert.are.same({ "/api/v1/app-conversations", "x=%20", '{"title":"t"}', "spaced" },
        { entry.path, entry.query, entry.body, entry.headers["x-odd"] })
    end
    assert.are.equal(#log, server:jobs())
  end)

  it("reads chunked bodies, with extensions and trailers, in pieces", function()
    local bytes = "POST /api/v1/app-conversations HTTP/1.1\r\nAuthorization: Bearer k\r\n"
      .. "Transfer-Encoding: chunked\r\n\r\n"
      .. '5;a=b\r\n{"tit\r\nA\r\nle":"x\\r\\n\r\n2\r\n"}\r\n0\r\nX-Trailer: y\r\n\r\n'
    for at = 1, #bytes - 1, 7 do
      client.send(bytes:sub(1, at))
      uv.run("nowait")
      client.send(bytes:sub(at + 1))
      assert.is_truthy(client.read('"WORKING".-}$'):find("^HTTP/1.1 200"))
    end
    for _, entry in ipairs(server:requests()) do assert.are.equal('{"title":"x\\r\\n"}', entry.body) end
    client.send(bytes .. ask)
    assert.is_truthy(client.read(account))
  end)

  it("preserves large bodies and any bytes", function()
    local body = ("\0\255x"):rep(100000)
    client.send(request("POST", "/api/v1/app-conversations", body))
    client.read("json_invalid.-}$")
    assert.is_true(server:requests()[1].body == body)
  end)

  it("sends 100 Continue once to a client that expects it", function()
    local head, body = request("POST", "/api/v1/app-conversations", "{}", "Expect: 100-continue\r\n")
      :match("^(.*)({})$")
    client.send(head)
    assert.are.equal("HTTP/1.1 100 Continue\r\n\r\n", (client.read("\r\n\r\n")))
    for byte in body:gmatch(".") do
      client.send(byte)
      server:time() -- by its answer, the byte was read
    end
    assert.is_truthy(client.read('"WORKING".-}$'):find("^HTTP/1.1 200"))
  end)

  it("closes after a response on request, and for HTTP/1.0", function()
    client.send((ask:gsub("\r\nHost", "\r\nConnection: close\r\nHost")))
    local bytes, ending = client.read()
    assert.are.equal("closed", ending)
    assert.is_truthy(bytes:find("\r\nConnection: close\r\n", 1, true))
    local old = connect(server.address)
    old.send((ask:gsub("HTTP/1.1", "HTTP/1.0")))
    assert.are.equal("closed", select(2, old.read()))
    old.close()
  end)

  it("answers malformed requests with 400 and closes", function()
    for _, bytes in ipairs {
      "hello\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    } do
      local other = connect(server.address)
      other.send(bytes)
      local answer, ending = other.read()
      assert.are.same({ "closed", 1 }, { ending, (answer:find("HTTP/1.1 400 Bad Request\r\n", 1, true)) })
      other.close()
    end
  end)

  it("commits a delayed request although the client has gone", function()
    server:faults { { point = "after_read", action = "delay", seconds = 0.05 } }
    client.send(request("POST", "/api/v1/app-conversations", "{}"))
    client.read("never", 0.01)
    local other = client
    client = connect(server.address)
    other.close()
    local count
    for _ = 1, 10000 do
      count = server:jobs()
      if count == 1 then break end
    end
    assert.are.equal(1, count)
  end)

  it("follows real time, and advances it on command", function()
    client.send(request("POST", "/api/v1/app-conversations", '{"conversation_id":"' .. ("a"):rep(32) .. '"}'))
    client.read("WORKING")
    assert.is_true(server:advance(1) >= 1)
    client.send(request("GET", "/api/v1/app-conversations?ids=" .. ("a"):rep(32)))
    local bytes = client.read('"[^"]+"}%]$')
    assert.is_truthy(bytes:find('"execution_status":"finished"', 1, true))
    assert.is_truthy(bytes:find(server.address .. "/runtime/", 1, true))
    local first = server:time()
    assert.is_true(math.abs(first.now - os.time() - 1) < 2)
    assert.is_true(server:time().time > first.time)
  end)

  it("returns its starts, and resets on command", function()
    client.send(request("POST", "/api/conversations", '{"initial_user_msg":"h\195\169"}'))
    client.read("STOPPED")
    local starts = server:starts()
    assert.are.same({ 1, "v0", '{"initial_user_msg":"h\195\169"}' }, { #starts, starts[1].api, starts[1].body })
    server:throttle("burst", -1)
    server:options { api = "v1" }
    server:faults { { point = "accept", action = "hang", count = -1 } }
    server:reset()
    assert.are.same({ 0, 0, 0 }, { #server:starts(), #server:requests(), server:jobs() })
    local _, ending = client.read()
    assert.are.equal("ECONNRESET", ending)
    local other = connect(server.address)
    other.send(request("GET", "/api/conversations"))
    assert.is_truthy(other.read("}$"):find('"results":[]', 1, true))
    other.close()
  end)

  it("throttles and changes its options on command", function()
    server:throttle("window", 1, { retry_after = "-1" })
    client.send(ask)
    assert.is_truthy(client.read("}$"):find("\r\nRetry-After: -1\r\n", 1, true))
    server:options { keys = { "other" }, unauthorized = "detail" }
    client.send(ask)
    assert.is_truthy(client.read("}$"):find("^HTTP/1.1 401 Unauthorized\r\n"))
    assert.has_error(function() server:options { nonsense = true } end, "simulator: unknown option: nonsense")
    assert.has_error(function() server:throttle("nonsense") end)
  end)

  it("refuses connections on command, and listens again on the same port", function()
    server:refuse()
    assert.are.equal("ECONNRESET", select(2, client.read()))
    assert.is_true(is_gone(server.address))
    server:refuse(false)
    local other = connect(server.address)
    other.send(ask)
    assert.is_truthy(other.read(account):find("^HTTP/1.1 200"))
    other.close()
  end)
end)

describe("a spawned simulator", function()
  it("runs beside others and ends on close", function()
    local one, other = simulator.spawn { api = "v0" }, simulator.spawn()
    assert.are_not.equal(one.address, other.address)
    one:close()
    assert.is_true(is_gone(one.address))
    assert.are.equal(0, other:jobs())
    other:close()
    other:close()
    assert.is_true(is_gone(other.address))
    assert.has_error(function() other:jobs() end)
  end)

  it("raises after it was killed, and does not kill its parent", function()
    local server = simulator.spawn()
    uv.kill(server.pid, 9)
    assert.is_true(is_gone(server.address))
    for _ = 1, 2 do
      assert.has_error(function() server:jobs() end, "the simulator has ended")
    end
    server:close()
  end)

  it("ends on SIGTERM and SIGINT", function()
    for _, signal in ipairs { 15, 2 } do
      local server = simulator.spawn()
      uv.kill(server.pid, signal)
      assert.is_true(is_gone(server.address))
      server:close()
    end
  end)

  it("ends with its parent", function()
    local script = ('package.path = %q; print(require("openhands.simulator").spawn().address)'):format(package.path)
    local pipe = io.popen(("%s -e %s"):format(interpreter, "'" .. script .. "'"))
    local address = pipe:read("*l")
    pipe:close()
    assert.is_true(is_gone(address))
  end)

  it("does not start with unknown options or an unknown interpreter", function()
    local output = run("--options '{\"pace_\":1}'")
    assert.is_truthy(output:find("unknown option: pace_", 1, true))
    assert.has_error(function() simulator.spawn { lua = "/nonexistent/lua" } end,
      "the simulator did not start with /nonexistent/lua")
  end)
end)

describe("the simulator's program", function()
  it("prints its address, runs commands from its input, and ends with it", function()
    local lines = {}
    local output = run("--pace 0.5 --api v1", '{"command":"jobs"}\\n{"command":"nonsense"}\\nnonsense\\n')
    for line in output:gmatch("[^\n]+") do lines[#lines + 1] = line end
    assert.are.equal(4, #lines)
    assert.is_truthy(lines[1]:match("^http://127%.0%.0%.1:%d+$"))
    assert.are.same({ ok = true, value = 0 }, json.decode(lines[2]))
    assert.are.same({ ok = false, error = "unknown command" }, json.decode(lines[3]))
    assert.is_false(json.decode(lines[4]).ok)
  end)

  it("prints its usage, and refuses unknown options", function()
    assert.is_truthy(run("--help"):find("^usage: "))
    assert.is_truthy(run("--nonsense"):find("unknown option: --nonsense", 1, true))
    assert.is_truthy(run("--pace quick"):find("--pace needs a number", 1, true))
    assert.is_truthy(run("--api"):find("--api needs a value", 1, true))
    assert.is_truthy(run("--api v3"):find("api must be one of both, v0, v1", 1, true))
    assert.is_truthy(run("--options [1"):find("--options: ", 1, true))
  end)

  it("ends at once without input", function()
    local pipe = io.popen(interpreter .. " lua/openhands/simulator/server.lua </dev/null")
    assert.is_truthy(pipe:read("*a"):match("^http://127%.0%.0%.1:%d+\n$"))
    pipe:close()
  end)
end)
