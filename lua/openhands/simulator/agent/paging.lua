--- Lists of the agent server, in pages: the cursor is the id of the first item of the next page.
local json = require "openhands.simulator.encoding.json"
local reply = require "openhands.simulator.http.response"
local validation = require "openhands.simulator.handler.validation"

local M = {}

--- What an assertion that fails looks like here.
---@param exception string
function M.crash(exception)
  return reply.json(500, { detail = "Internal Server Error", exception = exception, error_id = "e-51m01a7e" })
end

--- Reads a query, with `page_id` and `limit` added to its rules. A limit that is too high is not refused: it crashes.
---@param call table
---@param rules table<string, table> see validation.lua
---@return table? query
---@return table? refusal
function M.query(call, rules)
  local all = { page_id = { kind = "text" }, limit = { kind = "limit", default = 100 } }
  for name, rule in pairs(rules) do all[name] = rule end
  local given = call.query.limit
  local limit = given and tonumber(given[#given])
  if limit and limit > 100 then return nil, M.crash("AssertionError: ") end
  local query, errors = validation.query(call.query, all)
  if errors then return nil, reply.detail(422, json.array(errors)) end
  return query
end

--- One page, as an answer. A cursor that nothing has is a beginning.
---@param list table[] everything that passes the filter, each with an `id`
---@param query { page_id: string?, limit: integer }
---@param view? fun(item: table): table
function M.answer(list, query, view)
  local first = 1
  for position, item in ipairs(list) do
    if item.id == query.page_id then first = position end
  end
  local items = json.array()
  for position = first, math.min(first + query.limit - 1, #list) do
    items[#items + 1] = view and view(list[position]) or list[position]
  end
  local following = list[first + query.limit]
  return reply.json(200, { items = items, next_page_id = following and following.id or json.null })
end

--- A list in reverse order.
---@param list any[]
---@return any[]
function M.reversed(list)
  local other = {}
  for position = #list, 1, -1 do other[#other + 1] = list[position] end
  return other
end

return M
