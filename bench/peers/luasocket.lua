-- luasocket's socket.http and lua-cjson. It opens a connection for each call.
local cjson = require "cjson"
local http = require "socket.http"
local ltn12 = require "ltn12"
local socket = require "socket"
local work = require "work"

if work.name == "version" then
  print(socket._VERSION)
  return
elseif work.name:find "^many" then
  work.unsupported()
end

work.sequence(function(id)
  local path, body = work.request(id)
  local text, parts = body and cjson.encode(body), {}
  local fields = { authorization = "Bearer bench", accept = "application/json" }
  if text then
    fields["content-type"], fields["content-length"] = "application/json", tostring(#text)
  end
  local _, status = http.request {
    url = work.base .. path,
    method = text and "POST" or "GET",
    headers = fields,
    source = text and ltn12.source.string(text) or nil,
    sink = ltn12.sink.table(parts),
  }
  assert(status == 200, status)
  work.check(cjson.decode(table.concat(parts)), id)
end)
