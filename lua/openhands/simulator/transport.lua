--- A client transport that asks a model in this process: no network, virtual time, deterministic.
local fault = require "openhands.simulator.fault"
local stream = require "openhands.simulator.encoding.stream"

local M = {}

---@class openhands.simulator.TransportFault
---@field point "before"|"after_commit"|"in_body" lose the request before the model gets it, its response afterwards, or
--- the rest of its response
---@field class? string how the exchange ends for the client, e.g. "timeout"; default "connect", of in_body "cut"
---@field sent? boolean whether the client takes the request for sent (default: whether the model got it)
---@field response? table a response to return instead
---@field at? integer in_body: bytes that still arrive (default 0)
---@field pieces? integer in_body: pieces of a streamed response that arrive before those bytes (default 0)
---@field match? { method?: string, path?: string } exact method, Lua pattern of the path
---@field skip? integer matching requests to spare first (default 0)
---@field count? integer number of requests to hit; default 1; -1: all

-- Seconds of virtual time after which a stream without data is a timeout.
local stream_timeout = 600

--- Creates the transport. `request` asks the model, `sleep` advances its time, `now` and `wall` return it. The list
-- `faults` may be changed at any time.
---@param model openhands.simulator.Model
---@return table transport
function M.new(model)
  local used = setmetatable({}, { __mode = "k" })
  local transport = { model = model, faults = {} }

  local function take_fault(request)
    for _, entry in ipairs(transport.faults) do
      local state = used[entry] or { skip = entry.skip or 0, left = entry.count or 1 }
      used[entry] = state
      if state.left ~= 0 and fault.matches(entry.match, request) then
        if state.skip == 0 then
          state.left = state.left - 1
          return entry
        end
        state.skip = state.skip - 1
      end
    end
  end

  -- Collects a response, streamed or not; time passes meanwhile.
  local function collect(response, source)
    local waited = 0 --[[@as number]]
    local body, complete = stream.read_all(source or response.stream or stream.from_string(response.body),
      function(seconds)
        model:advance(seconds)
        waited = waited + seconds
        return waited >= stream_timeout
      end)
    return { status = response.status, headers = response.headers, body = body }, complete
  end

  local function respond(request)
    local response, complete = collect(model:respond(request))
    return complete and response or { class = "timeout", sent = true }
  end

  -- Returns what had arrived when the connection ended, with the class of that end.
  local function respond_partly(request, injected)
    local response = model:respond(request)
    local source = response.stream or stream.from_string(response.body --[[@as string]])
    local part = collect(response, stream.truncated(source, injected.pieces or 0, injected.at or 0))
    part.class, part.sent = injected.class or "cut", true
    return part
  end

  function transport.request(_, request)
    model:record(request)
    local injected = take_fault(request)
    if not injected then
      return respond(request)
    end
    if injected.point == "in_body" then
      return respond_partly(request, injected)
    end
    local reached = injected.point == "after_commit"
    if reached then
      model:respond(request)
    end
    if injected.response then
      return injected.response
    end
    local sent = injected.sent
    if sent == nil then
      sent = reached
    end
    return { class = injected.class or "connect", sent = sent }
  end

  function transport.now()
    return model:time()
  end

  function transport.wall()
    return model:now()
  end

  function transport.sleep(seconds)
    model:advance(seconds)
  end

  return transport
end

return M
