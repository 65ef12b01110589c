--- A simulator of the OpenHands service, to run programs offline and for free. It runs in another process with a real
-- address (`spawn`), or inside this one (`model` and `transport`). The guide for users is doc/simulator.md.
--
-- The modules on each line may use only those on the same line and on the lines below it:
--
--     init process transport server.lua   the public interface, and the program of the child process
--     server/                             sockets: a loopback HTTP server around a model
--     fault/                              faults: changed bytes of a response, changed ends of its connection
--     dispatch sandbox_proxy              find the handler of a request
--     v0/ agent/                          request handlers: V0 with its runtime, the agent server in a V1 sandbox
--     v1/                                 request handlers of V1
--     handler/                            helpers of all handlers: routes, validation, pages
--     model/                              state: conversations, sandboxes, account, time, limits
--     http/                               requests and responses as bytes
--     encoding/ lists                     ASCII, JSON, timestamps, UUIDs, zip archives, streams; functions on lists
local dispatch = require "openhands.simulator.dispatch"
local json = require "openhands.simulator.encoding.json"
local model = require "openhands.simulator.model"
local process = require "openhands.simulator.process"
local transport = require "openhands.simulator.transport"

local M = {}

--- JSON null, for the `value` of a fault.
M.null = json.null

--- Marks a list as a JSON array, for the `value` of a fault: `array()` is `[]`.
M.array = json.array

--- Starts the simulator as a child process. The child ends on `close`, or when this process ends. Raises if it does not
--- start, and for an option that is unknown or has an impossible value.
M.spawn = process.spawn

--- Creates a model of the service in virtual time. It takes requests and returns responses. Raises on an unknown
--- option or value.
---@param options? openhands.simulator.Options
---@return openhands.simulator.Model
function M.model(options)
  return model.new(options, dispatch.respond)
end

--- Creates a transport for the setting `transport` of a client. It sends each request to a model in this process.
M.transport = transport.new

return M
