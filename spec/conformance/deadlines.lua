--- How late calls end whose time is over, in whatever host: while others go on, against servers that never answer, that
-- answer in drips, and that are not there.
local core = require "openhands.core"

local M = {}

local ROUNDS = 3

---@param context table as for course.lua
function M.run(context)
  local latest = 0
  local client = context.openhands.new { base_url = context.upstream, api_key = "any", api = "v1", loop = context.loop }
  local missing = context.openhands.new { base_url = context.refused, api_key = "any", api = "v1", loop = context.loop }

  local function call(of, path, deadline)
    return function()
      local began = core.monotonic()
      local _, err = of:request({ path = path }, { deadline = deadline })
      if err then latest = math.max(latest, core.monotonic() - began - deadline) end
      return true
    end
  end

  local function sleep(seconds)
    return function()
      local began = core.monotonic()
      client:sleep(seconds)
      latest = math.max(latest, core.monotonic() - began - seconds)
      return true
    end
  end

  for round = 1, ROUNDS do
    local list = {}
    for i = 1, 4 do
      list[#list + 1] = call(client, "/hung", 0.1 * i)
      list[#list + 1] = call(client, "/drip", 0.1 * i + 0.03)
      list[#list + 1] = call(client, "/slow/" .. round, 5)
      list[#list + 1] = call(missing, "/now/1", 0.1 * i)
      list[#list + 1] = sleep(0.05 * i)
    end
    assert(client:all(list))
  end
  client:close()
  missing:close()
  context.say(("latest %.6f"):format(latest))
end

return M
