-- The loop "nginx" in a real nginx. Because nginx embeds LuaJIT, only the specs of LuaJIT run this.
if not rawget(_G, "jit") then
  return
end

local nginx = require "spec.support.nginx"
local nginx_host = require "spec.support.nginx_host"
local programs = require "spec.support.nginx_programs"
local canary = require "spec.support.canary"
local files = require "spec.support.files"

local late = programs.late

describe("the loop nginx", function()
  local here = nginx_host.new()
  local serve, run = here.serve, here.run

  setup(here.start)
  teardown(here.stop)
  before_each(here.prepare)
  after_each(here.finish)

  -- ---- where waiting is possible ---------------------------------------------------------------------------------

  for _, phase in ipairs { "server_rewrite", "rewrite", "access", "content", "timer" } do
    it("runs a workflow in the phase " .. phase, function()
      serve {}
      local told = run([[
        local done = assert(client:run({ initial_user_msg = "Try it." }, { interval = 0.02 }))
        local count = 0
        for event in client:events(done) do
          count = count + 1
        end
        return done.state, #done.answer > 0 and "answered" or "silent", count > 0 and "with events" or "without"
      ]], phase)
      assert.equal("finished answered with events", told)
      assert.equal(1, #here.service:starts())
    end)
  end

  it("waits while a TLS connection is made", function()
    local certificate, remove = nginx.certificate()
    here.closing[1] = remove
    serve {
      listen = "ssl",
      http = certificate,
      server = [[
        ssl_certificate_by_lua_block {
          local account, err = client:me()
          ngx.log(ngx.NOTICE, "FOUND ", account and account.email or tostring(err))
        }
        location /api { return 404; }
      ]],
    }
    local caller = canary.client({ address = "https://127.0.0.1:" .. here.server.port }, {
      api = "v1",
      retries = 0,
      ca_file = certificate:match "ssl_certificate ([^;]+);",
    })
    local _, err = caller:me() -- there is no service
    caller:close()
    assert.equal("not_found", err.kind, err)
    assert.truthy(here.server:log():find("FOUND dev@example.com", 1, true))
  end)

  -- By phase: what the message must say where waiting is impossible.
  local refused = {
    init = "init_worker_by_lua in ngx%.timer%.at",
    init_worker = "ngx%.timer%.at%(0, function",
    set = "ngx%.timer%.at%(0, function",
    header_filter = "ngx%.timer%.at%(0, function",
    body_filter = "ngx%.timer%.at%(0, function",
    log = "ngx%.timer%.at%(0, function",
    balancer = "ngx%.timer%.at%(0, function",
    exit_worker = "about to exit",
  }

  it("refuses to wait in the other phases, and sends nothing", function()
    serve({
      http = [[
        init_worker_by_lua_block { try() }
        exit_worker_by_lua_block { try() }
        upstream balanced {
          server 127.0.0.1:1;
          balancer_by_lua_block {
            try()
            require("ngx.balancer").set_current_peer("127.0.0.1", tonumber(ngx.var.server_port))
          }
        }
      ]],
      server = [[
        location /set { set_by_lua_block $told { try() return "" } return 204; }
        location /header_filter { header_filter_by_lua_block { try() } return 200 "words"; }
        location /body_filter { body_filter_by_lua_block { try() } return 200 "words"; }
        location /log { log_by_lua_block { try() } return 204; }
        location /balancer { proxy_pass http://balanced/content; proxy_method POST; proxy_set_body "return 1"; }
      ]],
    }, [[ } -- ends the client's settings
      local tried = {}
      function try()
        local phase = ngx.get_phase()
        if tried[phase] then return end -- a body comes in several pieces
        tried[phase] = true
        local good, message = pcall(client.start, client, { initial_user_msg = "Try it." })
        local spawned, refusal = pcall(client.spawn, client, function() end)
        local slept = pcall(client.sleep, client, 1)
        print(("TRIED %s: %s, %s, %s: %s | %s"):format(phase, tostring(good), tostring(spawned), tostring(slept),
          tostring(message), tostring(refusal)))
      end
      try()
      local _ = { ]])
    for phase in pairs(refused) do
      if not phase:find "init" and phase ~= "exit_worker" then
        here.server:get("/" .. phase)
      end
    end
    here.server:stop "sigquit"
    local log = here.server:log()
    for phase, advice in pairs(refused) do
      local good, spawned, slept, message, refusal =
        log:match("TRIED " .. phase .. ": (%l+), (%l+), (%l+): ([^\n]-) | ([^\n]*)")
      assert.same({ phase, "false", "false", "false" }, { phase, good, spawned, slept })
      for _, text in ipairs { message, refusal } do
        assert.truthy(text:find(("waiting is not possible in nginx's phase \"%s\": "):format(phase), 1, true), text)
        assert.truthy(text:find(advice), text)
      end
    end
    assert.same({}, here.service:requests())
  end)

  it("refuses to wait inside a C function, and sends nothing", function()
    serve {}
    files.write(here.server.directory .. "/loaded.lua", "return client:me()")
    local told = run(([[
      package.path = %q .. package.path
      local list = { 2, 1 }
      return select(2, pcall(require, "loaded")),
        select(2, pcall(table.sort, list, function() client:me() end)),
        assert(select(2, xpcall(function() return setmetatable({}, {
          __index = function() return client:count() end,
        }).count end, error)))
    ]]):format(here.server.directory .. "/?.lua;"))
    local refusal = "openhands.me: waiting is not possible inside a C function, such as `require`"
    local first, last = told:find(refusal, 1, true)
    assert.truthy(first, told)
    assert.truthy(told:find(refusal, last, true), told)
    assert.truthy(told:find " 0$", told)
    local requests = here.service:requests()
    assert.same({ 1, "/api/v1/app-conversations/count" }, { #requests, requests[1].path })
  end)

  -- ---- tasks -----------------------------------------------------------------------------------------------------

  it("runs tasks concurrently in a request", function()
    serve {}
    assert.equal("later 7 dev@example.com nil", run [[
      local began
      local task = client:spawn(function(number)
        began = true
        client:sleep(0.01)
        return number, client:me().email, ngx.sleep(0.001)
      end, 7)
      local first = began and "at once" or "later"
      local number, email, nothing = task:wait()
      return first, number, email, tostring(nothing)
    ]])
    assert.equal("3 30", run [[
      local running, most, list = 0, 0, {}
      for place = 1, 30 do
        list[place] = function()
          running = running + 1
          most = math.max(most, running)
          assert(client:me())
          running = running - 1
          return place
        end
      end
      local results = assert(client:all(list, { concurrency = 3 }))
      for place = 1, 30 do
        assert(results[place] == place)
      end
      return most, #results
    ]])
    assert.equal("raised task: broken told", run [[
      local other = client:spawn(function() return client:me().email end)
      local task = client:spawn(function() client:sleep(0.001) error("broken", 0) end)
      local told
      task:on_done(function(err) told = err.kind == "raised" and "told" end)
      local _, err = task:wait()
      assert(other:wait() == "dev@example.com")
      while not told do client:sleep(0.001) end
      return err.kind, tostring(err), told
    ]])
  end)

  it("cancels a task, also from another request", function()
    local address, close = programs.silence()
    here.closing[1] = close
    serve({}, nil, address)
    assert.equal("true cancelled cancelled cancelled", run [[
      local sleeper = client:spawn(function() return client:sleep(60) end)
      local asker = client:spawn(function() return client:me() end)
      local never = client:spawn(function() error "began" end)
      never:cancel()
      client:sleep(0.005)
      local cancelled = sleeper:cancel() and asker:cancel()
      return tostring(cancelled), select(2, sleeper:wait()).kind, select(2, asker:wait()).kind,
        select(2, never:wait()).kind
    ]])
    local waits = programs.request [[
      kept.task = client:spawn(function() return client:me() end)
      return select(2, kept.task:wait()).kind
    ]]
    local cancels = programs.request [[
      while not (kept.task and client._core:in_flight() > 0) do ngx.sleep(0.001) end
      return tostring(kept.task:cancel())
    ]]
    local answers = here.server:fetch { waits, cancels }
    assert.same({ "cancelled", "true" }, { answers[1].body, answers[2].body })
  end)

  it("ends the calls of all requests when the client is closed", function()
    local address, close = programs.silence()
    here.closing[1] = close
    serve({}, nil, address)
    local waits = programs.request [[
      local task = client:spawn(function()
        kept[#kept + 1] = true
        return client:sleep(60)
      end)
      return select(2, client:me()).kind, select(2, task:wait()).kind
    ]]
    local closes = programs.request [[
      while not (#kept == 3 and client._core:in_flight() == 3) do ngx.sleep(0.001) end
      client:close()
      return "closed"
    ]]
    for place, answer in ipairs(here.server:fetch { waits, waits, waits, closes }) do
      assert.equal(place < 4 and "closed closed" or "closed", answer.body)
    end
  end)

  -- ---- polling ---------------------------------------------------------------------------------------------------

  it("asks the service once for all requests that wait for a conversation", function()
    serve {}
    here.service:options { pace = 1 }
    local id = run [[return assert(client:start { initial_user_msg = "Try it." }).conversation_id]]
    local before, list = #here.service:requests(), {}
    for place = 1, 30 do
      list[place] = { path = "/content", method = "POST", body = ([[
        local _, err = client:wait(%q, { timeout = 2 })
        return err.kind, err.conversation.state
      ]]):format(id) }
    end
    local answers = here.server:fetch(list)
    here.service:options { pace = 0.01 }
    for _, answer in ipairs(answers) do
      assert.equal("timeout starting", answer.body)
    end
    assert.is_true(#here.service:requests() - before < 10, #here.service:requests() - before)
  end)

  it("yields in each call, however soon its response comes", function()
    serve({}, nil, here.upstream.address)
    assert.equal("100 1", run [[
      local semaphores = require "ngx.semaphore"
      local wait, waits, most = semaphores.wait, 0, 0
      function semaphores.wait(...)
        waits = waits + 1
        return wait(...)
      end
      for _ = 1, 100 do
        local before = waits
        assert(client:request { path = "/api/echo/1" })
        most = math.max(most, waits - before > 0 and 1 or 2)
      end
      semaphores.wait = wait
      return 100, most
    ]])
  end)

  it("polls now and then while it waits, not all the time", function()
    serve({}, nil, here.upstream.address)
    local looks, longest, seconds = run(([[
      local semaphores, count, longest = require "ngx.semaphore", 0, 0
      local wait, began = semaphores.wait, client:_now()
      function semaphores.wait(semaphore, seconds)
        count, longest = count + 1, math.max(longest, seconds)
        return wait(semaphore, seconds)
      end
      assert(%s)
      semaphores.wait = wait
      return count, longest, client:_now() - began
    ]]):format(late(1, 0.3))):match "(%S+) (%S+) (%S+)"
    -- Holds however long the worker is blocked: it polls every 20 ms, the first times sooner.
    assert.is_true(tonumber(longest) <= 0.02, longest)
    assert.is_true(tonumber(looks) <= 10 + tonumber(seconds) / 0.02, looks)
  end)
end)
