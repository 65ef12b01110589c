--- What is to happen when, soonest first: a heap in which everybody knows their own place, so that who is woken before
--- their time leaves nothing behind.

local M = {}

---@class openhands.Agenda
---@field private _items openhands.Item[]
local methods = {}
local Agenda = { __index = methods, __name = "openhands.Agenda" }

---@class openhands.Item
---@field at number monotonic moment
---@field place integer? in the heap

---@return openhands.Agenda
function M.new()
  return setmetatable({ _items = {} }, Agenda)
end

local function is_before(one, other)
  return one.at < other.at
end

local function put(items, place, item)
  items[place], item.place = item, place
end

local function rise(items, item)
  local place = item.place
  local above = math.floor(place / 2)
  while above >= 1 and is_before(item, items[above]) do
    put(items, place, items[above])
    place, above = above, math.floor(above / 2)
  end
  put(items, place, item)
end

local function sink(items, item)
  local place = item.place
  while true do
    local below = 2 * place
    if items[below + 1] and is_before(items[below + 1], items[below]) then
      below = below + 1
    end
    if not items[below] or not is_before(items[below], item) then
      break
    end
    put(items, place, items[below])
    place = below
  end
  put(items, place, item)
end

--- Puts an item in its place; it is in no agenda yet.
---@param item openhands.Item
function methods:add(item)
  local items = self._items
  put(items, #items + 1, item)
  rise(items, item)
end

--- Takes an item out; does nothing if it is not in.
---@param item openhands.Item
function methods:remove(item)
  local items, place = self._items, item.place
  if not place then
    return
  end
  local last = items[#items]
  items[#items], item.place = nil, nil
  if last ~= item then
    put(items, place, last)
    rise(items, last)
    sink(items, last)
  end
end

--- The item with the soonest moment.
---@return openhands.Item?
function methods:first()
  return self._items[1]
end

return M
