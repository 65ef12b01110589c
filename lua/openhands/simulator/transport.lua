--- A transport for a client: sends each request to a model in this process, without a network. Time is virtual, so
-- results are repeatable.
local fault = require "openhands.simulator.fault"
local stream = require "openhands.simulator.encoding.stream"

local M = {}

---@class openhands.simulator.TransportFault
---@field point "before"|"after_commit"|"in_body" before: the request is lost before the model gets it; after_commit:
--- its response is lost; in_body: the rest of its response is lost
---@field class? string how the exchange ends for the client, e.g. "timeout" (default "connect"; of in_body "cut")
---@field sent? boolean before, after_commit: whether the client is told that the request was sent (default: whether the
--- model got it)
---@field response? table before, after_commit: a response to return instead
---@field at? integer in_body: number of bytes that still arrive (default 0)
---@field pieces? integer in_body: number of pieces of a streamed response that arrive before those bytes (default 0)
---@field match? { method?: string, path?: string } exact method, Lua pattern of the path
---@field skip? integer number of matching requests to leave unchanged first (default 0)
---@field count? integer number of requests to which the fault applies; default 1; -1: all

-- Seconds of virtual time that a response may wait for data, in total, before it is a timeout.
local stream_timeout = 600

--- Creates the transport. Its `request` sends a request to the model; `sleep` advances the model's time; `now` returns
-- it, and `wall` returns it as seconds since 1970. The list `faults` may be changed at any time.
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

  -- Reads a whole response, streamed or not. Advances the model's time while a stream has no data.
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

  -- Returns the part of a response that arrived before the connection ended, with the class of that end.
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
