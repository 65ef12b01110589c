--- The routes of V1: those of all modules in this directory.
local groups = {
  require "openhands.simulator.v1.start",
  require "openhands.simulator.v1.conversations",
  require("openhands.simulator.v1.events").routes,
  require "openhands.simulator.v1.messages",
  require "openhands.simulator.v1.workspace",
  require "openhands.simulator.v1.account",
  require "openhands.simulator.v1.settings",
  require "openhands.simulator.v1.secrets",
  require "openhands.simulator.v1.git",
  require "openhands.simulator.v1.catalogue",
  require "openhands.simulator.v1.shared",
  require "openhands.simulator.v1.sandboxes",
  require "openhands.simulator.v1.device_login",
}

local list = {} ---@type openhands.simulator.Route[]
for _, group in ipairs(groups) do
  for _, route in ipairs(group) do
    list[#list + 1] = route
  end
end

return list
