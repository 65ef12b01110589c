-- Coroutines that a real nginx kills while they wait. Because nginx embeds LuaJIT, only the specs of LuaJIT run this.
if not rawget(_G, "jit") then
  return
end

local nginx_host = require "spec.support.nginx_host"
local programs = require "spec.support.nginx_programs"

local late = programs.late

describe("the loop nginx, when coroutines are killed,", function()
  local here = nginx_host.new()
  local serve, run = here.serve, here.run

  setup(here.start)
  teardown(here.stop)
  before_each(here.prepare)
  after_each(here.finish)

  it("has another coroutine poll when the leader is killed", function()
    serve({}, nil, here.upstream.address)
    assert.equal("/api/late/2", run(([[
      local first = ngx.thread.spawn(function() return %s end)
      local second = ngx.thread.spawn(function() return %s end)
      ngx.sleep(0.01)
      assert(ngx.thread.kill(first))
      local _, answer = assert(ngx.thread.wait(second))
      return answer.uri
    ]]):format(late(1, 5), late(2, 0.1))))
  end)

  it("cancels the exchanges of killed coroutines, because others need the connections", function()
    serve({}, "connections = 10", here.upstream.address)
    assert.equal("/api/late/2 1", run(([[
      for _ = 1, 30 do
        ngx.thread.kill(ngx.thread.spawn(function() return %s end))
      end
      assert(client._core:in_flight() == 30)
      return (%s).uri, client._core:in_flight() + 1
    ]]):format(late(1, 60), late(2, 0))))
  end)

  it("takes no coroutine for dead in a worker that is blocked again and again", function()
    serve({}, nil, here.upstream.address)
    assert.equal("/api/late/1 /api/late/2", run(([[
      local first = ngx.thread.spawn(function() return (%s).uri end)
      local second = ngx.thread.spawn(function() return (%s).uri end)
      for _ = 1, 4 do
        ngx.sleep(0.03)
        local ends_at = client:_now() + 0.3
        while client:_now() < ends_at do end
      end
      local _, one = ngx.thread.wait(first)
      local _, other = ngx.thread.wait(second)
      return one, other
    ]]):format(late(1, 1.2), late(2, 1.4))))
  end)

  it("has another coroutine ask for all conversations when the one that asks is killed", function()
    serve {}
    local id = run [[
      return assert(client:run({ initial_user_msg = "Try it." }, { interval = 0.02 })).conversation_id
    ]]
    here.service:faults { { point = "before_read", action = "hang", count = 1 } }
    assert.equal("nil finished", run(([[
      local told
      local first = ngx.thread.spawn(function() told = client:wait(%q) end)
      while client._core:in_flight() == 0 do ngx.sleep(0.001) end
      local second = ngx.thread.spawn(function() return client:wait(%q).state end)
      ngx.sleep(0.01)
      assert(ngx.thread.kill(first))
      collectgarbage "stop" -- what finds out must not be the collector
      local _, state = ngx.thread.wait(second)
      collectgarbage "restart"
      return tostring(told), state
    ]]):format(id, id)))
  end)

  it("keeps nothing of killed coroutines", function()
    serve({}, nil, here.upstream.address)
    assert.equal("200 0", run [[
      local semaphores = require "ngx.semaphore"
      local made, new, count = setmetatable({}, { __mode = "k" }), semaphores.new, 0
      function semaphores.new(...)
        local semaphore = new(...)
        made[semaphore], count = true, count + 1
        return semaphore
      end
      for _ = 1, 200 do
        ngx.thread.kill(ngx.thread.spawn(function() client:sleep(60) end))
      end
      semaphores.new = new
      collectgarbage()
      collectgarbage()
      local left = 0
      for _ in pairs(made) do left = left + 1 end
      return count, left
    ]])
  end)

  it("goes on for all others when a client hangs up, even with tasks running", function()
    serve({}, nil, here.upstream.address)
    local worker = next(here.server:workers())
    local list, hang_ups = {}, {}
    local function hang_up(finish)
      hang_ups[#hang_ups + 1] = finish
      if #hang_ups == 30 then -- all at once, when nginx has begun with all of them
        here.server:ask(programs.request [[while #kept < 30 do ngx.sleep(0.001) end client:sleep(0.05)]], function()
          for _, each in ipairs(hang_ups) do
            each()
          end
        end)
      end
    end
    for number = 1, 60 do
      if number % 2 == 0 then
        list[number] = programs.request(("return (%s).uri"):format(late(number, 0.2)))
      else
        list[number] = programs.request(([[
          kept[#kept + 1] = true
          client:spawn(function() client:sleep(0.5) end)
          client:spawn(function() ngx.sleep(0.5) end)
          client:spawn(function() %s end)
          %s
          kept.came_to_its_end = true
        ]]):format(late(number, 60), late(number, 60)))
        list[number].hang_up = hang_up
      end
    end
    local answers = here.server:fetch(list)
    for number = 2, 60, 2 do
      assert.equal("/api/late/" .. number, answers[number].body)
    end
    -- Later than the time at which the rest of a killed request would have run.
    assert.equal("30 nil", run [[client:sleep(0.6) return #kept, tostring(kept.came_to_its_end)]])
    assert.equal(worker, next(here.server:workers()))
  end)
end)
