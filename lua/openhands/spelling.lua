--- Suggests the name that was probably meant by a misspelt one.

local M = {}

local LONGEST = 40 -- bytes; our names are all shorter
local SHORTEST_PART = 3 -- letters; a prefix, or a last word, of at least this length counts as a near match

-- Names that other libraries use.
local synonyms = {
  key = "api_key",
  token = "api_key",
  url = "base_url",
  host = "base_url",
  dialect = "api",
  on_update = "on_change",
  callback = "on_change",
}

-- Returns the edit distance: the number of letters added, omitted, replaced or swapped with a neighbour.
local function distance(one, other)
  ---@type table<integer, number>?, table<integer, number>
  local before, above = nil, {}
  for j = 0, #other do
    above[j] = j
  end
  for i = 1, #one do
    ---@type table<integer, number>
    local row = { [0] = i }
    for j = 1, #other do
      local differs = one:byte(i) ~= other:byte(j)
      row[j] = math.min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (differs and 1 or 0))
      local swapped = i > 1 and j > 1 and one:byte(i) == other:byte(j - 1) and one:byte(i - 1) == other:byte(j)
      if swapped then
        row[j] = math.min(row[j], before[j - 2] + 1)
      end
    end
    before, above = above, row
  end
  return above[#other]
end

--- Returns the name that was probably meant.
---@param word any as it was given
---@param names table<string, any> the known ones
---@param most integer? letters that may be wrong; half of them by default, and the last word of a name stands for it
---@return string? name
function M.nearest(word, names, most)
  if type(word) ~= "string" or #word > LONGEST then
    return nil
  elseif synonyms[word] and names[synonyms[word]] ~= nil then
    return synonyms[word]
  end
  local best, least = nil, (most or math.floor(#word / 2)) + 1
  for name in pairs(names) do
    local far = distance(word, name)
    local is_last_word = not most and name:sub(-#word - 1) == "_" .. word
    if #word >= SHORTEST_PART and (is_last_word or name:sub(1, #word) == word) then
      far = 1
    end
    if far < least or far == least and best and name < best then
      best, least = name, far
    end
  end
  return best
end

--- Returns the end of a message about an unknown name: " (did you mean 'name'?)", or nothing.
---@param word any
---@param names table<string, any>
---@return string
function M.hint(word, names)
  local nearest = M.nearest(word, names)
  return nearest and (" (did you mean '%s'?)"):format(nearest) or ""
end

return M
