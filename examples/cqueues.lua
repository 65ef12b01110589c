-- Runs several conversations at once in cqueues, and at the same time a small server that reports their states.
--
-- usage: lua examples/cqueues.lua [prompt ...]
--
-- With OPENHANDS_API_KEY in the environment it uses the service: each prompt costs one paid conversation. Without it,
-- it uses the simulator, which is free.

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

local states = {} -- by the index of the prompt
local started, to_start = conditions.new(), #prompts
local finished, is_finished = conditions.new(), false

local function report()
  local lines = {}
  for index, prompt in ipairs(prompts) do
    lines[index] = ("%-9s %s"):format(states[index] or "waiting", prompt)
  end
  return table.concat(lines, "\n") .. "\n"
end

-- Runs one conversation from its start to its end. The calls read as if they blocked, but only this task waits.
---@param index integer of the prompt
local function run(index)
  local conversation, err = client:start { initial_user_msg = prompts[index] }
  states[index], to_start = conversation and "running" or "failed", to_start - 1
  started:signal()
  local done = assert(assert(conversation, err):wait { interval = interval })
  states[index] = done.state
  return done
end

local function serve(listener)
  while not is_finished do
    local connection = listener:accept(0)
    if connection then
      connection:write(report())
      connection:close()
    else
      cqueues.poll(listener, finished)
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
  for index in ipairs(prompts) do
    tasks[index] = client:spawn(run, index)
  end
  while to_start > 0 do
    started:wait()
  end
  print("Meanwhile the server reports:\n" .. ask(port))
  for index, task in ipairs(tasks) do
    local done, err = task:wait()
    print(("%s: %s"):format(prompts[index], done and done.answer or done and done.detail or tostring(err)))
  end
  print("\nAt the end it reports:\n" .. ask(port))
  is_finished = true
  finished:signal()
end)

local good, problem = controller:loop()
client:close()
if simulator then
  simulator:close()
end
if not good then
  error(problem, 0)
end
