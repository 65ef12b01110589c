-- Debian's lua-curl 0.3.0, for the language of Lua 5.1 alone, and lua-cjson: a warm handle, one call after the other.
local cjson = require "cjson"
local curl = require "curl"
local work = require "work"

if work.name == "version" then
  print("lua-curl " .. curl._VERSION)
  return
elseif work.name:find "^many" then
  work.unsupported()
end

local parts = {}
local easy = curl.easy_init()
easy:setopt(curl.OPT_HTTPHEADER, {
  "Authorization: Bearer bench",
  "Accept: application/json",
  "Content-Type: application/json",
})
easy:setopt(curl.OPT_NOSIGNAL, 1)
easy:setopt(curl.OPT_FAILONERROR, 1)
if work.name == "start" then
  easy:setopt(curl.OPT_FRESH_CONNECT, 1)
  easy:setopt(curl.OPT_FORBID_REUSE, 1)
end
easy:setopt(curl.OPT_WRITEFUNCTION, function(bytes, length)
  parts[#parts + 1] = bytes
  return length
end)

work.sequence(function(id)
  local path, body = work.request(id)
  parts = {}
  easy:setopt(curl.OPT_URL, work.base .. path)
  if body then
    easy:setopt(curl.OPT_POSTFIELDS, cjson.encode(body))
  end
  assert(easy:perform() == 0)
  work.check(cjson.decode(table.concat(parts)), id)
end)
