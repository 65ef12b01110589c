--- A client of the core whose exchanges the spec carries by hand: it takes each request out and puts an answer in.
--- Nothing leaves the process.
local canary = require "spec.support.canary"
local core = require "openhands.core"

local M = {}

--- Returns such a client of a service at `https://service.example`, with the canary for a key.
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

--- Answers an exchange that was begun, and returns what comes of it. Fails if something else does.
---@param client userdata of the core
---@param number integer of the exchange
---@param answer table
---@return any value, table? err
function M.answer(client, number, answer)
  client:outgoing()
  assert(client:answer(number, answer), "the exchange takes no answer")
  local finished, value, err = client:next()
  assert(finished == number, "another exchange has finished")
  return value, err
end

return M
