-- Lua-cURLv3 and lua-cjson: a warm handle, one call after the other.
local cjson = require "cjson"
local curl = require "cURL"
local work = require "work"

if work.name == "version" then
  print(curl._VERSION)
  return
elseif work.name:find "^many" then
  work.unsupported()
end

local parts = {}
local easy = curl.easy {
  httpheader = { "Authorization: Bearer bench", "Accept: application/json", "Content-Type: application/json" },
  useragent = "bench",
  nosignal = true,
  fresh_connect = work.name == "start",
  forbid_reuse = work.name == "start",
  writefunction = function(bytes)
    parts[#parts + 1] = bytes
    return true
  end,
}

work.sequence(function(id)
  local path, body = work.request(id)
  parts = {}
  easy:setopt_url(work.base .. path)
  if body then
    easy:setopt_postfields(cjson.encode(body))
  end
  easy:perform()
  assert(easy:getinfo_response_code() == 200)
  work.check(cjson.decode(table.concat(parts)), id)
end)
