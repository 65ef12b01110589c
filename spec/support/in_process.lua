--- A client on a service that lives in the same process and in virtual time.

local openhands = require "openhands"
local simulator = require "openhands.simulator"

local M = {}

local function half()
  return 0.5
end

--- A client on the simulator's model. Returns the client, the model, and the transport, whose `faults` may be set.
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

--- A client on a function that answers every request; its clock moves only in sleeps.
--- Returns the client and the list of the requests it has sent.
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

--- A JSON answer.
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

return M
