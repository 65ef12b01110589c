--- Assertions for code that runs inside a host, where busted is not available: a failed one raises an error.
local core = require "openhands.core"

local M = {}

function M.equal(expected, found, what)
  if expected ~= found then
    error(("%s: expected %s, found %s"):format(what or "value", tostring(expected), tostring(found)), 2)
  end
end

function M.has_kind(kind, value, err)
  if value ~= nil or type(err) ~= "table" then
    error(("expected an error of kind %s, found %s, %s"):format(kind, tostring(value), tostring(err)), 2)
  end
  M.equal(kind, err.kind, tostring(err))
end

--- Lets the other tasks run until a condition holds.
function M.wait_until(client, condition)
  local ends_at = core.monotonic() + 30
  while not condition() and core.monotonic() < ends_at do client:sleep(0.002) end
  if not condition() then error("the condition never held", 2) end
end

return M
