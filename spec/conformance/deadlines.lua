--- Measures in the host that calls it how late calls end after their deadlines, while other calls go on: with servers
-- that never answer, that send single bytes, and that are not there. Reports a call that ends too early or otherwise.
local core = require "openhands.core"

local M = {}

local ROUNDS = 3
local TOLERANCE = 0.002 -- seconds: libcurl and most hosts count in milliseconds

---@param context table as for course.lua
function M.run(context)
  local latest, refusals, problem = 0, 0, nil
  local client = context.openhands.new { base_url = context.upstream, api_key = "any", api = "v1", loop = context.loop }
  local missing = context.openhands.new { base_url = context.refused, api_key = "any", api = "v1", loop = context.loop }

  local function note(what, began, seconds)
    local late = core.monotonic() - began - seconds
    if late < -TOLERANCE then error(("%s ended %.1f ms too early"):format(what, -late * 1000)) end
    latest = math.max(latest, late)
  end

  -- A call without an answer: only a refused connection may end it before its deadline.
  local function late_call(of, path, deadline, may_be_refused)
    return function()
      local began = core.monotonic()
      local answer, err = of:request({ path = path }, { deadline = deadline })
      if answer ~= nil then error(path .. " was answered") end
      if may_be_refused and err.kind == "connect" then
        refusals = refusals + 1
        latest = math.max(latest, core.monotonic() - began - deadline)
      elseif err.kind == "timeout" then
        note(path, began, deadline)
      else
        error(("%s ended with %s: %s"):format(path, err.kind, err.message))
      end
      return true
    end
  end

  local function slow_call(number)
    return function()
      local answer, err = client:request({ path = "/slow/" .. number }, { deadline = 5 })
      if not answer or answer.number ~= number then
        error(("/slow/%d ended with %s"):format(number, err and err.message or "another answer"))
      end
      return true
    end
  end

  local function sleep(seconds)
    return function()
      local began = core.monotonic()
      client:sleep(seconds)
      note("a sleep", began, seconds)
      return true
    end
  end

  for round = 1, ROUNDS do
    local list = {}
    for i = 1, 4 do
      list[#list + 1] = late_call(client, "/hung", 0.1 * i)
      list[#list + 1] = late_call(client, "/drip", 0.1 * i + 0.03)
      list[#list + 1] = late_call(missing, "/now/1", 0.1 * i, true)
      list[#list + 1] = slow_call(10 * round + i)
      list[#list + 1] = sleep(0.05 * i)
    end
    local results, err = client:all(list)
    problem = problem or not results and err.message
  end
  if refusals == 0 then problem = problem or "no connection was refused where nothing listens" end
  client:close()
  missing:close()
  context.report(problem or ("latest %.6f"):format(latest))
end

return M
