--- A scenario that every loop must pass, as those in `scenarios`: a fleet with its ledger.
local checks = require "spec.conformance.checks"
local core = require "openhands.core"

local equal = checks.equal

return { name = "a fleet runs, and other tasks go on", run = function(context)
  if _VERSION == "Lua 5.5" and not pcall(require, "DBI") then return end -- Debian has no LuaDBI for it
  local client, path = context.client { base_url = context.simulator, api = "v1" }, os.tmpname()
  -- The sandboxes of other scenarios take slots.
  local fleet = assert(client:fleet { name = core.uuid(), account = "a", ledger = path, slots = 200,
    start_interval = 0, interval = 0.01 })
  for place = 1, 3 do assert(fleet:add { key = "k" .. place, initial_user_msg = "number " .. place }) end
  local rounds, has_ended = 0, false
  local other = client:spawn(function()
    while not has_ended do
      client:sleep(0.001)
      rounds = rounds + 1
    end
  end)
  local report = assert(client:spawn(fleet.run, fleet):wait())
  has_ended = true
  other:wait()
  equal("3 3", report.done .. " " .. report.total)
  assert(rounds > 3, rounds)
  fleet:close()
  for _, suffix in ipairs { "", "-wal", "-shm" } do os.remove(path .. suffix) end
end }
