--- Reads JSON texts as the core reads answers, in exchanges that never leave the process.
local core = require "openhands.core"
local core_client = require "spec.support.core_client"

local M = {}

--- Returns a function that reads a text as the body of an answer.
---@param options table? of the client
---@return fun(text: string): any, table? value, err
function M.new(options)
  local client = core_client.new(options)
  local request, answer = { path = "/x" }, core_client.json ""
  return function(text)
    answer.body = text
    return core_client.answer(client, assert(core.request(client, request, {})), answer)
  end
end

return M
