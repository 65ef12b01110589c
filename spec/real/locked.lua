--- Checks the library on an app server that requires SESSION_API_KEY.
--   locked.lua ADDRESS KEY
local openhands = require "openhands"
local checks = require "spec.real.checks"
local must, same = checks.must, checks.same

local address, key = arg[1], arg[2]
local locked = checks.new "locked"

locked:check("the account's key does not open it", function()
  local client = openhands.new { base_url = address, api_key = "any" }
  local answer, err = client:count()
  client:close()
  same(nil, answer, "answer")
  same("authentication", err.kind, "kind")
  return tostring(err)
end)

locked:check("SESSION_API_KEY opens it", function()
  local client = openhands.new { base_url = address, session_api_key = key }
  same(0, must(client:count()), "conversations")
  must(client:me())
  client:close()
end)

os.exit(locked:close() and 0 or 1, true)
