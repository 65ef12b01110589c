--- A table of rows that are tried one after the other on a server that somebody else wrote. A row says in a line
--- whether it passed; one that fails ends nothing but itself, and what needs what it would have brought fails too.
local M = {}

local Table = {}
Table.__index = Table

--- A new table.
---@param name string of the server
---@return table
function M.new(name)
  return setmetatable({ name = name, passed = 0, failed = 0 }, Table)
end

local function first_line(value)
  return (tostring(value):match "^[^\n]*")
end

--- Tries a row. It passes if the function returns; a text that it returns is shown.
---@param what string
---@param try fun(): string?
function Table:row(what, try)
  local began = os.time()
  local good, word = xpcall(try, function(problem)
    return type(problem) == "string" and problem or tostring(problem)
  end)
  self[good and "passed" or "failed"] = self[good and "passed" or "failed"] + 1
  local shown = word ~= nil and (": " .. first_line(word):sub(1, 400)) or ""
  print(("%s %-8s %s (%d s)%s"):format(good and "pass" or "FAIL", self.name, what, os.time() - began, shown))
  io.stdout:flush()
end

--- The last line, and whether all passed.
---@return boolean
function Table:close()
  print(("%d passed, %d failed"):format(self.passed, self.failed))
  return self.failed == 0
end

--- Raises unless the first value is there; else passes all on. Errors of the library are tables, which PUC Lua 5.1's
--- `assert` does not take.
function M.must(value, err, ...)
  if value == nil or value == false then
    error("nil, " .. tostring(err) .. (type(err) == "table" and " [" .. tostring(err.kind) .. "]" or ""), 2)
  end
  return value, err, ...
end

--- Raises unless both are the same.
function M.same(expected, found, what)
  if expected ~= found then
    error(("%s: expected %s, found %s"):format(what, tostring(expected), tostring(found)), 2)
  end
end

--- Raises unless the text holds the part.
function M.holds(text, part, what)
  if type(text) ~= "string" or not text:find(part, 1, true) then
    error(("%s: expected a text with '%s', found %s"):format(what, part, tostring(text)), 2)
  end
end

return M
