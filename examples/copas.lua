-- A server in copas that starts a conversation for each client: it reads a prompt and sends the answer back when the
-- conversation has ended. Many clients can wait at the same time without delaying each other.
--
-- usage: lua examples/copas.lua [port]
--
-- With a port it serves until Ctrl-C (try `printf 'Fix the typos.\n' | nc 127.0.0.1 PORT`). Without one it serves three
-- clients of its own and ends. With OPENHANDS_API_KEY in the environment it uses the service: each client costs one
-- paid conversation. Without it, it uses the simulator, which is free.

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

-- Serves one client. The call reads as if it blocked, but copas runs the other threads meanwhile.
local function serve(connection)
  local prompt = copas.receive(connection, "*l")
  if prompt then
    local done, err = client:run({ initial_user_msg = prompt }, { interval = interval })
    local answer = done and (done.answer or done.detail) or tostring(err)
    copas.send(connection, ("%s: %s\n"):format(done and done.state or "failed", answer))
  end
  connection:close() -- copas 1.x closes only the last socket that the handler has waited for
end

local listener = assert(socket.bind("127.0.0.1", port or 0))
copas.addserver(listener, serve)
local _, bound = listener:getsockname()
print("serving on 127.0.0.1:" .. bound)

if port then
  copas.loop()
end

local prompts = { "Fix the typos in README.md.", "Add a test for the parser.", "Explain main.c. [simulate: error]" }
local running = #prompts

local function ask(prompt)
  local connection = socket.tcp()
  local answer, problem = copas.connect(connection, "127.0.0.1", tonumber(bound))
  if answer then
    copas.send(connection, prompt .. "\n")
    answer, problem = copas.receive(connection, "*l")
  end
  print(prompt .. " -> " .. (answer or problem))
  connection:close()
  running = running - 1
end

for _, prompt in ipairs(prompts) do
  copas.addthread(function()
    ask(prompt)
  end)
end
while running > 0 do
  copas.step(1)
end

listener:close()
client:close()
if simulator then
  simulator:close()
end
