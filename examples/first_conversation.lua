-- The first conversation: starts it, prints its states, and reads its answer.
--
-- usage: lua examples/first_conversation.lua [prompt [repository]]
--
-- With OPENHANDS_API_KEY or OPENHANDS_CLOUD_API_KEY in the environment it uses the service: one paid conversation.
-- Without them, it uses the simulator, which is free: one conversation in each dialect of the service.

local openhands = require "openhands"

local prompt = arg[1] or "Check README.md for incorrect information and send a PR to fix it."
local repository = arg[2]

local function report(...)
  print(("%-3s %-9s %s"):format(...))
  io.flush()
end

local function follow(client, interval)
  local conversation = assert(client:start { initial_user_msg = prompt, repository = repository })
  local dialect = conversation.api:upper()
  report(dialect, "started", conversation.url)

  local done = assert(client:wait(conversation, {
    interval = interval,
    on_change = function(now)
      report(dialect, now.state, now.title or "")
    end,
  }))
  report(dialect, "answer", done.answer or "(this dialect does not tell)")
  report(dialect, "cost", done.cost and ("$%.2f"):format(done.cost) or "(this dialect does not tell)")
  for _, page in ipairs(done.pull_requests or {}) do
    report(dialect, "PR", page)
  end
  print()
end

local key = os.getenv "OPENHANDS_API_KEY" or os.getenv "OPENHANDS_CLOUD_API_KEY"
if key and key ~= "" then
  local service = os.getenv "OPENHANDS_BASE_URL" or "https://app.all-hands.dev"
  print(("Running on the service, %s: this conversation is paid for.\n"):format(service))
  local client = openhands.new()
  follow(client)
  client:close()
else
  local simulator = require("openhands.simulator").spawn { pace = 0.05 } -- a minute in three seconds
  print("No OPENHANDS_API_KEY: running on the simulator, at " .. simulator.address)
  print("Nothing leaves this machine.\n")
  repository = repository or "owner/repo"
  for _, api in ipairs { "v1", "v0" } do
    local client = openhands.new { base_url = simulator.address, api_key = "any", api = api }
    follow(client, 0.1)
    client:close()
  end
  simulator:close()
end
