--- The routes of the agent server in the sandbox of a V1 conversation.
local commands = require "openhands.simulator.agent.commands"
local conversations = require "openhands.simulator.agent.conversations"
local files = require "openhands.simulator.agent.files"
local json = require "openhands.simulator.encoding.json"
local responses = require "openhands.simulator.http.responses"
local views = require "openhands.simulator.agent.views"

local function alive()
  return responses.json(200, { status = "ok" })
end

local function health()
  return responses.json(200, "OK")
end

local function ready()
  return responses.json(200, { status = "ready" })
end

local function server_info(model, call)
  local conversation = call.conversation
  return responses.json(200, {
    title = "OpenHands Agent Server", version = "1.58.2", docs = "/docs", redoc = "/redoc",
    conversation_runtime = model.options.conversation_runtime, available_conversation_runtimes = json.array(),
    capabilities = json.array { "conversation_runtime_routes_v1" },
    uptime = model:time() - conversation.created_at, idle_time = model:time() - conversation.updated_at,
    usable_tools = json.array { "terminal", "file_editor" },
  })
end

-- Health checks, which need no credential.
local list = {
  { method = "GET", path = "/alive", handler = alive, open = true },
  { method = "GET", path = "/health", handler = health, open = true },
  { method = "GET", path = "/ready", handler = ready, open = true },
  { method = "GET", path = "/server_info", handler = server_info, open = true },
}

-- The routes of commands and files exist a second time below each conversation, for the runtime of that conversation.
local own = {}
local in_runtime = views.with_conversation(function(model, call, conversation, handler)
  call.conversation = conversation
  return handler(model, call)
end)
for _, group in ipairs { commands, files } do
  for _, route in ipairs(group) do
    own[#own + 1] = {
      method = route.method, path = route.path:gsub("^/api", "/api/conversations/{id}"),
      handler = function(model, call, id, second)
        return in_runtime(model, call, id, function() return route.handler(model, call, second, id) end)
      end,
    }
  end
end

for _, group in ipairs {
  own, conversations, require "openhands.simulator.agent.events", commands, files,
} do
  for _, route in ipairs(group) do
    list[#list + 1] = route
  end
end

return list
