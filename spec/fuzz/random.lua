--- Random numbers that are the same on every Lua for the same seed.
local M = {}

---@class fuzz.Random
local methods = {}

---@param seed integer 1 to 2^31 - 2
---@return fuzz.Random
function M.new(seed)
  local self = setmetatable({ _state = seed % 2147483646 + 1 }, { __index = methods })
  for _ = 1, 3 do -- seeds that follow each other begin alike
    self:up_to(1)
  end
  return self
end

--- Returns an integer from 1 to `most`.
---@param most integer
---@return integer
function methods:up_to(most)
  self._state = self._state * 16807 % 2147483647
  return self._state % most + 1
end

--- Returns true in one of so many cases.
function methods:one_in(count)
  return self:up_to(count) == 1
end

--- Returns an item of a list.
function methods:of(list)
  return list[self:up_to(#list)]
end

return M
