--- Runs a list of checks, one after the other, on a server that is not ours. Prints a line for each. A failed one does
--- not end the list; later ones that need its result fail, too.
local M = {}

local Checks = {}
Checks.__index = Checks

--- Creates an empty list.
---@param name string of the server
---@return table
function M.new(name)
  return setmetatable({ name = name, passed = 0, failed = 0 }, Checks)
end

local function first_line(value)
  return (tostring(value):match "^[^\n]*")
end

--- Runs a check. It passes if the function returns; a text that it returns is printed.
---@param what string
---@param try fun(): string?
function Checks:check(what, try)
  local began = os.time()
  local good, note = xpcall(try, function(problem)
    return type(problem) == "string" and problem or tostring(problem)
  end)
  self[good and "passed" or "failed"] = self[good and "passed" or "failed"] + 1
  local shown = note ~= nil and (": " .. first_line(note):sub(1, 400)) or ""
  print(("%s %-8s %s (%d s)%s"):format(good and "pass" or "FAIL", self.name, what, os.time() - began, shown))
  io.stdout:flush()
end

--- Prints the totals.
---@return boolean passed whether all checks passed
function Checks:close()
  print(("%d passed, %d failed"):format(self.passed, self.failed))
  return self.failed == 0
end

--- Returns its arguments; raises if the first is nil or false. Unlike PUC Lua 5.1's `assert`, it takes errors that are
--- tables.
function M.must(value, err, ...)
  if value == nil or value == false then
    error("nil, " .. tostring(err) .. (type(err) == "table" and " [" .. tostring(err.kind) .. "]" or ""), 2)
  end
  return value, err, ...
end

--- Raises unless both values are equal.
function M.same(expected, found, what)
  if expected ~= found then
    error(("%s: expected %s, found %s"):format(what, tostring(expected), tostring(found)), 2)
  end
end

--- Raises unless the text contains the part.
function M.holds(text, part, what)
  if type(text) ~= "string" or not text:find(part, 1, true) then
    error(("%s: expected a text with '%s', found %s"):format(what, part, tostring(text)), 2)
  end
end

return M
