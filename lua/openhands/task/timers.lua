--- What is to happen when, soonest first: a heap in which everybody knows their own place, so that who is woken before
--- their time leaves nothing behind. An error from outside, such as Ctrl-C's, may end any of this in the middle: the
--- next to come makes the heap anew, from those who belong to it.

local M = {}

---@class openhands.Agenda
---@field private _items openhands.Item[]
---@field private _members table<openhands.Item, boolean>
---@field private _at_work boolean? the heap is being changed, or was when that was ended
local methods = {}
local Agenda = { __index = methods, __name = "openhands.Agenda" }

---@class openhands.Item
---@field at number monotonic moment
---@field place integer? in the heap

---@return openhands.Agenda
function M.new()
  return setmetatable({ _items = {}, _members = {} }, Agenda)
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

local function mend(self)
  if self._at_work then
    local items = {}
    for item in pairs(self._members) do
      items[#items + 1] = item
    end
    table.sort(items, is_before)
    for place, item in ipairs(items) do
      item.place = place
    end
    self._items, self._at_work = items, nil
  end
end

--- Puts an item in its place; it is in no agenda yet.
---@param item openhands.Item
function methods:add(item)
  mend(self)
  local items = self._items
  self._at_work = true
  self._members[item] = true
  put(items, #items + 1, item)
  rise(items, item)
  self._at_work = nil
end

--- Takes an item out; does nothing if it is not in.
---@param item openhands.Item
function methods:remove(item)
  mend(self)
  if not self._members[item] then
    item.place = nil
    return
  end
  local items, place = self._items, item.place
  local last = items[#items]
  self._at_work = true
  self._members[item] = nil
  items[#items], item.place = nil, nil
  if last ~= item then
    put(items, place, last)
    rise(items, last)
    sink(items, last)
  end
  self._at_work = nil
end

--- The item with the soonest moment.
---@return openhands.Item?
function methods:first()
  mend(self)
  return self._items[1]
end

return M
