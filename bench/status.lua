-- The same calls as loop.c, through this library.
-- `lua status.lua API BASE_URL COUNT` prints the CPU microseconds of a call.
local openhands = require "openhands"

local api, base_url, count = arg[1], arg[2], tonumber(arg[3])
local id = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"
local client = assert(openhands.new { base_url = base_url, api_key = "bench", api = api })

local before
for i = -9, count do -- the first ten connect and warm up
  if i == 1 then before = os.clock() end
  local conversation = assert(client:status(id))
  assert(conversation.state == (api == "v1" and "finished" or "running"))
end
print(("%.3f"):format((os.clock() - (before or 0)) / math.max(count, 1) * 1e6))
client:close()
