--- Runs a module of this directory in a host that is a Lua library, in this process, and prints its lines:
--   lua spec/conformance/run.lua COURSE LOOP SIMULATOR UPSTREAM REFUSED
local course, loop, simulator, upstream, refused = ...
local hosts = require "spec.conformance.hosts"

hosts[loop](function()
  require(course).run {
    openhands = require "openhands",
    loop = loop,
    blocks = loop == "plain" or loop == "uv",
    simulator = simulator, upstream = upstream, refused = refused,
    report = function(line) print(line) io.stdout:flush() end,
  }
end)
