--- Pages of lists, for V0 and V1. A page id contains characters that must be percent-encoded in a URL, which exposes
-- clients that do not encode it.
local json = require "openhands.simulator.encoding.json"
local responses = require "openhands.simulator.http.responses"

local M = {}

--- Sorts conversations, or other tables with a field `number`, by a field with a time, and those of equal time by
--- number.
---@param conversations table[] sorted in place
---@param field string
---@param descending? any
---@return openhands.simulator.Conversation[] conversations
function M.sort(conversations, field, descending)
  table.sort(conversations, function(one, other)
    if descending then
      one, other = other, one
    end
    if one[field] ~= other[field] then
      return one[field] < other[field]
    end
    return one.number < other.number
  end)
  return conversations
end

--- Returns how the requested page behaves (options `list_pages`, `event_pages`).
---@param model openhands.simulator.Model
---@param call openhands.simulator.Call
---@param behavior openhands.simulator.PageBehavior
---@param own string? the digits of this page's id; nil: the first page
---@return { blank: string?, following: fun(offset: integer?, limit: integer): integer|string|nil } `blank`: the digits
--- of the next page id if this page must be empty; `following`: converts the true offset of the next page to the offset
--- that the response names
function M.cursor(model, call, behavior, own)
  local blank = behavior == "empty" and own and not own:match("^0%d") and "0" .. own or nil
  local key = call.path .. "?" .. (own or "")
  return { blank = blank, following = function(offset, limit)
    if own and (behavior == "stuck" or behavior == "repeat" and not model.repeated_pages[key]) then
      model.repeated_pages[key] = true
      return tonumber(own)
    elseif offset and behavior == "overlap" and limit > 1 then
      return offset - 1
    end
    return offset
  end }
end

--- Returns one page of a list as a response.
---@param model openhands.simulator.Model
---@param call openhands.simulator.Call
---@param list any[]
---@param query { page_id: string?, limit: integer }
---@param view? fun(item: any): any default: the item itself
---@param items_name? string default "items"
---@return openhands.simulator.Response
function M.page(model, call, list, query, view, items_name)
  local own = query.page_id and query.page_id:match("^(%d+)%+/==$")
  if query.page_id and not own then
    return responses.crash()
  end
  local items, offset = json.array(), tonumber(own or 0) --[[@as integer]]
  local cursor = M.cursor(model, call, model.options.list_pages, own)
  local last = cursor.blank and offset or math.min(offset + query.limit, #list)
  for position = offset + 1, last do
    local item = list[position]
    if view then
      item = view(item)
    end
    items[#items + 1] = item
  end
  local following = cursor.blank or cursor.following(last < #list and last or nil, query.limit)
  local next_page = following and ("%s+/=="):format(following) or json.null
  return responses.json(200, { [items_name or "items"] = items, next_page_id = next_page })
end

return M
