--- Collections whose pages are given by the spec, and items for them.
local pages = require "openhands.api.pages"
local unpack = table.unpack or unpack -- luacheck: ignore 143

local M = {}

local function identity(item)
  return item.id
end

--- Returns a list of items with these ids.
---@param ... any
---@return { id: any }[]
function M.items(...)
  local list = {}
  for i, id in ipairs { ... } do
    list[i] = { id = id }
  end
  return list
end

--- Returns a list of items with the ids from the first to the last integer.
---@param first integer
---@param last integer
---@return { id: integer }[]
function M.range(first, last)
  local ids = {}
  for id = first, last do
    ids[#ids + 1] = id
  end
  return M.items(unpack(ids))
end

--- Returns the ids of a list of items.
---@param list { id: any }[]
---@return any[]
function M.ids_of(list)
  local ids = {}
  for i, item in ipairs(list) do
    ids[i] = item.id
  end
  return ids
end

--- Returns a collection of the pages that a function returns, and the list of the page ids that were requested.
---@param fetch fun(page_id: string?, count: integer): table?, table?
---@param source table? how items are identified and converted
---@return openhands.Pages, string[]
function M.collection(fetch, source)
  local asked = {}
  source = source or {}
  source.name, source.id = "things", source.id or identity
  source.fetch = function(page_id)
    asked[#asked + 1] = page_id or "first"
    return fetch(page_id, #asked)
  end
  return pages.new(source), asked
end

--- Returns a collection of a table of pages by their ids: `{ first = { items, "b" }, b = { items, nil } }`.
---@param by_id table<string, table>
---@param source table?
---@return openhands.Pages, string[]
function M.table_of_pages(by_id, source)
  return M.collection(function(page_id)
    local page = by_id[page_id or "first"]
    return { items = page[1], next_page_id = page[2] }
  end, source)
end

return M
