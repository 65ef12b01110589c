--- Converts letters and numbers by the rules of ASCII. Lua's own `upper`, `lower`, and classes such as `%w`, depend on
--- the host's locale: the upper case of "i" may differ from "I", and the decimal point may be a comma. The simulator
--- runs without the core, which has such functions for the client.

local M = {}

local uppers, lowers = {}, {}
for code = 97, 122 do
  local lower, upper = string.char(code), string.char(code - 32)
  uppers[lower], lowers[upper] = upper, lower
end

--- Converts the letters a to z to upper case.
---@param text string
---@return string
function M.upper(text)
  return (text:gsub("[a-z]", uppers))
end

--- Converts the letters A to Z to lower case.
---@param text string
---@return string
function M.lower(text)
  return (text:gsub("[A-Z]", lowers))
end

--- Returns whether one text sorts before another by their bytes. Lua's `<` sorts by the locale instead.
---@param one string
---@param other string
---@return boolean
function M.is_before(one, other)
  for i = 1, math.min(#one, #other) do
    local byte, other_byte = one:byte(i), other:byte(i)
    if byte ~= other_byte then
      return byte < other_byte
    end
  end
  return #one < #other
end

-- Returns the decimal point of the locale, which the host may change at any time.
local function decimal_point()
  return ("%.1f"):format(0.5):sub(2, -2)
end

--- Formats a number with a decimal point, in every locale.
---@param number number
---@param digits integer significant ones
---@return string
function M.from_number(number, digits)
  local text, point = ("%." .. digits .. "g"):format(number), decimal_point()
  local at = point ~= "." and text:find(point, 1, true)
  return at and text:sub(1, at - 1) .. "." .. text:sub(at + #point) or text
end

--- Reads a number with a decimal point, in every locale.
---@param text string
---@return number? number nil if the text is not a number
function M.to_number(text)
  local point = decimal_point()
  if point == "." then
    return tonumber(text)
  elseif text:find(point, 1, true) then
    return nil
  end
  -- A Lua that formats numbers with the locale's decimal point also reads them with it.
  local at = text:find(".", 1, true)
  return tonumber(at and text:sub(1, at - 1) .. point .. text:sub(at + 1) or text)
end

return M
