--- Runs specs in copas: functions and servers run as its threads, and the clients are closed after each spec.

local canary = require "spec.support.canary"
local copas = require "copas"
local core = require "openhands.core"
local simulator = require "openhands.simulator"
local sockets = require "socket"

local M = {}

M.TIMEOUT = 30 -- seconds after which a wait fails

local head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"

--- Steps copas until a condition holds.
---@param condition fun(): any
function M.step_until(condition)
  local ends_at = core.monotonic() + M.TIMEOUT
  while not condition() do
    if core.monotonic() > ends_at then error("nothing happens", 2) end
    copas.step(0.1)
  end
end

--- Runs functions as threads to their end; raises what one of them raises.
---@param ... fun()
function M.run(...)
  local running, problem = 0, nil
  for _, each in ipairs { ... } do
    running = running + 1
    copas.addthread(function()
      copas.setErrorHandler(function(what) problem = problem or what end)
      each()
      running = running - 1
    end)
  end
  M.step_until(function() return running == 0 or problem end)
  if problem then error(problem, 2) end
end

--- Runs a server in copas itself.
---@param handler fun(connection: any)
---@return integer port
---@return fun() stop
function M.listen(handler)
  local listener = assert(sockets.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  copas.addserver(listener, handler)
  return tonumber(port) --[[@as integer]], function()
    if copas.removeserver then
      copas.removeserver(listener)
    else
      listener:close()
    end
  end
end

--- Runs an HTTP server in copas itself.
---@param answer fun(target: string): string returns the body of a response, and may wait
---@return string address
---@return fun() stop
function M.serve(answer)
  local port, stop = M.listen(function(connection)
    local line = copas.receive(connection, "*l")
    while line do
      local header
      repeat header = copas.receive(connection, "*l") until not header or header == ""
      local body = answer(line:match "^%u+ (%S+)")
      copas.send(connection, head:format(#body) .. body)
      line = copas.receive(connection, "*l")
    end
    connection:close()
  end)
  return "http://127.0.0.1:" .. ("%d"):format(port), stop
end

--- Starts a simulator; the fields of the result are functions for the specs of one file.
function M.new()
  local host = { server = simulator.spawn { pace = 0.001 } }
  local clients

  --- Creates a client, which `clean` closes.
  ---@param address string? default: that of the simulator
  ---@return openhands.Client
  function host.new_client(address)
    local client = canary.client({ address = address or host.server.address }, { loop = "copas", api = "v1" })
    clients[#clients + 1] = client
    return client
  end

  --- To be called before each spec.
  function host.reset()
    host.server:reset()
    clients = {}
    host.sleeper = host.new_client() -- not every copas can sleep by itself
  end

  --- To be called after each spec.
  function host.clean()
    for _, client in ipairs(clients) do client:close() end
    for _ = 1, 3 do copas.step(0) end
    clients = {}
    collectgarbage()
  end

  --- Lets other threads run until a condition holds.
  function host.wait_until(condition)
    local ends_at = core.monotonic() + M.TIMEOUT
    while not condition() do
      if core.monotonic() > ends_at then error("nothing happens", 2) end
      host.sleeper:sleep(0.001)
    end
  end

  --- From now on all requests are read, and none is answered.
  function host.hang()
    host.server:faults { { point = "after_read", action = "hang", count = -1 } }
  end

  --- Lets other threads run until the server has read so many requests.
  function host.wait_until_read(count)
    host.wait_until(function() return #host.server:requests() >= count end)
  end

  return host
end

return M
