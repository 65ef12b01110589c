--- Fills the texts of an item: in `"Upgrade {repository} to {version}"` each name in braces is replaced by a value of
--- the item. `{{name}}` stands for `{name}`, and braces around anything but a name stand for themselves.

local M = {}

local NAME = "{?{([A-Za-z_][A-Za-z0-9_]*)}"

--- The values of one item.
---@class openhands.TemplateValues
---@field record table values that are inserted as they are
---@field texts table values that may have names in braces themselves
---@field used table<string, boolean> the names that were found
---@field under_way table<string, boolean>? names whose values are being filled

local insertable = { string = true, number = true, boolean = true }

-- Returns a number as people write it: 2, not 2.0.
local function text_of(value)
  if type(value) == "number" and value % 1 == 0 and math.abs(value) < 2 ^ 53 then
    return ("%.0f"):format(value)
  end
  return tostring(value)
end

local function names_of(values)
  local names = {}
  for _, place in ipairs { values.record, values.texts } do
    for name, value in next, place do
      if type(name) == "string" and insertable[type(value)] then
        names[name] = true
      end
    end
  end
  return names
end

-- Returns the text for a name, or nil and what is wrong with it.
local function value_of(values, name)
  local value = rawget(values.record, name)
  if value ~= nil and insertable[type(value)] then
    return text_of(value)
  end
  value = rawget(values.texts, name)
  if type(value) ~= "string" then
    if insertable[type(value)] then
      return text_of(value)
    end
    return nil, value == nil and "missing" or "no text"
  elseif values.under_way[name] then
    return nil, "circular"
  end
  values.under_way[name] = true
  local text, problem, culprit = M.fill(value, values)
  values.under_way[name] = nil
  return text, problem, culprit
end

--- Fills a text.
---@param text string
---@param values openhands.TemplateValues
---@return string? filled
---@return "missing"|"no text"|"circular"|nil problem
---@return string? name that cannot be filled in
---@return table<string, boolean>? names that could be
function M.fill(text, values)
  values.under_way = values.under_way or {}
  local problem, culprit
  local parts, from = {}, 1
  while true do
    local first, last, name = text:find(NAME, from)
    if not first then
      parts[#parts + 1] = text:sub(from)
      break
    end
    parts[#parts + 1] = text:sub(from, first - 1)
    if text:byte(first + 1) == 123 then -- "{{"
      parts[#parts + 1] = "{" .. name .. "}"
      from = last --[[@as integer]] + (text:byte(last + 1) == 125 and 2 or 1)
    else
      values.used[name] = true
      local value, what, inner = value_of(values, name)
      if not value then
        problem, culprit = what, inner or name
        break
      end
      parts[#parts + 1], from = value, last + 1
    end
  end
  if problem then
    return nil, problem, culprit, names_of(values)
  end
  return table.concat(parts)
end

return M
