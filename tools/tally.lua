-- A helper of busted: appends a line to the file $TALLY when a spec begins (`begin NAME`) and when it ends (`success`,
-- `failure`, `error`, `pending`). After a crash the file tells how far the run came, and where it ended.
local busted = require "busted"
local tally = assert(io.open(assert(os.getenv "TALLY"), "a"))
tally:setvbuf "line"

-- A host of the library may have any locale: sets $SPEC_LOCALE, if given.
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

-- Errors outside a spec: while a file is loaded, in setup or teardown.
for _, event in ipairs { "failure", "error" } do
  busted.subscribe({ event }, function(element)
    if element.descriptor ~= "it" then tally:write("error\n") end
    return nil, true
  end)
end
