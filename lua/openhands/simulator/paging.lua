--- Lists, in pages. Page ids are opaque to clients, and made of characters that must be percent-encoded in a URL, so
-- that a client which does not encode them is found out.
local json = require "openhands.simulator.json"
local reply = require "openhands.simulator.reply"

local M = {}

--- The items of a list that pass, in a new list.
---@param list any[]
---@param passes fun(item: any): any
---@return any[]
function M.select(list, passes)
  local found = {}
  for _, item in ipairs(list) do
    if passes(item) then found[#found + 1] = item end
  end
  return found
end

--- Sorts jobs by a time, the older number first where times are equal.
---@param jobs table[] sorted in place
---@param field string
---@param descending? any
---@return table[] jobs
function M.sort(jobs, field, descending)
  table.sort(jobs, function(one, other)
    if descending then one, other = other, one end
    if one[field] ~= other[field] then return one[field] < other[field] end
    return one.number < other.number
  end)
  return jobs
end

--- One page of a list, as an answer.
---@param list any[]
---@param query { page_id: string?, limit: integer }
---@param view fun(item: any): table
---@param items_name? string default "items"
function M.answer(list, query, view, items_name)
  local offset = 0
  if query.page_id then
    offset = tonumber(query.page_id:match("^(%d+)%+/==$"))
    if not offset then return reply.crash() end
  end
  local items, last = json.array(), math.min(offset + query.limit, #list)
  for position = offset + 1, last do items[#items + 1] = view(list[position]) end
  local next_page = last < #list and ("%d+/=="):format(last) or json.null
  return reply.json(200, { [items_name or "items"] = items, next_page_id = next_page })
end

return M
