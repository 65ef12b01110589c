-- Several conversations at once in cqueues, beside something else that the host does: a small server which tells
-- whoever connects how the conversations stand.
--
-- usage: lua examples/cqueues.lua [prompt ...]
--
-- With OPENHANDS_API_KEY in the environment it runs on the service: one paid conversation for each prompt. Without, it
-- runs on the simulator, which is started for the purpose, for free.

local conditions = require "cqueues.condition"
local cqueues = require "cqueues"
local sockets = require "cqueues.socket"
local openhands = require "openhands"

local prompts = { ... }
if #prompts == 0 then
  prompts = { "Fix the typos in README.md.", "Add a test for the parser.", "Explain main.c. [simulate: error]" }
end

local simulator, client, interval
if os.getenv "OPENHANDS_API_KEY" then
  client = openhands.new { loop = "cqueues" }
else
  simulator = require("openhands.simulator").spawn { pace = 0.01 } -- a minute in 0.6 s
  client = openhands.new { loop = "cqueues", base_url = simulator.address, api_key = "any", grace = 0.1 }
  interval = 0.05
end

local states = {} -- by place of the prompt
local begun, left = conditions.new(), #prompts -- that are still to begin
local over, is_over = conditions.new(), false

local function report()
  local lines = {}
  for place, prompt in ipairs(prompts) do
    lines[place] = ("%-9s %s"):format(states[place] or "waiting", prompt)
  end
  return table.concat(lines, "\n") .. "\n"
end

-- One conversation, from its start to its end. It reads as if it blocked, and blocks nobody.
---@param place integer
local function converse(place)
  local conversation, err = client:start { initial_user_msg = prompts[place] }
  states[place], left = conversation and "running" or "failed", left - 1
  begun:signal()
  local done = assert(assert(conversation, err):wait { interval = interval })
  states[place] = done.state
  return done
end

local function serve(listener)
  while not is_over do
    local connection = listener:accept(0)
    if connection then
      connection:write(report())
      connection:close()
    else
      cqueues.poll(listener, over)
    end
  end
  listener:close()
end

local function ask(port)
  local connection = assert(sockets.connect("127.0.0.1", port))
  local answer = connection:read "*a"
  connection:close()
  return answer
end

local controller = cqueues.new()

controller:wrap(function()
  local listener = assert(sockets.listen { host = "127.0.0.1", port = 0 })
  local _, _, port = listener:localname()
  controller:wrap(serve, listener)

  local tasks = {}
  for place in ipairs(prompts) do
    tasks[place] = client:spawn(converse, place)
  end
  while left > 0 do
    begun:wait()
  end
  print("Meanwhile the server says:\n" .. ask(port))
  for place, task in ipairs(tasks) do
    local done, err = task:wait()
    print(("%s: %s"):format(prompts[place], done and done.answer or done and done.detail or tostring(err)))
  end
  print("\nAt the end it says:\n" .. ask(port))
  is_over = true
  over:signal()
end)

local good, problem = controller:loop()
client:close()
if simulator then
  simulator:close()
end
if not good then
  error(problem, 0)
end
