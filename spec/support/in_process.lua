--- Clients of a service in the same process and in virtual time. The service is the simulator, or a function that
--- answers each request.

local openhands = require "openhands"
local simulator = require "openhands.simulator"

local M = {}

local function half()
  return 0.5
end

--- Returns a client of the simulator's model, the model, and the transport, whose `faults` may be set.
---@param options table? of the model
---@param settings table? of the client
function M.simulated(options, settings)
  local model = simulator.model(options)
  local transport = simulator.transport(model)
  local all = { transport = transport, api_key = "sk-canary-0123456789", random = half }
  for name, value in pairs(settings or {}) do
    all[name] = value
  end
  return openhands.new(all), model, transport
end

--- Returns a client of the simulator's model, a conversation that it has started, the model and the transport.
---@param options table? of the model
---@param prompt string?
---@return openhands.Client client, openhands.Conversation conversation, table model, table transport
function M.started(options, prompt)
  local client, model, transport = M.simulated(options)
  return client, assert(client:start { initial_user_msg = prompt or "x" }), model, transport
end

--- Returns a client of a model whose answers to requests for certain paths are changed on the way.
---@param model table
---@param pattern string of the paths
---@param change fun(answer: table, request: table): table? the other answer, or nil for the same one
---@param settings table? of the client
---@return openhands.Client
function M.altered(model, pattern, change, settings)
  local inner = simulator.transport(model)
  local outer = setmetatable({}, { __index = inner })
  function outer.request(_, request)
    local answer = inner:request(request)
    if request.path:find(pattern) then
      return change(answer, request) or answer
    end
    return answer
  end
  local all = { transport = outer, api_key = "sk-canary-0123456789", api = "v1" }
  for name, value in pairs(settings or {}) do
    all[name] = value
  end
  return openhands.new(all)
end

--- Returns a client of a function that answers every request, and the list of the requests it has sent. Its clock moves
--- only in sleeps.
---@param answer fun(request: table, count: integer): table
---@param settings table? of the client
function M.scripted(answer, settings)
  local requests, time = {}, 0
  local all = {
    api_key = "sk-canary-0123456789",
    random = half,
    transport = {
      request = function(_, request)
        requests[#requests + 1] = request
        return answer(request, #requests)
      end,
      now = function()
        return time
      end,
      wall = function()
        return 1787217302 + time
      end,
      sleep = function(seconds)
        time = time + seconds
      end,
    },
  }
  for name, value in pairs(settings or {}) do
    all[name] = value
  end
  return openhands.new(all), requests
end

--- Returns an answer of JSON.
---@param body string
---@param status integer?
---@param headers table? list of pairs
function M.json(body, status, headers)
  local all = { { "Content-Type", "application/json" } }
  for _, pair in ipairs(headers or {}) do
    all[#all + 1] = pair
  end
  return { status = status or 200, headers = all, body = body }
end

--- Returns a function for `scripted`: every path but users/me answers as V1 and V0 do for an unknown conversation.
---@param me table answer to the request for the account
---@return fun(request: table): table
function M.with_account(me)
  return function(request)
    if request.path == "/api/v1/users/me" then
      return me
    elseif request.path:find("^/api/v1/") then
      return M.json(request.path:find("search") and '{"items":[]}' or "[null]")
    end
    return M.json "null"
  end
end

--- Returns the id of a V1 conversation that was paused while it ran, and its model.
---@return string id, table model
function M.paused()
  local _, conversation, model = M.started { api = "v1" }
  model:advance(100)
  assert(conversation:pause())
  return conversation.conversation_id, model
end

--- Answers a request for conversations: each id in its query is one that runs. For `scripted`.
---@param request table
---@return table
function M.running(request)
  local list = {}
  for id in request.query:gmatch "ids=(%x+)" do
    list[#list + 1] = ('{"id":"%s","sandbox_status":"RUNNING","execution_status":"running"}'):format(id)
  end
  return M.json("[" .. table.concat(list, ",") .. "]")
end

return M
