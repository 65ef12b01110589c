--- Lists, in pages. Page ids are opaque to clients, and made of characters that must be percent-encoded in a URL, so
-- that a client which does not encode them is found out.
local json = require "openhands.simulator.encoding.json"
local reply = require "openhands.simulator.http.response"

local M = {}

--- How pages may behave, by the names of the options `list_pages` and `event_pages`: plain; an empty page before each
-- page but the first; every page but the first names itself as the next one, once (repeat) or for ever (stuck); every
-- page begins with the last item of the one before (overlap).
M.manners = { plain = true, empty = true, ["repeat"] = true, stuck = true, overlap = true }

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

--- How the page that is asked for behaves.
---@param model openhands.simulator.Model
---@param call table
---@param manner "plain"|"empty"|"repeat"|"stuck"|"overlap"
---@param own string? the digits of the page's own id
---@return { blank: string?, following: fun(offset: integer?, limit: integer): integer|string|nil } `blank`: the page is
--- empty, and these are the digits of the next one; `following`: the offset of the next page, given the right one
function M.cursor(model, call, manner, own)
  local blank = manner == "empty" and own and not own:match("^0%d") and "0" .. own or nil
  local key = call.path .. "?" .. (own or "")
  return { blank = blank, following = function(offset, limit)
    if own and (manner == "stuck" or manner == "repeat" and not model.repeated_pages[key]) then
      model.repeated_pages[key] = true
      return tonumber(own)
    elseif offset and manner == "overlap" and limit > 1 then
      return offset - 1
    end
    return offset
  end }
end

--- One page of a list, as an answer.
---@param model openhands.simulator.Model
---@param call table
---@param list any[]
---@param query { page_id: string?, limit: integer }
---@param view? fun(item: any): any default: the item itself
---@param items_name? string default "items"
function M.answer(model, call, list, query, view, items_name)
  local own = query.page_id and query.page_id:match("^(%d+)%+/==$")
  if query.page_id and not own then return reply.crash() end
  local items, offset = json.array(), tonumber(own or 0) --[[@as integer]]
  local cursor = M.cursor(model, call, model.options.list_pages, own)
  local last = cursor.blank and offset or math.min(offset + query.limit, #list)
  for position = offset + 1, last do
    local item = list[position]
    if view then item = view(item) end
    items[#items + 1] = item
  end
  local following = cursor.blank or cursor.following(last < #list and last or nil, query.limit)
  local next_page = following and ("%s+/=="):format(following) or json.null
  return reply.json(200, { [items_name or "items"] = items, next_page_id = next_page })
end

return M
