--- Runs a course in a host that is a library of Lua's, in a process of its own, and prints its lines:
--   lua spec/conformance/run.lua COURSE LOOP SIMULATOR UPSTREAM REFUSED
local course, loop, simulator, upstream, refused = ...
local hosts = require "spec.conformance.hosts"

hosts[loop](function()
  require(course).run {
    openhands = require "openhands",
    loop = loop,
    blocks = loop == "plain" or loop == "uv",
    simulator = simulator, upstream = upstream, refused = refused,
    say = function(line) print(line) io.stdout:flush() end,
  }
end)
