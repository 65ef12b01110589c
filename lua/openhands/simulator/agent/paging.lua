--- Pages of lists for the agent server. A page id is the id of the first item on that page.
local json = require "openhands.simulator.encoding.json"
local responses = require "openhands.simulator.http.responses"
local validation = require "openhands.simulator.handler.validation"

local M = {}

--- Returns the response 500 that the agent server gives after a failed assertion.
---@param exception string its name and text, as the agent server reports them
---@return openhands.simulator.Response
function M.crash(exception)
  return responses.json(500, { detail = "Internal Server Error", exception = exception, error_id = "e-51m01a7e" })
end

--- Checks a query with `page_id` and `limit`. Unlike the service, the agent server answers a limit above 100 with 500.
---@param call openhands.simulator.Call
---@param rules table<string, openhands.simulator.QueryRule>
---@return table? query
---@return openhands.simulator.Response? refusal
function M.query(call, rules)
  local all = { page_id = { kind = "text" }, limit = { kind = "limit", default = 100 } }
  for name, rule in pairs(rules) do
    all[name] = rule
  end
  local given = call.query.limit
  local limit = given and tonumber(given[#given])
  if limit and limit > 100 then
    return nil, M.crash("AssertionError: ")
  end
  return validation.query(call.query, all)
end

--- Returns one page as a response. An unknown page id gives the first page.
---@param list table[] everything that passes the filter, each with an `id`
---@param query { page_id: string?, limit: integer }
---@param view? fun(item: table): table
---@return openhands.simulator.Response
function M.page(list, query, view)
  local first = 1
  for position, item in ipairs(list) do
    if item.id == query.page_id then
      first = position
    end
  end
  local items = json.array()
  for position = first, math.min(first + query.limit - 1, #list) do
    items[#items + 1] = view and view(list[position]) or list[position]
  end
  local following = list[first + query.limit]
  return responses.json(200, { items = items, next_page_id = following and following.id or json.null })
end

return M
