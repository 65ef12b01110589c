--- Finds the places of the values in a JSON text, so that a spec can change one of them and leave every other byte
--- unchanged.
local M = {}

local function past_blanks(text, at) return text:find("%S", at) end

local function string_end(text, at)
  repeat
    at = text:find('["\\]', at + 1)
    local is_escape = text:sub(at, at) == "\\"
    at = is_escape and at + 1 or at
  until not is_escape
  return at
end

-- Notes the value that begins at a place and all that it holds; returns where it ends.
local function scan(text, at, spans)
  local first = text:sub(at, at)
  local span = { at }
  spans[#spans + 1] = span
  if first == '"' then
    span[2] = string_end(text, at)
  elseif first == "{" or first == "[" then
    local closing = first == "{" and "}" or "]"
    at = past_blanks(text, at + 1)
    while text:sub(at, at) ~= closing do
      if first == "{" then
        at = past_blanks(text, past_blanks(text, string_end(text, at) + 1) + 1)
      end
      at = past_blanks(text, scan(text, at, spans) + 1)
      if text:sub(at, at) == "," then
        at = past_blanks(text, at + 1)
      end
    end
    span[2] = at
  else
    span[2] = select(2, text:find("^[%w.+-]+", at))
  end
  return span[2]
end

--- Returns the first and last byte of every value in a well-formed text, the whole text first.
---@param text string
---@return integer[][] spans
function M.of(text)
  local spans = {}
  scan(text, past_blanks(text, 1), spans)
  return spans
end

--- Returns the text with the items of a named list reversed; unchanged where there is no such list.
---@param text string
---@param name string of a field at the top
---@return string
function M.reverse_list(text, name)
  local at = select(2, text:find('^%s*{%s*"' .. name .. '"%s*:%s*%['))
  if not at then
    return text
  end
  local items, past = {}, at
  local spans = {}
  local list_end = scan(text, at, spans)
  for i = 2, #spans do
    if spans[i][1] > past then
      table.insert(items, 1, text:sub(spans[i][1], spans[i][2]))
      past = spans[i][2]
    end
  end
  return text:sub(1, at) .. table.concat(items, ",") .. text:sub(list_end)
end

return M
