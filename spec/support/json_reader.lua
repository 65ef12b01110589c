--- Reads JSON texts as the core reads answers: by exchanges that never leave the process.
local core = require "openhands.core"

local M = {}

--- A function that reads: what it is given is the body of an answer.
---@param options table? of the client
---@return fun(text: string): any, table? value, err
function M.new(options)
  local all = { base_url = "https://service.example", api_key = "a-key", external = true }
  for name, value in pairs(options or {}) do all[name] = value end
  local client = core.new(all)
  local request, answer = { path = "/x" }, { status = 200, content_type = "application/json" }
  return function(text)
    local number = assert(core.request(client, request, {}))
    client:outgoing()
    answer.body = text
    assert(client:answer(number, answer))
    local finished, value, err = client:next()
    assert(finished == number)
    return value, err
  end
end

return M
