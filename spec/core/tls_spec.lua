-- TLS with nginx in front of the simulator: the client sends neither its key nor a prompt to a server whose certificate
-- it cannot verify.
local core = require "openhands.core"
local openhands = require "openhands"
local simulator = require "openhands.simulator"
local uv = require "luv"
local assertions = require "spec.support.assertions"
local canary = require "spec.support.canary"
local files = require "spec.support.files"
local raw_client = require "spec.support.raw_client"

local fields = { initial_user_msg = "prompt-canary-93", repository = "owner/repo" }
local id = "0123456789abcdef0123456789abcdef"

local function find_program(name)
  local shell = assert(io.popen("PATH=$PATH:/usr/sbin:/usr/local/sbin:/sbin command -v " .. name))
  local path = shell:read "*l"
  shell:close()
  return path
end

local nginx, openssl = find_program "nginx", find_program "openssl"

-- [NAME]: the subject's alternative names, the days of validity, and the signer: the authority "ours" or "another", or
-- "self".
local certificates = {
  good = { "IP:127.0.0.1,DNS:localhost", 2, "ours" },
  expired = { "IP:127.0.0.1,DNS:localhost", 0, "ours" },
  ["of another host"] = { "DNS:example.com,IP:127.0.0.2", 2, "ours" },
  ["self-signed"] = { "IP:127.0.0.1,DNS:localhost", 2, "self" },
  ["of an unknown authority"] = { "IP:127.0.0.1,DNS:localhost", 2, "another" },
}

describe("TLS on the wire", function()
  if not nginx or not openssl then
    local missing = (nginx and "" or "nginx ") .. (openssl and "" or "openssl")
    it("needs " .. missing, function()
      if os.getenv "CI" == "true" then error("missing: " .. missing) end
      pending("missing: " .. missing)
    end)
    return
  end

  local server, directory, remove, ports, client, quiet_port

  local function run(command)
    local log = directory .. "/commands.log"
    local result = os.execute(("cd %s && (%s) >>%s 2>&1"):format(directory, command, log))
    if result ~= 0 and result ~= true then error(command .. "\n" .. files.read(log)) end
  end

  local key = openssl .. " genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out %s.key; "

  local function make_authority(name)
    run((key .. "%s req -x509 -new -key %s.key -subj /CN=%s -days 2 -out %s.pem")
      :format(name, openssl, name, name, name))
  end

  local function make_certificate(file, names, days, signer)
    files.write(directory .. "/extensions", "subjectAltName=" .. names .. "\n")
    local signing = signer == "self" and ("-signkey %s.key"):format(file)
      or ("-CA %s.pem -CAkey %s.key -set_serial 7"):format(signer, signer)
    run((key .. "%s req -new -key %s.key -subj /CN=127.0.0.1 -out %s.csr; %s x509 -req -in %s.csr %s -days %d "
      .. "-extfile extensions -out %s.pem"):format(file, openssl, file, file, openssl, file, signing, days, file))
  end

  local function free_port()
    local socket = uv.new_tcp()
    assert(socket:bind("127.0.0.1", 0))
    local port = socket:getsockname().port
    return port, function() socket:close() end
  end

  local function configuration(blocks)
    return ([[
      pid nginx.pid; error_log error.log; worker_processes 1; daemon on;
      events { worker_connections 256; }
      http {
        log_format ours '$connection $server_protocol $request_method $request_uri $http_authorization';
        access_log off;
        client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi;
        scgi_temp_path scgi;
        %s
      }
    ]]):format(blocks)
  end

  local function block(file, port)
    return ([[server {
      listen 127.0.0.1:%d ssl http2; ssl_certificate %s.pem; ssl_certificate_key %s.key; access_log %s.log ours;
      location / { proxy_pass %s; proxy_http_version 1.1; proxy_buffering off; proxy_read_timeout 30s; }
    }
    ]]):format(port, file, file, file, server.address)
  end

  setup(function()
    server = simulator.spawn { pace = 0 }
    directory, remove = files.directory()
    run "chmod 711 ."
    make_authority "ours"
    make_authority "another"
    ports = {}
    local blocks, releases, count = {}, {}, 0
    for name, of in pairs(certificates) do
      count = count + 1
      local file = "c" .. count
      local port, release = free_port()
      ports[name], releases[count] = { port = port, log = directory .. "/" .. file .. ".log" }, release
      make_certificate(file, of[1], of[2], of[3])
      blocks[count] = block(file, port)
    end
    quiet_port, releases[count + 1] = free_port()
    blocks[count + 1] = ("server { listen 127.0.0.1:%d; return 204; }\n"):format(quiet_port)
    files.write(directory .. "/nginx.conf", configuration(table.concat(blocks)))
    for _, release in ipairs(releases) do release() end
    uv.run "nowait"
    run(("%s -p %s -c %s/nginx.conf -e %s/error.log"):format(nginx, directory, directory, directory))
  end)

  teardown(function()
    local pid = tonumber((files.read(directory .. "/nginx.pid")))
    os.execute(("kill -TERM %d; i=0; while kill -0 %d 2>/dev/null && [ $i -lt 100000 ]; do i=$((i+1)); done")
      :format(pid, pid))
    server:close()
    remove()
  end)

  -- nginx writes its log after it has answered. Its single worker has done so once it answers the next request.
  local function wait_for_log()
    raw_client.fetch({ address = "http://127.0.0.1:" .. quiet_port }, "GET / HTTP/1.0\r\n\r\n")
  end

  before_each(function()
    server:reset()
    canary.forget_log()
    wait_for_log()
    for _, of in pairs(ports) do run(": >" .. of.log) end
  end)

  after_each(function()
    if client then client:close() end
    client = nil
  end)

  local function address(name, host)
    return ("https://%s:%d"):format(host or "127.0.0.1", ports[name].port)
  end

  local function connect(name, settings)
    settings = settings or {}
    settings.base_url = settings.base_url or address(name)
    if settings.ca_file == nil then settings.ca_file = directory .. "/ours.pem" end
    client = canary.client(server, settings)
    return client
  end

  local function log_of(name)
    wait_for_log()
    return files.read(ports[name].log)
  end

  it("works with a private certificate authority, by address and by name", function()
    for _, host in ipairs { "127.0.0.1", "localhost" } do
      connect("good", { base_url = address("good", host) })
      local conversation = assert(client:start(fields))
      local done = assert(client:wait(conversation, { interval = 0.001, timeout = 20 }))
      assert.are.equal("finished", done.state)
      client:close()
    end
    assert.are.equal(2, server:jobs())
  end)

  it("reads by HTTP/2, and starts by HTTP/1.1 on a connection of its own", function()
    local conversation = assert(connect "good":start(fields))
    assert(client:status(conversation))
    local connections, reads, starts = {}, 0, 0
    for connection, protocol, method in log_of("good"):gmatch "(%d+) (%S+) (%S+) [^\n]*\n" do
      if method == "POST" then
        starts = starts + 1
        assert.are.equal("HTTP/1.1", protocol)
        assert.is_nil(connections[connection])
      else
        reads = reads + 1
        assert.are.equal("HTTP/2.0", protocol)
        connections[connection] = true
      end
    end
    assert.are.equal(1, starts)
    assert.is_true(reads >= 2)
    assert.is_nil(next(connections, (next(connections)))) -- all reads use one connection
  end)

  it("sends a hundred reads on a few connections", function()
    local handle = core.new {
      base_url = address "good", api_key = canary.key, ca_file = directory .. "/ours.pem",
    }
    for _ = 1, 100 do core.status(handle, id, { api = "v0" }) end
    local answered = 0
    for _ = 1, 10000 do
      if answered == 100 then break end
      handle:step(1)
      local number, value, err = handle:next()
      while number do
        assert.is_nil(err)
        assert.are.equal(core.null, value)
        answered = answered + 1
        number, value, err = handle:next()
      end
    end
    handle:close()
    assert.are.equal(100, answered)
    local connections, count = {}, 0
    for connection in log_of("good"):gmatch "(%d+) HTTP/2.0 GET [^\n]*\n" do
      if not connections[connection] then count = count + 1 end
      connections[connection] = true
    end
    assert.is_true(count >= 1 and count <= 10, count)
  end)

  it("finds a start whose answer was lost behind nginx", function()
    server:faults { { point = "after_commit", action = "reset", match = { method = "POST" } } }
    local conversation = assert(connect("good", { api = "v1" }):start(fields))
    assert.are.equal(1, server:jobs())
    local started = server:starts()[1].conversation_id
    assert.are.equal(assertions.comparable_id(started), assertions.comparable_id(conversation.conversation_id))
  end)

  -- Fails if the service or nginx has received a request.
  local function assert_nothing_received(name)
    assert.are.equal(0, #server:requests())
    assert.are.equal(0, server:jobs())
    local text = log_of(name)
    assert.is_nil(text:find("/api/", 1, true), text)
    assert.is_nil(text:find("Bearer", 1, true))
  end

  local function assert_refused(name, settings)
    for _, api in ipairs { "auto", "v0", "v1" } do
      settings.api = api
      connect(name, settings)
      for _, operate in ipairs {
        function() return client:status(id) end,
        function() return client:start(fields) end,
        function() return client:wait(id, { timeout = 20 }) end,
      } do
        local value, err = operate()
        assert.is_nil(value)
        assert.are.same({ "tls", false }, { assertions.assert_error(err).kind, err.retryable })
        canary.assert_no_secret(err, "prompt-canary")
      end
      client:close()
    end
    assert_nothing_received(name)
  end

  for name in pairs(certificates) do
    if name ~= "good" then
      it("trusts no certificate that is " .. name, function() assert_refused(name, {}) end)
    end
  end

  it("trusts only the authority that was given", function()
    assert_refused("good", { ca_file = directory .. "/another.pem" })
  end)

  it("trusts no authority that is unknown to the system", function()
    local handle = core.new { base_url = address "good", api_key = canary.key }
    core.start(handle, fields, { api = "v0" })
    local number, value, err
    for _ = 1, 1000 do
      handle:step(0.1)
      number, value, err = handle:next()
      if number then break end
    end
    handle:close()
    assert.is_nil(value)
    assert.are.same({ "tls", "none" }, { err.kind, err.effect })
    assert_nothing_received "good"
  end)

  it("fails when the file of authorities is missing, empty or not a certificate", function()
    files.write(directory .. "/empty.pem", "")
    files.write(directory .. "/text.pem", "no certificate\n")
    for _, file in ipairs { "missing.pem", "empty.pem", "text.pem" } do
      assert_refused("good", { ca_file = directory .. "/" .. file })
    end
  end)

  it("sends nothing to a server without TLS", function()
    server:faults { { point = "before_read", action = "garbage", count = -1 } }
    connect("good", { base_url = (server.address:gsub("^http:", "https:")), api = "v1" })
    local value, err = client:start(fields)
    assert.is_nil(value)
    assert.are.equal("tls", assertions.assert_error(err).kind)
    assert.are.equal(0, #server:requests())
  end)

  it("is required, except on loopback", function()
    for _, url in ipairs {
      "http://example.com", "http://10.0.0.1:3000", "http://127.0.0.1.example.com", "http://localhost.example.com",
      "http://[::2]", "http://0.0.0.0", "http://127.0.0.1@example.com", "HTTP://EXAMPLE.COM", "ftp://127.0.0.1",
      "http://localhost:80@example.com/", "//example.com", "file:///etc/passwd", "http://169.254.169.254/",
    } do
      local good, problem = pcall(openhands.new, { base_url = url, api_key = canary.key })
      assert.is_false(good, url)
      assert.is_truthy(tostring(problem):find("base_url", 1, true))
      canary.assert_no_secret(problem)
    end
    for _, url in ipairs { "http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "https://example.com" } do
      openhands.new({ base_url = url, api_key = canary.key }):close()
    end
  end)
end)
