--- `simulate`: runs the simulator until it is interrupted, and prints the variables with which programs use it.

local exit_status = require "openhands.command_line.exit_status"
local openhands = require "openhands"
local options = require "openhands.command_line.options"
local outputs = require "openhands.command_line.output"
local sessions = require "openhands.command_line.session"

local M = {}

local KEY = outputs.SIMULATED_KEY

local MOST_PORT = 65535

local function port(given)
  local number = options.count(given)
  if not number or number > MOST_PORT then
    return nil, ("'%s' is not a port: give 0 to %d (0: any free one)"):format(given, MOST_PORT)
  end
  return number
end

--- Adds the command.
---@param parser table of argparse
---@return table command
function M.define(parser)
  local command = parser:command("simulate", "Run a stand-in for the service on this machine, free and offline.")
  command:option("--port", "Port on 127.0.0.1 (default: any free one)."):argname "NUMBER":convert(port)
  command:option("--pace", "Scale all times: 1 is as slow as the service (default: 0.1)."):argname "NUMBER"
    :convert(options.number)
  command:option("--outcome", "How conversations end: finished (default), error, waiting, ..."):argname "NAME"
  return command
end

-- Returns what is wrong with the name of an outcome.
local function problem_of(outcome)
  local names = {}
  for name in pairs(require("openhands.simulator.model.script").outcomes) do
    names[#names + 1] = name
  end
  table.sort(names)
  local _, problem = options.reader_of(names)(outcome)
  return problem
end

-- Tells how to use the simulator, and waits until it has ended, or this process is interrupted.
local function stay(session, server)
  session.output:record { base_url = server.address, api_key = KEY, pid = server.pid }
  session.output:finish()
  session.output:line("export OPENHANDS_BASE_URL=" .. server.address)
  session.output:line("export OPENHANDS_API_KEY=" .. KEY)
  session:say "The simulator runs until Ctrl-C. Run these two lines in another terminal."
  while pcall(server.time, server) do
    openhands.sleep(1)
  end
end

--- Runs the command.
---@param session openhands.CommandSession
---@return integer exit_status
function M.run(session)
  local arguments = session.arguments
  if not pcall(require, "luv") then
    sessions.refuse "simulate: needs the module luv (Debian: apt-get install lua-luv; LuaRocks: luarocks install luv)"
  end
  local problem = arguments.outcome and problem_of(arguments.outcome)
  if problem then
    sessions.refuse("simulate: --outcome: " .. problem)
  end
  local given = { port = arguments.port, pace = arguments.pace or 0.1, outcome = arguments.outcome }
  if arguments.api and arguments.api ~= "auto" then
    given.api = arguments.api
  end
  local good, server = pcall(require("openhands.simulator").spawn, given)
  if not good then
    sessions.refuse("simulate: the simulator did not start: is the port free?")
  end
  local _
  _, problem = pcall(stay --[[@as function]], session, server)
  pcall(server.close --[[@as function]], server)
  if problem and not tostring(problem):find "interrupted" then
    error(problem, 0)
  end
  return exit_status.OK
end

return M
