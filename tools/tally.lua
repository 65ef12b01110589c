-- A helper of busted: writes to the file $TALLY, as it happens, a line for each spec that begins (`begin NAME`) and for
-- how it ends (`success`, `failure`, `error`, `pending`). So it is known how far a run came that crashed, and where.
local busted = require "busted"
local tally = assert(io.open(assert(os.getenv "TALLY"), "a"))
tally:setvbuf "line"

-- The host of the library may have any locale: $SPEC_LOCALE, where one is given.
local locale = os.getenv "SPEC_LOCALE"
if locale then
  assert(os.setlocale(locale), "no locale " .. locale)
end

local function full_name(element)
  local parent = busted.parent(element)
  local name = element.name or element.descriptor
  return parent and parent.descriptor ~= "suite" and full_name(parent) .. " " .. name or name
end

busted.subscribe({ "test", "start" }, function(element)
  tally:write("begin ", full_name(element), "\n")
  return nil, true
end)

busted.subscribe({ "test", "end" }, function(_, _, status)
  tally:write(status, "\n")
  return nil, true
end)

-- What goes wrong outside of a spec: in a file, in setup or teardown.
for _, event in ipairs { "failure", "error" } do
  busted.subscribe({ event }, function(element)
    if element.descriptor ~= "it" then tally:write("error\n") end
    return nil, true
  end)
end
