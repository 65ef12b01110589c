--- An app server that is locked with SESSION_API_KEY.
--   locked.lua ADDRESS KEY
local openhands = require "openhands"
local rows = require "spec.real.table"
local must, same = rows.must, rows.same

local address, key = arg[1], arg[2]
local locked = rows.new "locked"

locked:row("the account's key does not open it", function()
  local client = openhands.new { base_url = address, api_key = "any" }
  local answer, err = client:count()
  client:close()
  same(nil, answer, "answer")
  same("authentication", err.kind, "kind")
  return tostring(err)
end)

locked:row("SESSION_API_KEY opens it", function()
  local client = openhands.new { base_url = address, session_api_key = key }
  same(0, must(client:count()), "conversations")
  must(client:me())
  client:close()
end)

os.exit(locked:close() and 0 or 1, true)
