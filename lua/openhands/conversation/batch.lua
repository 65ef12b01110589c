--- Requests items of V1 by their ids, several in one request.

local identifiers = require "openhands.conversation.identifier"

local M = {}

-- Returns the items of a response by their normalized ids. An item with an id that was not requested is returned for
-- the requested id at its position: `from_status` refuses it later, `from_task` does not.
local function items_by_key(list, ids)
  local items, is_asked = {}, {}
  for _, id in ipairs(ids) do
    is_asked[identifiers.normalize(id)] = true
  end
  for place, id in ipairs(ids) do
    local item = list[place]
    if type(item) == "table" then
      local key = type(item.id) == "string" and identifiers.normalize(item.id)
      items[is_asked[key] and key or identifiers.normalize(id)] = item
    end
  end
  return items
end

--- Requests items, each id once.
---@param client openhands.Client
---@param operation "status"|"start_tasks.get"
---@param ids string[] two or more
---@param call table
---@return (table|false)[]? items in the order of `ids`, each in its own table; false for each unknown id
---@return openhands.Error? err
function M.read(client, operation, ids, call)
  local asked, keys, is_taken = {}, {}, {}
  for place, id in ipairs(ids) do
    keys[place] = identifiers.normalize(id)
    if not is_taken[keys[place]] then
      asked[#asked + 1], is_taken[keys[place]] = id, true
    end
  end
  local list, err = client:_read(operation, asked, call, "v1")
  if not list then
    return nil, err
  end
  local found, items = items_by_key(list, asked), {}
  for place, key in ipairs(keys) do
    ---@type table|false
    local item = found[key] or false
    if item and is_taken[item] then
      local copy = {}
      for name, value in pairs(item) do
        copy[name] = value
      end
      item = copy
    end
    items[place], is_taken[item] = item, true
  end
  return items
end

return M
