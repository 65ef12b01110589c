--- Runs specs in cqueues: functions and servers run as coroutines of a controller, and the clients are closed after
--- each spec.

local core = require "openhands.core"
local canary = require "spec.support.canary"
local cqueues = require "cqueues"
local simulator = require "openhands.simulator"
local sockets = require "cqueues.socket"

local M = {}

M.TIMEOUT = 30 -- seconds after which a wait fails

local head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"

--- Runs functions as coroutines of one controller, to their end.
---@param ... fun()
function M.run(...)
  local controller = cqueues.new()
  for _, each in ipairs { ... } do controller:wrap(each) end
  local good, problem = controller:loop(M.TIMEOUT)
  if not good then error(problem, 2) end
  if not controller:empty() then error("something has not ended", 2) end
end

--- Lets other coroutines run until a condition holds.
---@param condition fun(): any
function M.wait_until(condition)
  for _ = 1, 10000 do
    if condition() then return end
    cqueues.sleep(0.001)
  end
  error("nothing happens", 2)
end

--- Steps a controller until a condition holds.
---@param controller any
---@param condition fun(): any
function M.step_until(controller, condition)
  local ends_at = cqueues.monotime() + M.TIMEOUT
  while not condition() do
    if cqueues.monotime() > ends_at then error("nothing happens", 2) end
    local good, problem = controller:step(0.1)
    if not good then error(problem, 2) end
  end
end

local function read_request(connection)
  local line = connection:read "*l"
  local length = 0
  local header = line and connection:read "*l"
  while header and not header:find "^\r?$" do
    length = tonumber(core.lower(header):match "^content%-length:%s*(%d+)") or length
    header = connection:read "*l"
  end
  if length > 0 then connection:read(length) end
  return header and line:match "^%u+ (%S+)"
end

--- Runs an HTTP server in a controller.
---@param controller any
---@param answer fun(target: string): string returns the body of a response, and may wait
---@return string address
---@return fun() stop
function M.serve(controller, answer)
  local listener = sockets.listen { host = "127.0.0.1", port = 0 }
  local _, _, port = listener:localname()
  controller:wrap(function()
    local connection = listener:accept()
    while connection do
      local accepted = connection
      accepted:setmode("b", "bn")
      controller:wrap(function()
        local target = read_request(accepted)
        while target do
          local body = answer(target)
          accepted:write(head:format(#body), body)
          accepted:flush()
          target = read_request(accepted)
        end
        accepted:close()
      end)
      connection = listener:accept()
    end
  end)
  return "http://127.0.0.1:" .. ("%d"):format(port), function() listener:close() end
end

--- Starts a simulator; the fields of the result are functions for the specs of one file.
function M.new()
  local host = { server = simulator.spawn { pace = 0.001 } }
  local clients

  --- To be called before each spec.
  function host.reset()
    host.server:reset()
    clients = {}
  end

  --- To be called after each spec.
  function host.clean()
    for _, client in ipairs(clients) do client:close() end
    clients = {}
    collectgarbage()
  end

  --- Creates a client, which `clean` closes.
  ---@param address string? default: that of the simulator
  ---@return openhands.Client
  function host.new_client(address)
    local client = canary.client({ address = address or host.server.address }, { loop = "cqueues", api = "v1" })
    clients[#clients + 1] = client
    return client
  end

  --- From now on all requests are read, and none is answered.
  function host.hang()
    host.server:faults { { point = "after_read", action = "hang", count = -1 } }
  end

  --- Lets other coroutines run until the server has read so many requests.
  function host.wait_until_read(count)
    M.wait_until(function() return #host.server:requests() >= count end)
  end

  return host
end

return M
