--- A real nginx with Lua: on a free port, with its files in a directory of its own, ended by the process id of its
-- master. Also a client that sends it many requests at once, each over a connection of its own.
local core = require "openhands.core"
local uv = require "luv"
local files = require "spec.support.files"
local processes = require "spec.support.processes"

local M = {}

local PATIENCE = 120 -- seconds after which a wait fails

local function output_of(command)
  local shell = assert(io.popen(command))
  local text = shell:read "*a"
  shell:close()
  return text
end

local function find_program()
  local path = output_of("PATH=$PATH:/usr/sbin:/usr/local/sbin:/usr/local/openresty/bin; "
    .. "command -v openresty || command -v nginx"):match "[^\n]+"
  return path or error "nginx with Lua is missing: install nginx and libnginx-mod-http-lua, or OpenResty"
end

-- Lua is built into OpenResty; elsewhere it is in two modules.
local function modules(program)
  local built = output_of(program .. " -V 2>&1")
  local folder = built:match "%-%-modules%-path=(%S+)" or "/usr/lib/nginx/modules"
  if built:find("ngx_lua", 1, true) then return "" end
  local file = io.open(folder .. "/ngx_http_lua_module.so")
  if not file then error("nginx has no Lua: install libnginx-mod-http-lua, or OpenResty") end
  file:close()
  return ("load_module %s/ndk_http_module.so; load_module %s/ngx_http_lua_module.so;"):format(folder, folder)
end

--- Returns a port that was free a moment ago.
---@return integer
function M.free_port()
  local socket = uv.new_tcp()
  assert(socket:bind("127.0.0.1", 0))
  local port = socket:getsockname().port
  socket:close()
  uv.run "nowait"
  return port
end

--- Runs the loop until `done()` holds; fails when that takes too long.
---@param what string
---@param done fun(): any
function M.wait_until(what, done)
  local deadline = core.monotonic() + PATIENCE
  local timer = uv.new_timer()
  timer:start(2, 2, function() end) -- so that there is always something to wait for
  local result = done()
  while not result and core.monotonic() < deadline do
    uv.run "once"
    result = done()
  end
  timer:close()
  uv.run "nowait"
  return result or error("does not happen: " .. what, 2)
end

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

-- ---- the server --------------------------------------------------------------------------------------------------

---@class spec.Nginx
---@field address string
---@field port integer
---@field directory string
local methods = {}

--- Returns the text of nginx's error log.
---@return string
function methods:log() return files.read(self.directory .. "/error.log") end

--- Returns the lines of the log that are worse than a warning.
---@return string
function methods:trouble()
  local lines = {}
  for line in self:log():gmatch "[^\n]+" do
    if line:find "%[alert%]" or line:find "%[crit%]" or line:find "%[emerg%]" or line:find "%[error%]"
      or line:find "exited on signal" or line:find "exited with code [1-9]" then
      lines[#lines + 1] = line
    end
  end
  return table.concat(lines, "\n")
end

---@return integer? pid of the master; nil while its file exists but is still empty
function methods:master() return tonumber((files.read(self.directory .. "/nginx.pid"))) end

---@return table<integer, boolean> pids of the workers that live
function methods:workers()
  local pids = {}
  local master = self:master()
  for pid in files.read(("/proc/%d/task/%d/children"):format(master, master)):gmatch "%d+" do
    pids[tonumber(pid)] = true
  end
  return pids
end

---@param name string "sighup", "sigquit"
function methods:signal(name) assert(uv.kill(self:master(), name)) end

--- Reloads the configuration; returns when all workers are new ones.
function methods:reload()
  local before = self:workers()
  self:signal "sighup"
  M.wait_until("the workers are replaced", function()
    for pid in pairs(self:workers()) do
      if before[pid] then return false end
    end
    return next(self:workers()) ~= nil
  end)
end

--- Ends it, and waits until it is gone.
---@param signal string? default "sigterm": at once
function methods:stop(signal)
  if exists(self.directory .. "/nginx.pid") then
    self:signal(signal or "sigterm")
    M.wait_until("nginx ends", function() return not exists(self.directory .. "/nginx.pid") end)
  end
end

--- Ends it and removes its files.
function methods:close()
  self:stop()
  self.remove()
end

-- ---- requests to it -----------------------------------------------------------------------------------------------

local function request_of(asked)
  return ("%s %s HTTP/1.0\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n%s"):format(asked.method or "GET", asked.path,
    asked.headers or "", #(asked.body or ""), asked.body or "")
end

-- Sends one request over a connection of its own.
local function ask(port, asked, finished)
  local socket, pieces = uv.new_tcp(), {}
  local began = core.monotonic()
  local function finish()
    if socket:is_closing() then return end
    socket:close()
    local bytes = table.concat(pieces)
    local head, body = bytes:match "^(.-)\r\n\r\n(.*)$"
    finished {
      status = tonumber((head or ""):match "^HTTP/%d%.%d (%d+)"),
      head = head,
      body = body,
      seconds = core.monotonic() - began,
    }
  end
  socket:connect("127.0.0.1", port, function(problem)
    if problem then return finish() end
    socket:nodelay(true)
    socket:write(request_of(asked))
    if asked.hang_up then return asked.hang_up(finish) end
    socket:read_start(function(trouble, piece)
      if trouble or not piece then return finish() end
      pieces[#pieces + 1] = piece
    end)
  end)
end

--- Sends many requests, a number of them at a time.
---@param list (string|table)[] paths, or `{ path, method, body, headers, hang_up }`; `hang_up(finish)` is called when
--- the request was sent, and `finish()` closes the connection without waiting for an answer
---@param concurrency integer? all at once
---@return { status: integer?, head: string?, body: string?, seconds: number }[] answers in the order of the list
function methods:fetch(list, concurrency)
  local answers, begun, ended = {}, 0, 0
  local function following()
    if begun == #list then return end
    begun = begun + 1
    local place = begun
    self:ask(list[place], function(answer)
      answers[place] = answer
      ended = ended + 1
      following()
    end)
  end
  for _ = 1, math.min(concurrency or #list, #list) do following() end
  M.wait_until("all answers are there", function() return ended == #list end)
  return answers
end

--- Sends one request while the caller runs the loop.
---@param asked string|table
---@param finished fun(answer: table)
function methods:ask(asked, finished)
  ask(self.port, type(asked) == "string" and { path = asked } or asked, finished)
end

--- Sends one request and returns its answer.
---@param asked string|table
---@return string? body, integer? status
function methods:get(asked)
  local answer = self:fetch({ asked })[1]
  return answer.body, answer.status
end

-- ---- making it ---------------------------------------------------------------------------------------------------

-- Starts nginx with a configuration on a port that is free now. Returns nil and nginx's words if it does not start.
local function try(program, configuration)
  local directory, remove = files.directory()
  local self = setmetatable({ directory = directory, remove = remove, port = M.free_port() }, { __index = methods })
  self.address = "http://127.0.0.1:" .. self.port
  local filling = { directory = directory, port = self.port, modules = modules(program) }
  files.write(directory .. "/nginx.conf", (configuration:gsub("@(%l+)@", filling)))
  local result = os.execute(("%s %s -p %s/ -c %s/nginx.conf -e %s/error.log 2>%s/start.log"):format(
    processes.without_leak_checks(), program, directory, directory, directory, directory))
  if result ~= 0 and result ~= true then
    local words = files.read(directory .. "/start.log")
    remove()
    return nil, words
  end
  return self
end

--- Writes a configuration and starts nginx with it. `@directory@`, `@port@` and `@modules@` in it are filled in.
---@param configuration string
---@return spec.Nginx
function M.run(configuration)
  local program, self, words = find_program(), nil, nil
  for _ = 1, 5 do -- another program may have taken the port before nginx did
    self, words = try(program, configuration)
    if self or not words:find("Address already in use", 1, true) then break end
  end
  if not self then error("nginx does not start: " .. words) end
  M.wait_until("a worker runs", function()
    return exists(self.directory .. "/nginx.pid") and self:master() and next(self:workers())
  end)
  return self
end

-- Makes search paths absolute: nginx runs in another directory.
local function absolute(paths)
  local here = uv.cwd()
  return (paths:gsub("%./", here .. "/"):gsub("//+", "/"))
end

--- Makes a self-signed certificate of 127.0.0.1. Returns the lines of configuration for it, and a function that removes
--- its files.
---@return string configuration, fun() remove
function M.certificate()
  local directory, remove = files.directory()
  local made = os.execute(("cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
    .. "-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out certificate.pem 2>words")
    :format(directory))
  if made ~= 0 and made ~= true then error("openssl makes no certificate: " .. files.read(directory .. "/words")) end
  return ("ssl_certificate %s/certificate.pem; ssl_certificate_key %s/key.pem;"):format(directory, directory), remove
end

--- Returns the configuration with which nginx finds the same library as this Lua.
---@return string
function M.lua_paths()
  return ('lua_package_path "%s"; lua_package_cpath "%s";'):format(absolute(package.path), absolute(package.cpath))
end

--- Returns the configuration of the workers' user, who has to be able to read the checkout.
---@return string
function M.user() return uv.getuid() == 0 and "user root;" or "" end

--- Starts a server.
---@param parts { workers: integer?, main: string?, http: string?, server: string?, listen: string? } pieces of its
--- configuration
---@return spec.Nginx
function M.start(parts)
  return M.run(([[
    @modules@
    %s pid nginx.pid; error_log error.log info; worker_processes %d; daemon on; %s
    events { worker_connections 1024; }
    http {
      access_log off; lingering_close off;
      client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi;
      scgi_temp_path scgi;
      %s
      %s
      server { listen 127.0.0.1:@port@ %s; %s }
    }
  ]]):format(M.user(), parts.workers or 1, parts.main or "", M.lua_paths(), parts.http or "", parts.listen or "",
    parts.server or ""))
end

return M
