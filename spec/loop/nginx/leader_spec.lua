-- Who looks out when several wait on one client, in a host of this file's own: coroutines that wait by a clock which
-- moves only when all of them do.
local lookout = require "openhands.loop.nginx.leader"

local lease = 1

describe("of those who wait", function()
  local now, threads, host, client, answered_at, pumped, looks

  -- Lets those who are due go on, in the order in which they began; if nobody is, time passes. False: all have ended.
  local function turn()
    local soonest = math.huge
    for _, thread in ipairs(threads) do
      if coroutine.status(thread.routine) ~= "dead" and not thread.killed then
        if thread.waiter == nil or thread.waiter.rung or thread.at <= now then
          local waiter = thread.waiter
          if waiter then waiter.rung = nil end
          local good, problem = coroutine.resume(thread.routine, thread)
          if not good then error(problem, 0) end
          return true
        end
        soonest = math.min(soonest, thread.at)
      end
    end
    if soonest == math.huge then return false end
    now = soonest
    return true
  end

  local function run(limit)
    for _ = 1, limit or 1000 do
      if not turn() then return end
    end
    if not limit then error "they go on without end" end
  end

  local function run_until(moment)
    for _ = 1, 1000 do
      local before = now
      if not turn() or now > moment then
        now = math.max(before, moment)
        return
      end
    end
    error "they go on without end"
  end

  local function begin(run_it)
    local thread = {}
    thread.routine = coroutine.create(function()
      run_it(thread)
      thread.ended_at = now
    end)
    threads[#threads + 1] = thread
    return thread
  end

  local function running()
    local routine = coroutine.running()
    for _, thread in ipairs(threads) do
      if thread.routine == routine then return thread end
    end
  end

  local function rest(waiter, seconds)
    local thread = running()
    thread.waiter, thread.at = waiter, now + seconds
    if not waiter.rung then coroutine.yield() end
    waiter.rung = nil
    thread.waiter, thread.at = nil, nil
  end

  before_each(function()
    now, threads, answered_at, pumped, looks = 0, {}, {}, 0, {}
    host = {
      lease = lease,
      waiter = function() return {} end,
      wake = function(waiter) waiter.rung = true end,
      sleep = rest,
      look = function(_, waiter, seconds)
        looks[#looks + 1] = { thread = running(), at = now }
        rest(waiter, math.min(seconds, 0.1))
      end,
    }
    client = {
      _loop = { now = function() return now end },
      _is_busy = function(self) return not self._closed and self._core.in_flight() > 0 end,
      _core = {
        in_flight = function()
          if client._closed then error "the core of a closed client" end
          local count = 0
          for _ in pairs(answered_at) do count = count + 1 end
          return count
        end,
      },
      _pump = function(self)
        if self._closed then error "the core of a closed client" end
        pumped = pumped + 1
        for pending, moment in pairs(answered_at) do
          if moment <= now then
            answered_at[pending], pending.done = nil, true
            lookout.wake(host, self, pending)
          end
        end
      end,
    }
  end)

  -- A thread whose exchange is answered at a moment.
  local function exchange(moment)
    local pending = {}
    local thread = begin(function()
      answered_at[pending] = moment
      repeat lookout.await(host, client, pending) until pending.done or client._closed
    end)
    return thread, pending
  end

  local function sleeper(moment)
    local pending = {}
    return begin(function()
      while now < moment do lookout.await(host, client, pending, moment) end
    end), pending
  end

  local function is_at(moment, thread) -- within a look
    assert.is_truthy(thread.ended_at, "it waits for ever")
    assert.is_true(thread.ended_at >= moment - 1e-9 and thread.ended_at <= moment + 0.11,
      ("ended at %g instead of %g"):format(thread.ended_at, moment))
  end

  local function lookouts(from, to)
    local names, seen = {}, {}
    for _, look in ipairs(looks) do
      if look.at >= from and look.at < to and not seen[look.thread] then
        seen[look.thread] = true
        names[#names + 1] = look.thread
      end
    end
    return names
  end

  it("one looks out, and all get what they wait for", function()
    local all = {}
    for index = 1, 20 do all[index] = exchange(index * 0.2) end
    run()
    for index = 1, 20 do is_at(index * 0.2, all[index]) end
    for moment = 0.25, 3.65, 0.2 do
      assert.are.equal(1, #lookouts(moment, moment + 0.1))
    end
  end)

  it("who has what it waited for hands the watch over at once", function()
    local first, second = exchange(0.3), exchange(0.6)
    run()
    is_at(0.3, first)
    is_at(0.6, second)
    assert.are.same({ first }, lookouts(0, 0.3))
    assert.are.same({ second }, lookouts(0.31, 0.6))
  end)

  it("who leaves by its deadline while it looks out hands the watch over", function()
    local pending = {}
    answered_at[pending] = 2
    local leaving = sleeper(0.55) -- looks out: it comes first
    local staying = begin(function() repeat lookout.await(host, client, pending) until pending.done end)
    run()
    is_at(0.55, leaving)
    is_at(2, staying)
    assert.are.same({ leaving }, lookouts(0, 0.55))
    assert.are.same({ staying }, lookouts(0.56, 2))
  end)

  it("who is woken from outside while it looks out returns, and hands the watch over", function()
    local pending = {}
    local looking = begin(function()
      answered_at[pending] = 50
      lookout.await(host, client, pending)
    end)
    local other = exchange(0.6)
    run_until(0.25)
    assert.is_nil(looking.ended_at)
    lookout.wake(host, client, pending)
    run(5)
    is_at(0.25, looking)
    answered_at[pending] = nil
    run()
    is_at(0.6, other)
  end)

  it("nobody looks while nothing is in flight", function()
    local first, second = sleeper(1), sleeper(2)
    run()
    is_at(1, first)
    is_at(2, second)
    assert.are.equal(0, #looks)
    assert.are.equal(0, pumped)
  end)

  it("who begins something while all others sleep looks out itself, at once", function()
    local sleeping = sleeper(10)
    local looked_before = exchange(0.2) -- the sleeper looks out for it
    threads = { looked_before, sleeping }
    run_until(0.5)
    is_at(0.2, looked_before)
    local late = exchange(now + 0.05)
    local began = now
    run_until(began + 0.5)
    is_at(began + 0.05, late)
    run()
    is_at(10, sleeping)
  end)

  it("one that looked out last and sleeps now is not taken for the lookout", function()
    local pending, following = {}, {}
    answered_at[pending] = 0.2
    local sleeping = sleeper(10) -- looks out: it comes first
    local working = begin(function()
      repeat lookout.await(host, client, pending) until pending.done
      answered_at[following] = now + 0.05
      repeat lookout.await(host, client, following) until following.done
    end)
    run()
    assert.are.equal(sleeping, looks[1].thread)
    is_at(0.25, working)
    is_at(10, sleeping)
  end)

  it("one that dies is missed after its lease", function()
    local dying = exchange(50)
    local other = exchange(0.5)
    run_until(0.2)
    assert.are.same({ dying }, lookouts(0, 0.2))
    dying.killed = true
    run_until(5)
    assert.is_truthy(other.ended_at, "it waits for ever")
    assert.is_true(other.ended_at <= 0.2 + 2 * lease + 0.2, "it waits too long: " .. tostring(other.ended_at))
  end)

  it("those that die one after the other are all missed, and forgotten", function()
    local all, known = {}, setmetatable({}, { __mode = "k" })
    local make = host.waiter
    host.waiter = function()
      local waiter = make()
      known[waiter] = true
      return waiter
    end
    for index = 1, 5 do all[index] = exchange(100 + index) end
    local last = exchange(20)
    for index = 1, 5 do
      run_until(index * 2)
      all[index].killed, all[index].routine = true, coroutine.create(function() end)
    end
    run_until(30)
    is_at(20, last)
    looks, threads, answered_at = {}, {}, {}
    for index in pairs(all) do all[index] = nil end
    collectgarbage()
    collectgarbage()
    local count = 0
    for _ in pairs(known) do count = count + 1 end
    assert.is_true(count <= 1, ("%d waiters are kept"):format(count)) -- the last lookout, until there is another
  end)

  it("closing lets all go who are woken, and touches nothing of the client's afterwards", function()
    local first, pending = exchange(50)
    local second, other = exchange(60)
    run_until(0.5)
    client._closed = true
    for _, each in ipairs { pending, other } do
      each.news = true
      lookout.wake(host, client, each)
    end
    run()
    is_at(0.5, first)
    is_at(0.5, second)
  end)

  it("closing by one of them lets the lookout go", function()
    local first, pending = exchange(50)
    local closing = begin(function()
      lookout.await(host, client, {}, 0.45)
      client._closed, pending.news = true, true
      lookout.wake(host, client, pending)
    end)
    run()
    is_at(0.45, closing)
    is_at(0.45, first)
  end)

  it("several may wait for one pending", function()
    local pending, all = {}, {}
    answered_at[pending] = 0.4
    for index = 1, 5 do
      all[index] = begin(function() repeat lookout.await(host, client, pending) until pending.done end)
    end
    run()
    for index = 1, 5 do is_at(0.4, all[index]) end
  end)

  it("waiting for what has come returns at once, having given way if only the time has", function()
    local thread = begin(function()
      lookout.await(host, client, { done = true })
      lookout.await(host, client, { news = true })
      lookout.await(host, client, {}, now)
      lookout.await(host, client, {}, now - 1)
    end)
    run(3)
    is_at(0, thread)
  end)
end)
