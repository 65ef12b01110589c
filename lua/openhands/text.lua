--- Letters of the wire. Lua's own `upper`, `lower` and classes such as `%w` follow the host's locale, in which "i" may
--- become something else than "I": what is compared or sent is changed here, and only in ASCII.

local M = {}

local uppers, lowers = {}, {}
for code = 97, 122 do
  local lower, upper = string.char(code), string.char(code - 32)
  uppers[lower], lowers[upper] = upper, lower
end

---@param text string
---@return string text with the letters a to z in upper case
function M.upper(text)
  return (text:gsub("[a-z]", uppers))
end

---@param text string
---@return string text with the letters A to Z in lower case
function M.lower(text)
  return (text:gsub("[A-Z]", lowers))
end

return M
