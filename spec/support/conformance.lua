--- The environment of the scenarios in spec/conformance: servers, and a process that contains the host.
local nginx = require "spec.support.nginx"
local raw_server = require "spec.support.raw_server"
local simulator = require "openhands.simulator"
local uv = require "luv"

local M = {}

local SCENARIOS = "spec.conformance.course"
local PATIENCE = 120 -- seconds that a host may take

local Servers = {}
Servers.__index = Servers

function Servers:close()
  self._held:close()
  uv.run "nowait"
  self.service:close()
  self.upstream:close()
end

local function json(number) return raw_server.answer(('{"number": %d}'):format(number)) end

local function later(seconds, run)
  local timer = uv.new_timer()
  uv.update_time()
  timer:start(math.ceil(seconds * 1000), 0, function()
    timer:close()
    run()
  end)
end

local function drip(connection)
  connection:write "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
  local timer = uv.new_timer()
  timer:start(10, 10, function()
    if connection._socket:is_closing() then return timer:close() end
    connection:write " "
  end)
end

local function long_list()
  local items = {}
  for index = 1, 60000 do items[index] = ('{"number":%d}'):format(index) end
  return "[" .. table.concat(items, ",") .. "]"
end

-- Starts a server with these paths:
--
--     /now/N    N, at once                     /starts      the number of POST requests
--     /slow/N   N, after a while               /questions   the number of requests for the V1 account
--     /ten/N    N, once ten of these wait      /drip        an answer that takes ten seconds
--     /long     a list of 60000 objects, which is read in slices
--     /most     the highest number of `/ten/N` that waited at the same time, since the last request for it
--
-- A request for the V1 account is answered after a while. The answer to a count of conversations is 7. Any other
-- request gets no answer.
local function upstream()
  local most, starts, questions, together = 0, 0, 0, {}
  return raw_server.new(function(request, connection)
    local what, number = request.target:match "^/(%w+)/?(%d*)$"
    if request.method == "POST" then
      starts = starts + 1
    elseif request.target == "/api/v1/users/me" then
      questions = questions + 1
      later(0.05, function() connection:write(raw_server.answer '{"id": null, "v1_enabled": true}') end)
    elseif request.target == "/long" then
      return raw_server.answer(long_list())
    elseif request.target:find "^/api/v1/app%-conversations/count" then
      return raw_server.answer "7"
    elseif what == "questions" then
      return json(questions)
    elseif what == "now" then
      return json(number)
    elseif what == "starts" then
      return json(starts)
    elseif what == "most" then
      local answer = json(most)
      most = 0
      return answer
    elseif what == "drip" then
      drip(connection)
    elseif what == "slow" then
      later(0.05, function() connection:write(json(number)) end)
    elseif what == "ten" then
      table.insert(together, function() connection:write(json(number)) end)
      most = math.max(most, #together)
      if #together == 10 then
        later(0.05, function() -- leaves time for an eleventh, which `/most` would show
          local answers = together
          together = {}
          for _, answer in ipairs(answers) do answer() end
        end)
      end
    end
  end)
end

-- Returns an address on which no server listens. Its port stays bound, so that no other program can listen on it.
local function refusing_address()
  local tcp = uv.new_tcp()
  assert(tcp:bind("127.0.0.1", 0))
  return "http://127.0.0.1:" .. tcp:getsockname().port, tcp
end

--- Starts the servers of the scenarios: a simulator (`service`), the `upstream`, and a port that refuses (`refused`).
---@return table servers with `close`
function M.servers()
  local refused, held = refusing_address()
  return setmetatable({
    service = simulator.spawn { pace = 0.0005 },
    upstream = upstream(),
    refused = refused,
    _held = held,
  }, Servers)
end

--- Runs a program to its end while the servers of this process go on.
---@param program string
---@param arguments string[]
---@param environment? string[] "NAME=value"; default: this process's own
---@return string output standard output and standard error, integer code, integer signal
function M.run(program, arguments, environment)
  local pieces, output, problems, code, signal = {}, uv.new_pipe(false), uv.new_pipe(false), nil, nil
  local child, pid = uv.spawn(program, {
    args = arguments, env = environment, stdio = { nil, output, problems },
  }, function(exit_code, exit_signal) code, signal = exit_code, exit_signal end)
  assert(child, pid)
  local open = 2
  for _, pipe in ipairs { output, problems } do
    pipe:read_start(function(_, piece)
      if piece then pieces[#pieces + 1] = piece else open = open - 1 end
    end)
  end
  local timer = uv.new_timer()
  uv.update_time()
  timer:start(PATIENCE * 1000, 0, function() child:kill "sigkill" end)
  repeat uv.run "once" until code and open == 0
  timer:close()
  child:close()
  output:close()
  problems:close()
  uv.run "nowait"
  return table.concat(pieces), code, signal
end

local function environment_of(servers, course)
  local environment = {
    "COURSE=" .. (course or SCENARIOS),
    "SIMULATOR=" .. servers.service.address, "UPSTREAM=" .. servers.upstream.address, "REFUSED=" .. servers.refused,
  }
  for name, value in pairs(uv.os_environ()) do
    if name == "ASAN_OPTIONS" then value = value .. ":detect_leaks=0" end -- Neovim never closes its state
    environment[#environment + 1] = name .. "=" .. value
  end
  return environment
end

local function lines_of(output)
  local lines = {}
  for line in output:gmatch "[^\r\n]+" do lines[#lines + 1] = line end
  return lines
end

-- Returns the lines of a program, and how it ended if it failed.
local function lines_of_run(...)
  local output, code, signal = M.run(...)
  local lines = lines_of(output)
  if code ~= 0 or signal ~= 0 then lines[#lines + 1] = ("ended with %d, signal %d"):format(code, signal) end
  return lines
end

--- Returns the lines that a course (by default that of the scenarios) prints in a host that is a library.
function M.in_library(servers, loop, course)
  return lines_of_run(assert(os.getenv "LUA" or arg[-1], "which Lua is this?"), {
    "spec/conformance/run.lua", course or SCENARIOS, loop,
    servers.service.address, servers.upstream.address, servers.refused,
  })
end

--- Returns the lines that it prints in Neovim.
function M.in_neovim(servers, course)
  local arguments = { "--headless", "-u", "NONE", "-i", "NONE", "-n", "-c", "luafile spec/conformance/neovim.lua" }
  return lines_of_run("nvim", arguments, environment_of(servers, course))
end

--- Returns the lines that it prints in a request to nginx, and the lines of nginx's log that are worse than a warning.
function M.in_nginx(servers, course)
  local server = nginx.start {
    server = ([[
      location / {
        content_by_lua_block {
          require(%q).run {
            openhands = require "openhands",
            simulator = %q, upstream = %q, refused = %q,
            report = function(line) ngx.say(line) ngx.flush() end,
          }
        }
      }
    ]]):format(course or SCENARIOS, servers.service.address, servers.upstream.address, servers.refused),
  }
  local lines = lines_of(server:get "/")
  local trouble = server:trouble()
  if trouble ~= "" then lines[#lines + 1] = trouble end
  server:close()
  return lines
end

return M
