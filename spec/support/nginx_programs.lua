--- nginx servers that run given Lua programs in any phase of a request, and upstreams for these programs.
local nginx = require "spec.support.nginx"
local uv = require "luv"
local canary = require "spec.support.canary"

local M = {}

-- `run` runs the program in the body of a request and answers with what it returns.
local function common(address, settings)
  return ([[
    init_by_lua_block {
      openhands = require "openhands"
      client = openhands.new { base_url = %q, api_key = %q, grace = 0.05, api = "v1", %s }
      kept = {}
      local function program()
        ngx.req.read_body()
        return assert(loadstring(ngx.req.get_body_data()))
      end
      local function answer(good, ...)
        ngx.status = good and 200 or 500
        ngx.print(table.concat({ tostring((...)), select(2, ...) }, " "))
        return ngx.exit(ngx.status)
      end
      function run()
        return answer(xpcall(program(), debug.traceback))
      end
      function run_in_timer()
        local program, gate, results = program(), require("ngx.semaphore").new()
        assert(ngx.timer.at(0, function()
          results = { xpcall(program, debug.traceback) }
          gate:post()
        end))
        assert(gate:wait(20))
        return answer(unpack(results))
      end
    }
  ]]):format(address, canary.key, settings or "")
end

local runs_programs = [[
  lua_check_client_abort on;
  server_rewrite_by_lua_block { if ngx.var.uri == "/server_rewrite" then run() end }
  location /rewrite { rewrite_by_lua_block { run() } }
  location /access { access_by_lua_block { run() } }
  location /content { content_by_lua_block { run() } }
  location /timer { content_by_lua_block { run_in_timer() } }
]]

--- Starts a server whose programs have a `client` of a service.
---@param address string of the service
---@param parts table of the configuration
---@param settings string? further settings of the client, as Lua
---@return spec.Nginx
function M.serve(address, parts, settings)
  parts.http = common(address, settings) .. (parts.http or "")
  parts.server = runs_programs .. (parts.server or "")
  return nginx.start(parts)
end

--- Returns the request that runs a program.
---@param program string Lua
---@param phase string? default "content"
function M.request(program, phase)
  return { path = "/" .. (phase or "content"), method = "POST", body = program }
end

--- Runs a program; returns its values in one line, or fails with the error that it raised.
---@param server spec.Nginx
---@param program string Lua
---@param phase string? default "content"
---@return string
function M.run(server, program, phase)
  local body, status = server:get(M.request(program, phase))
  if status ~= 200 then
    error(("%s: %s\n%s"):format(tostring(status), tostring(body), server:log()), 2)
  end
  return body
end

--- Returns the expression with which a program calls the echo upstream, which answers a number after a while.
---@param number integer
---@param seconds number until it answers
---@return string
function M.late(number, seconds)
  return ("client:request { path = '/api/late/%d', query = { seconds = '%g' } }"):format(number, seconds)
end

--- Starts an upstream that echoes what it was asked for, at once or after a delay.
---@return spec.Nginx
function M.echo()
  return nginx.start {
    workers = 2,
    http = "keepalive_requests 1000000;",
    server = [[
      default_type application/json;
      location /api/echo/ { return 200 '{"uri":"$uri"}'; }
      location /api/late/ {
        content_by_lua_block {
          ngx.sleep(tonumber(ngx.var.arg_seconds))
          ngx.print(('{"uri":"%s"}'):format(ngx.var.uri))
        }
      }
    ]],
  }
end

--- Starts a server that accepts connections and never answers.
---@return string address, fun() close
function M.silence()
  local listener = uv.new_tcp()
  assert(listener:bind("127.0.0.1", 0))
  assert(listener:listen(512, function() end))
  return "http://127.0.0.1:" .. listener:getsockname().port, function()
    listener:close()
    uv.run "nowait"
  end
end

return M
