-- lua-http and lua-cjson. Calls in flight at the same time are coroutines of cqueues. Each has a connection of its own,
-- with HTTP/1.1 even over TLS: lua-http 0.4 hangs when a hundred calls share a connection of HTTP/2.
local cjson = require "cjson"
local client = require "http.client"
local cqueues = require "cqueues"
local headers = require "http.headers"
local tls = require "http.tls"
local version = require "http.version"
local work = require "work"

if work.name == "version" then
  print(("lua-http %s"):format(version.version))
  return
end

local is_secure, host, port = work.base:match "^http(s?)://([^:]+):(%d+)"
is_secure = is_secure == "s"

local context
if is_secure then
  context = tls.new_client_context()
  context:setVerify(1) -- the server's certificate
  context:getStore():add(os.getenv "BENCH_CA")
end

local function connect()
  return assert(client.connect {
    host = host, port = port, tls = is_secure, ctx = context,
    version = 1.1,
  })
end

local function call(connection, id)
  local path, body = work.request(id)
  local stream, fields = assert(connection:new_stream()), headers.new()
  fields:append(":method", body and "POST" or "GET")
  fields:append(":scheme", is_secure and "https" or "http")
  fields:append(":authority", host .. ":" .. port)
  fields:append(":path", path)
  fields:append("authorization", "Bearer bench")
  fields:append("accept", "application/json")
  fields:append("user-agent", "bench")
  if body then
    body = cjson.encode(body)
    fields:append("content-type", "application/json")
    fields:append("content-length", tostring(#body))
  end
  assert(stream:write_headers(fields, not body))
  if body then
    assert(stream:write_body_from_string(body))
  end
  assert(assert(stream:get_headers()):get ":status" == "200")
  work.check(cjson.decode(assert(stream:get_body_as_string())), id)
  stream:shutdown()
end

if work.name:find "^many" then
  local loop, take, finish = cqueues.new(), work.queue()
  for _ = 1, work.in_flight do
    loop:wrap(function()
      local connection = connect()
      for id in take do
        call(connection, id)
        finish()
      end
    end)
  end
  assert(loop:loop())
elseif work.name == "start" then
  work.sequence(function(id)
    local connection = connect()
    call(connection, id)
    connection:close()
  end)
else
  local connection
  work.sequence(function(id)
    connection = connection or connect()
    call(connection, id)
  end)
end
