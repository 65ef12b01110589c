--- A client of the core that sends nothing: the spec takes out each request and puts in an answer. Also steps any other
--- client of the core until its exchanges have finished.
local canary = require "spec.support.canary"
local core = require "openhands.core"

local M = {}

--- Returns a client of the core for a service at `https://service.example`, with the canary as its key.
---@param options table? of the client
---@return userdata client of the core
function M.new(options)
  local all = { base_url = "https://service.example", api_key = canary.key, external = true }
  for name, value in pairs(options or {}) do all[name] = value end
  return core.new(all)
end

--- Returns an answer of JSON.
---@param body string
---@param status integer? default: 200
---@return table
function M.json(body, status)
  return { status = status or 200, body = body, content_type = "application/json" }
end

--- Calls `next` until a long answer is read to its end. Returns its results, or nothing if no exchange has finished.
---@param client userdata of the core
---@param ... any arguments of `next`
function M.next(client, ...)
  local number, value, err, date
  repeat
    number, value, err, date = client:next(...)
  until number or not select(2, client:in_flight())
  return number, value, err, date
end

--- Answers an exchange and returns its result. Fails if another exchange finishes instead.
---@param client userdata of the core
---@param number integer of the exchange
---@param answer table
---@return any value, table? err
function M.answer(client, number, answer)
  client:outgoing()
  assert(client:answer(number, answer), "the exchange takes no answer")
  local finished, value, err = M.next(client)
  assert(finished == number, "another exchange has finished")
  return value, err
end

--- Steps a client until a number of exchanges has finished, for one minute at most.
---@param client userdata of the core, over real sockets
---@param count integer
---@return table<integer, { value: any, err: table? }> results by number of the exchange
---@return integer missing
function M.collect(client, count)
  local results = {}
  for _ = 1, 600 do
    client:step(0.1)
    local number, value, err = M.next(client)
    while number do
      results[number], count = { value = value, err = err }, count - 1
      number, value, err = M.next(client)
    end
    if count == 0 then
      break
    end
  end
  return results, count
end

return M
