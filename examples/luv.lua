-- Runs two conversations at once in a program on luv, while a timer of the program goes on ticking.
--
-- usage: lua examples/luv.lua [prompt [prompt]]
--
-- With OPENHANDS_API_KEY or OPENHANDS_CLOUD_API_KEY in the environment it uses the service: two paid conversations.
-- Without them, it uses the simulator, which is free.

local openhands = require "openhands"
local uv = require "luv"

local prompts = { arg[1] or "Check README.md for incorrect information.", arg[2] or "Update the dependencies." }

local settings, interval, simulator = { loop = "uv" }, nil, nil
local key = os.getenv "OPENHANDS_API_KEY" or os.getenv "OPENHANDS_CLOUD_API_KEY"
if not key or key == "" then
  simulator = require("openhands.simulator").spawn { pace = 0.02 } -- a minute in 1.2 seconds
  settings.base_url, settings.api_key, interval = simulator.address, "any", 0.1
  print("No OPENHANDS_API_KEY: running on the simulator, at " .. simulator.address)
end
local client = openhands.new(settings)

local ticks = 0
local timer = uv.new_timer()
timer:start(0, 100, function()
  ticks = ticks + 1
end)

local left = #prompts
for index, prompt in ipairs(prompts) do
  local task = client:spawn(function()
    return client:run({ initial_user_msg = prompt }, {
      interval = interval,
      on_change = function(now)
        print(index, now.state)
      end,
    })
  end)
  task:on_done(function(err, conversation)
    print(index, err or conversation.answer or conversation.state)
    left = left - 1
    if left == 0 then
      timer:close()
    end
  end)
end

uv.run() -- returns when no task, exchange or timer is left
print(("the timer has ticked %d times meanwhile"):format(ticks))
client:close()
if simulator then
  simulator:close()
end
