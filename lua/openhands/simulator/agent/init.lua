--- The operations of the agent server, which lives in the sandbox of a V1 conversation.
local agent_view = require "openhands.simulator.agent.views"
local commands = require "openhands.simulator.agent.commands"
local conversations = require "openhands.simulator.agent.conversations"
local files = require "openhands.simulator.agent.files"
local json = require "openhands.simulator.encoding.json"
local reply = require "openhands.simulator.http.response"

local function alive() return reply.json(200, { status = "ok" }) end

local function health() return reply.json(200, "OK") end

local function ready() return reply.json(200, { status = "ready" }) end

local function server_info(model, call)
  local job = call.job
  return reply.json(200, {
    title = "OpenHands Agent Server", version = "1.58.2", docs = "/docs", redoc = "/redoc",
    conversation_runtime = model.options.conversation_runtime, available_conversation_runtimes = json.array(),
    capabilities = json.array { "conversation_runtime_routes_v1" },
    uptime = model:time() - job.created_at, idle_time = model:time() - job.updated_at,
    usable_tools = json.array { "terminal", "file_editor" },
  })
end

-- No credential: whoever watches over the sandboxes asks these.
local list = {
  { method = "GET", path = "/alive", answer = alive, open = true },
  { method = "GET", path = "/health", answer = health, open = true },
  { method = "GET", path = "/ready", answer = ready, open = true },
  { method = "GET", path = "/server_info", answer = server_info, open = true },
}

-- What is about the sandbox is served again for each conversation, by its runtime.
local own = {}
local in_runtime = agent_view.with_conversation(function(model, call, job, answer)
  call.job = job
  return answer(model, call)
end)
for _, group in ipairs { commands, files } do
  for _, route in ipairs(group) do
    own[#own + 1] = {
      method = route.method, path = route.path:gsub("^/api", "/api/conversations/{id}"),
      answer = function(model, call, id, second)
        return in_runtime(model, call, id, function() return route.answer(model, call, second, id) end)
      end,
    }
  end
end

for _, group in ipairs {
  own, conversations, require "openhands.simulator.agent.events", commands, files,
} do
  for _, route in ipairs(group) do list[#list + 1] = route end
end

return list
