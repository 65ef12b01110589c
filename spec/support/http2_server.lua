--- An HTTP/2 server with chosen faults, in a process of its own. It uses the implementation of Node, which is
--- independent of this project.
local uv = require "luv"
local files = require "spec.support.files"

local M = {}

local patience = 30 -- seconds after which a wait fails

local function find_program(name)
  local shell = assert(io.popen("command -v " .. name))
  local path = shell:read "*l"
  shell:close()
  return path
end

--- Returns the programs that are missing for a server, or nil.
---@return string?
function M.missing()
  local missing = {}
  for _, name in ipairs { "node", "openssl" } do
    if not find_program(name) then missing[#missing + 1] = name end
  end
  return missing[1] and table.concat(missing, " ")
end

--- Replaces specs whose programs are missing: they are pending, or fail where `CI=true` says that all must be there.
---@param it function busted's, which required modules cannot see
---@param pending function busted's
---@return boolean is_missing
function M.skip_without(it, pending)
  local missing = M.missing()
  if not missing then return false end
  if os.getenv "CI" == "true" then
    it("needs " .. missing, function() error("missing: " .. missing) end)
  else
    pending("needs " .. missing, function() end)
  end
  return true
end

---@class spec.Http2Server
---@field address string
---@field ca_file string
---@field requests string[] "VERSION METHOD PATH", as they came
local methods = {}

local function wait(done)
  local timer, late = uv.new_timer(), false
  uv.update_time() -- a timer counts from when the loop last looked at the clock
  timer:start(patience * 1000, 0, function() late = true end)
  while not done() and not late do uv.run "once" end
  timer:close()
  uv.run "nowait"
  if late then error("the HTTP/2 server says nothing", 3) end
end

--- Sets the fault of all following answers (http2.js lists them), and forgets the requests so far.
---@param fault string
function methods:fault(fault)
  if self._ended then error("the HTTP/2 server has ended with " .. self._ended, 2) end
  self._fault = nil
  self._stdin:write(fault .. "\n")
  wait(function() return self._fault == fault or self._ended end)
  self.requests = {}
end

--- Counts the requests with a method.
---@param method string
---@return integer
function methods:count(method)
  local count = 0
  for _, request in ipairs(self.requests) do
    if request:match "^%d (%S+)" == method then count = count + 1 end
  end
  return count
end

--- Waits until the server has reported all its requests.
function methods:settle()
  local requests = self.requests
  self:fault(self._fault)
  self.requests = requests
end

--- Ends the server and removes its files.
function methods:close()
  self._stdin:close()
  wait(function() return self._ended end)
  self._stdout:close()
  uv.run "nowait"
  self._remove()
end

--- Starts a server, without a fault yet.
---@param program string? default: the one that speaks HTTP/2
---@return spec.Http2Server
function M.new(program)
  local directory, remove = files.directory()
  local made = os.execute(("cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
    .. "-keyout key.pem -out certificate.pem -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 2>openssl.log")
    :format(directory))
  if made ~= 0 and made ~= true then error(files.read(directory .. "/openssl.log")) end
  local self = setmetatable({
    requests = {}, ca_file = directory .. "/certificate.pem", _fault = "none", _stdin = uv.new_pipe(false),
    _stdout = uv.new_pipe(false), _remove = remove,
  }, { __index = methods })
  local process, problem
  process, problem = uv.spawn("node", {
    args = { "--max-old-space-size=300", program or "spec/hostile/http2.js", directory .. "/key.pem", self.ca_file },
    stdio = { self._stdin, self._stdout, 2 },
  }, function(code, signal)
    self._ended = ("code %d, signal %d"):format(code, signal)
    process:close()
  end)
  assert(process, problem)
  local rest = ""
  self._stdout:read_start(function(_, piece)
    rest = rest .. (piece or "")
    for line in rest:gmatch "([^\n]*)\n" do
      local fault = line:match "^fault (.*)"
      if fault then
        self._fault = fault
      elseif self.address then
        self.requests[#self.requests + 1] = line
      else
        self.address = "https://127.0.0.1:" .. line
      end
    end
    rest = rest:match "[^\n]*$"
  end)
  wait(function() return self.address or self._ended end)
  assert(self.address, "the HTTP/2 server did not begin")
  return self
end

return M
