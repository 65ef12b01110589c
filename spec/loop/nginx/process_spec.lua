-- The library in nginx when that forks, reloads or exits; and the example. Because nginx embeds LuaJIT, only the specs
-- of LuaJIT run this.
if not rawget(_G, "jit") then
  return
end

local json = require "openhands.simulator.encoding.json"
local nginx = require "spec.support.nginx"
local nginx_host = require "spec.support.nginx_host"
local programs = require "spec.support.nginx_programs"
local uv = require "luv"
local canary = require "spec.support.canary"
local files = require "spec.support.files"

local late = programs.late

describe("processes of nginx", function()
  local here = nginx_host.new()
  local serve, run = here.serve, here.run

  setup(here.start)
  teardown(here.stop)
  before_each(here.prepare)
  after_each(here.finish)

  -- ---- the example -----------------------------------------------------------------------------------------------

  it("runs the example", function()
    local configuration = files.read "examples/openresty/nginx.conf"
    local function adapt(pattern, replacement)
      local count
      configuration, count = configuration:gsub(pattern, replacement)
      assert.is_true(count > 0, pattern)
    end
    adapt("load_module [^\n]*ndk[^\n]*\n", "@modules@ ")
    adapt("load_module [^\n]*lua_module[^\n]*\n", nginx.user() .. "\n")
    adapt("listen [^;]+;", "listen 127.0.0.1:@port@;")
    adapt("pid logs/nginx.pid;", "pid nginx.pid;")
    adapt("error_log logs/error.log", "error_log error.log")
    adapt('api = "v1" }', 'api = "v1", grace = 0.05 }')
    adapt("access_log off;", "access_log off; " .. nginx.lua_paths())
    uv.os_setenv("WEBHOOK_TOKEN", "a-secret-of-the-webhook")
    uv.os_setenv("OPENHANDS_API_KEY", canary.key)
    uv.os_setenv("OPENHANDS_BASE_URL", here.service.address)
    here.closing[1] = function()
      for _, name in ipairs { "WEBHOOK_TOKEN", "OPENHANDS_API_KEY", "OPENHANDS_BASE_URL" } do
        uv.os_unsetenv(name)
      end
    end
    here.server = nginx.run(configuration)
    local function ask(path, method, body, token)
      local text, status = here.server:get { path = path, method = method, body = body,
        headers = ("X-Webhook-Token: %s\r\n"):format(token or "a-secret-of-the-webhook") }
      return status, json.decode(text)
    end

    assert.equal(401, (ask("/conversations", "POST", '{"task":"Try it."}', "another")))
    assert.equal(400, (ask("/conversations", "POST", '{"tusk":"Try it."}')))
    assert.equal(405, (ask("/conversations", "GET")))
    assert.same({}, here.service:requests())
    local status, told = ask("/conversations", "POST", '{"task":"Try it.","repository":"owner/repo"}')
    assert.equal(202, status)
    local code, now
    nginx.wait_until("the conversation has finished", function()
      code, now = ask(told.status)
      return now.settled
    end)
    assert.same({ 200, "finished", told.conversation_id }, { code, now.state, now.conversation_id })
    assert.equal(1, #here.service:starts())
    here.service:throttle("quota", 1)
    status, told = ask("/conversations", "POST", '{"task":"Try it again."}')
    assert.equal(202, status)
    nginx.wait_until("the failure is told", function()
      code, now = ask(told.status)
      return code == 502
    end)
    assert.truthy(now.error:find "^quota: ")
    -- Another worker has answered.
    nginx.wait_until("the log reports it", function() return here.server:trouble() ~= "" end)
    assert.truthy(here.server:trouble():find("^[^\n]*was not started: [^\n]*$"))
    -- A start that may have happened is no failure: the page goes on asking the service, which has given another id
    -- here.
    here.service:options { client_ids = false, old = true }
    here.service:faults { { point = "after_commit", action = "close", match = { method = "POST" } } }
    status, told = ask("/conversations", "POST", '{"task":"Try it once more."}')
    assert.equal(202, status)
    nginx.wait_until("the log reports it", function()
      return here.server:log():find("may have been started: ", 1, true)
    end)
    assert.equal(404, (ask(told.status)))
    here.service:options { client_ids = true, old = false }
    assert.equal(2, #here.service:starts())
    canary.assert_no_secret(here.server:log())
    here.server:close()
    here.server = nil
  end)

  -- ---- processes -------------------------------------------------------------------------------------------------

  it("gives each of 10,000 requests through four workers its own answer, with clients from before the fork", function()
    serve({
      workers = 4,
      server = [[
        location /number/ {
          content_by_lua_block {
            local number = ngx.var.uri:match "%d+$"
            if number % 10 == 0 then
              local good, message = pcall(warm.request, warm, { path = "/api/echo/" .. number })
              assert(not good and message:find("belongs to another process", 1, true), message)
            end
            local answer, err = client:request { path = "/api/echo/" .. number }
            ngx.header.worker = ngx.worker.pid()
            ngx.print(answer and answer.uri or tostring(err))
          }
        }
      ]],
    }, ([[ } -- ends the client's settings
      refused = select(2, pcall(client.request, client, { path = "/api/echo/refused" }))
      warm = openhands.new { base_url = %q, api_key = "any", api = "v1", loop = "plain" }
      assert(assert(warm:request { path = "/api/echo/warm" }).uri == "/api/echo/warm")
      local _ = { ]]):format(here.upstream.address), here.upstream.address)
    assert.truthy(run("return refused"):find([[in nginx's phase "init"]], 1, true))
    local list, mixed, workers, count = {}, {}, {}, 0
    for number = 1, 10000 do
      list[number] = "/number/" .. number
    end
    for number, answer in ipairs(here.server:fetch(list, 64)) do
      if answer.body ~= "/api/echo/" .. number then
        mixed[#mixed + 1] = ("%d: %s"):format(number, tostring(answer.body))
      end
      workers[(answer.head or ""):match "worker: (%d+)" or "none"] = true
    end
    for _ in pairs(workers) do
      count = count + 1
    end
    assert.same({}, mixed)
    assert.equal(4, count)
  end)

  it("works without the code cache, with a Lua state for each request", function()
    here.expected_trouble = "[^\n]*lua_code_cache is off[^\n]*\n?"
    serve({ http = "lua_code_cache off;", main = "env LUA_PATH; env LUA_CPATH;" }, nil, here.upstream.address)
    local list = {}
    for number = 1, 60 do
      -- every third leaves an exchange in flight and its client open
      list[number] = { path = "/content", method = "POST", body = ([[
        if %d %% 3 == 0 then
          ngx.thread.kill(ngx.thread.spawn(function() %s end))
        end
        return (%s).uri
      ]]):format(number, late(number, 0.1), late(number, 0.01)) }
    end
    for number, answer in ipairs(here.server:fetch(list, 10)) do
      assert.equal("/api/late/" .. number, answer.body)
    end
  end)

  for _, way in ipairs { "reload", "quit", "terminate" } do
    it("is clean when nginx is told to " .. way .. " in the middle of calls", function()
      serve({ workers = 2, http = "lua_shared_dict begun 1m;" }, nil, here.upstream.address)
      local list, told = {}, false
      for number = 1, 40 do
        list[number] = { path = number % 4 == 0 and "/timer" or "/content", method = "POST", body = ([[
          ngx.shared.begun:incr("count", 1, 0)
          local task = client:spawn(function() return %s end)
          return (%s).uri, task:wait().uri
        ]]):format(late(number, 0.1), late(number, 0.2)) }
      end
      -- When all have started: nginx does not answer requests that it has not read yet.
      local until_begun = programs.request [[while (ngx.shared.begun:get "count" or 0) < 40 do ngx.sleep(0.001) end]]
      here.server:ask(until_begun, function()
        told = true
        here.server:signal(way == "reload" and "sighup" or way == "quit" and "sigquit" or "sigterm")
      end)
      local answers = here.server:fetch(list)
      nginx.wait_until("nginx is told", function() return told end)
      if way ~= "terminate" then
        for number, answer in ipairs(answers) do
          assert.equal(("/api/late/%d /api/late/%d"):format(number, number), answer.body)
        end
      end
      if way == "reload" then
        assert.equal("/api/late/1", run(("return (%s).uri"):format(late(1, 0))))
        here.server:reload()
        assert.equal("/api/late/2", run(("return (%s).uri"):format(late(2, 0))))
      else
        nginx.wait_until("nginx ends", function() return not io.open(here.server.directory .. "/nginx.pid") end)
      end
    end)
  end
end)
