--- The program of the simulator: serves a model on 127.0.0.1 and runs commands from its standard input.
--
--     lua server.lua [--api both|v0|v1] [--pace NUMBER] [--port NUMBER] [--options JSON] [--stay]
local as_module = ... == "openhands.simulator.server"
if not as_module and arg and arg[0] then
  -- Run as a program, from any directory: find the modules relative to this file.
  local root = arg[0]:match("^(.*)openhands[/\\]simulator[/\\]server%.lua$")
  if root then
    package.path = root .. "?.lua;" .. root .. "?/init.lua;" .. package.path
  end
end

local control = require "openhands.simulator.server.control"
local json = require "openhands.simulator.encoding.json"
local loopback = require "openhands.simulator.server.loopback"
local uv = require "luv"

local M = {}

local usage = [[
usage: lua server.lua [options]
  --api both|v0|v1   the dialects that the server answers (default both)
  --pace NUMBER      scales all durations; at 1 a conversation takes a minute (default 1)
  --port NUMBER      the port on 127.0.0.1 (default: any free one)
  --options JSON     further options of the model, as one JSON object
  --stay             keep running when standard input ends
  --help             print this text
The first line of output is the address. Standard input takes one command per line, as JSON.
]]

local function read_arguments(words)
  local settings = { options = {} }
  local index = 1
  local function value()
    index = index + 1
    return words[index] or error(words[index - 1] .. " needs a value", 0)
  end
  local readers = {
    ["--api"] = function()
      settings.options.api = value()
    end,
    ["--pace"] = function()
      settings.options.pace = tonumber(value()) or error("--pace needs a number", 0)
    end,
    ["--port"] = function()
      settings.port = tonumber(value()) or error("--port needs a number", 0)
    end,
    ["--options"] = function()
      local options, problem = json.decode(value(), "bytes")
      if type(options) ~= "table" then
        error("--options: " .. (problem or "not a JSON object"), 0)
      end
      for name, option in pairs(options) do
        settings.options[name] = option
      end
    end,
    ["--stay"] = function()
      settings.stay = true
    end,
    ["--help"] = function()
      settings.help = true
    end,
  }
  while words[index] do
    local reader = readers[words[index]] or error("unknown option: " .. words[index], 0)
    reader()
    index = index + 1
  end
  return settings
end

--- Runs the program: listens, prints the address, and runs commands until standard input ends, the command `stop`, or
-- SIGTERM or SIGINT. With `--stay`, the end of standard input does not end it. Raises if the port is taken.
---@param words string[] the command line
---@return integer exit_status 2 if the command line is wrong, else 0
function M.main(words)
  local read, settings = pcall(read_arguments, words) --[[@as boolean, any]]
  local made, server = read, nil --[[@as any]]
  if read and not settings.help then
    made, server = pcall(loopback.new, settings)
  end
  if not made then
    io.stderr:write("simulator: ", tostring(read and server or settings), "\n", usage)
    return 2
  end
  if settings.help then
    io.stdout:write(usage)
    return 0
  end
  io.stdout:write(server:listen(), "\n")
  io.stdout:flush()
  control.attach(server, settings.stay)
  for _, name in ipairs { "sigterm", "sigint" } do
    local signal = uv.new_signal()
    signal:start(name, function() uv.stop() end)
  end
  -- A client may reset its connection while a large response is written to it. SIGPIPE must not end the process then.
  uv.new_signal():start("sigpipe", function() end)
  uv.run()
  server:close()
  return 0
end

if not as_module and arg and arg[0] and arg[0]:find("server%.lua$") then
  os.exit(M.main(arg))
end

return M
