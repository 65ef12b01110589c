-- A server in copas whose visitors start conversations: it reads a prompt from each and sends the answer back when the
-- conversation has ended. Many may wait at a time, and nobody holds up the others.
--
-- usage: lua examples/copas.lua [port]
--
-- With a port it serves there (`printf 'Fix the typos.\n' | nc 127.0.0.1 PORT`) until Ctrl-C. Without, it serves three
-- visitors of its own, and ends. With OPENHANDS_API_KEY in the environment it runs on the service: one paid
-- conversation for each visitor. Without, it runs on the simulator, which is started for the purpose, for free.

local copas = require "copas"
local socket = require "socket"
local openhands = require "openhands"

local port = tonumber(arg[1])

local simulator, client, interval
if os.getenv "OPENHANDS_API_KEY" then
  client = openhands.new { loop = "copas" }
else
  simulator = require("openhands.simulator").spawn { pace = 0.01 } -- a minute in 0.6 s
  client = openhands.new { loop = "copas", base_url = simulator.address, api_key = "any", grace = 0.1 }
  interval = 0.05
end

-- One visitor. The calls read as if they blocked; copas serves everybody else meanwhile.
local function serve(connection)
  local prompt = copas.receive(connection, "*l")
  if prompt then
    local done, err = client:run({ initial_user_msg = prompt }, { interval = interval })
    local answer = done and (done.answer or done.detail) or tostring(err)
    copas.send(connection, ("%s: %s\n"):format(done and done.state or "failed", answer))
  end
  connection:close() -- copas 1.x would only close what the handler waited for last
end

local listener = assert(socket.bind("127.0.0.1", port or 0))
copas.addserver(listener, serve)
local _, bound = listener:getsockname()
print("serving on 127.0.0.1:" .. bound)

if port then
  copas.loop()
end

local prompts = { "Fix the typos in README.md.", "Add a test for the parser.", "Explain main.c. [simulate: error]" }
local visitors = #prompts

local function visit(prompt)
  local connection = socket.tcp()
  local answer, problem = copas.connect(connection, "127.0.0.1", tonumber(bound))
  if answer then
    copas.send(connection, prompt .. "\n")
    answer, problem = copas.receive(connection, "*l")
  end
  print(prompt .. " -> " .. (answer or problem))
  connection:close()
  visitors = visitors - 1
end

for _, prompt in ipairs(prompts) do
  copas.addthread(function()
    visit(prompt)
  end)
end
while visitors > 0 do
  copas.step(1)
end

listener:close()
client:close()
if simulator then
  simulator:close()
end
