-- Tests which coroutine polls when several wait on one client: in virtual time, with a stand-in for the semaphores of
-- nginx, on which the coroutines of this file sleep.
local semaphores = {}
package.loaded["ngx.semaphore"] = semaphores
local leader = require "openhands.loop.nginx.leader"
local liveness = require "openhands.loop.nginx.liveness"
package.loaded["ngx.semaphore"] = nil

describe("of the coroutines that wait on one client in nginx", function()
  local now, threads, client, answered_at, pumped, polls

  -- Resumes the first thread that is due, in the order in which they started; if none is, time passes. Returns false
  -- when all have ended.
  local function step()
    local earliest = math.huge
    for _, thread in ipairs(threads) do
      if coroutine.status(thread.routine) ~= "dead" and not thread.killed then
        if thread.semaphore == nil or thread.semaphore.is_posted or thread.at <= now then
          if thread.semaphore then thread.semaphore.is_posted = nil end
          local good, problem = coroutine.resume(thread.routine, thread)
          if not good then error(problem, 0) end
          return true
        end
        earliest = math.min(earliest, thread.at)
      end
    end
    if earliest == math.huge then return false end
    now = earliest
    return true
  end

  local function run(limit)
    for _ = 1, limit or 100000 do
      if not step() then return end
    end
    if not limit then error "they go on without end" end
  end

  local function run_until(time)
    for _ = 1, 100000 do
      local before = now
      if not step() or now > time then
        now = math.max(before, time)
        return
      end
    end
    error "they go on without end"
  end

  local function start(run_it)
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

  function semaphores.new()
    local semaphore = {}
    function semaphore.count() return semaphore.is_posted and 1 or 0 end
    function semaphore.post() semaphore.is_posted = true end
    function semaphore.wait(_, seconds)
      local thread = running()
      thread.semaphore, thread.at = semaphore, now + seconds
      if not semaphore.is_posted then coroutine.yield() end
      semaphore.is_posted, thread.semaphore, thread.at = nil, nil, nil
      return true
    end
    return semaphore
  end

  before_each(function()
    now, threads, answered_at, pumped, polls = 0, {}, {}, 0, {}
    client = {
      _loop = { now = function() return now end },
      _is_reading = function() return false end,
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
        polls[#polls + 1] = { thread = running(), at = now }
        for pending, time in pairs(answered_at) do
          if time <= now then
            answered_at[pending], pending.done = nil, true
            leader.wake(self, pending)
          end
        end
      end,
    }
    leader.attach(client)
    liveness.attach(client)
  end)

  -- A thread whose exchange is answered at a time.
  local function exchange(time)
    local pending = {}
    local thread = start(function()
      answered_at[pending] = time
      repeat leader.await(client, pending) until pending.done or client._closed
    end)
    return thread, pending
  end

  local function sleeper(time)
    local pending = {}
    return start(function()
      while now < time do leader.await(client, pending, time) end
    end), pending
  end

  local function is_at(time, thread) -- within some polls
    assert.is_truthy(thread.ended_at, "it waits for ever")
    assert.is_true(thread.ended_at >= time - 1e-9 and thread.ended_at <= time + 0.11,
      ("ended at %g instead of %g"):format(thread.ended_at, time))
  end

  local function leaders(from, to)
    local names, seen = {}, {}
    for _, poll in ipairs(polls) do
      if poll.at >= from and poll.at < to and not seen[poll.thread] then
        seen[poll.thread] = true
        names[#names + 1] = poll.thread
      end
    end
    return names
  end

  it("one polls, and all get what they wait for", function()
    local all = {}
    for index = 1, 20 do all[index] = exchange(index * 0.2) end
    run()
    for index = 1, 20 do is_at(index * 0.2, all[index]) end
    for time = 0.25, 3.65, 0.2 do
      assert.are.equal(1, #leaders(time, time + 0.1))
    end
  end)

  it("a leader whose response has come hands over at once", function()
    local first, second = exchange(0.3), exchange(0.6)
    run()
    is_at(0.3, first)
    is_at(0.6, second)
    assert.are.same({ first }, leaders(0, 0.3))
    assert.are.same({ second }, leaders(0.33, 0.6))
  end)

  it("a leader whose deadline has passed hands over", function()
    local pending = {}
    answered_at[pending] = 2
    local leaving = sleeper(0.55) -- the leader, because it comes first
    local staying = start(function() repeat leader.await(client, pending) until pending.done end)
    run()
    is_at(0.55, leaving)
    is_at(2, staying)
    assert.are.same({ leaving }, leaders(0, 0.55))
    assert.are.same({ staying }, leaders(0.58, 2))
  end)

  it("a leader that is woken from outside returns, and hands over", function()
    local pending = {}
    local first_leader = start(function()
      answered_at[pending] = 50
      leader.await(client, pending)
    end)
    local other = exchange(0.6)
    run_until(0.25)
    assert.is_nil(first_leader.ended_at)
    leader.wake(client, pending)
    run(5)
    is_at(0.25, first_leader)
    answered_at[pending] = nil
    run()
    is_at(0.6, other)
  end)

  it("none polls while nothing is in flight", function()
    local first, second = sleeper(1), sleeper(2)
    run()
    is_at(1, first)
    is_at(2, second)
    assert.are.equal(0, #polls)
    assert.are.equal(0, pumped)
  end)

  it("one that sends a request while all others sleep polls at once itself", function()
    local sleeping = sleeper(10)
    local earlier = exchange(0.2) -- the sleeper polls for it
    threads = { earlier, sleeping }
    run_until(0.5)
    is_at(0.2, earlier)
    local late = exchange(now + 0.05)
    local sent_at = now
    run_until(sent_at + 0.5)
    is_at(sent_at + 0.05, late)
    run()
    is_at(10, sleeping)
  end)

  it("one that polled last and sleeps now is not taken for the leader", function()
    local pending, following = {}, {}
    answered_at[pending] = 0.2
    local sleeping = sleeper(10) -- the leader, because it comes first
    local working = start(function()
      repeat leader.await(client, pending) until pending.done
      answered_at[following] = now + 0.05
      repeat leader.await(client, following) until following.done
    end)
    run()
    assert.are.equal(sleeping, polls[1].thread)
    is_at(0.25, working)
    is_at(10, sleeping)
  end)

  it("a killed leader is replaced when its lease is over", function()
    local dying = exchange(50)
    local other = exchange(0.5)
    run_until(0.2)
    assert.are.same({ dying }, leaders(0, 0.2))
    dying.killed = true
    run_until(5)
    assert.is_truthy(other.ended_at, "it waits for ever")
    assert.is_true(other.ended_at <= 0.2 + 2 * liveness.LEASE + 0.2, "it waits too long: " .. tostring(other.ended_at))
  end)

  it("killed leaders are all replaced one after the other, and collected", function()
    local all, known = {}, setmetatable({}, { __mode = "k" })
    local new = semaphores.new
    function semaphores.new()
      local semaphore = new()
      known[semaphore] = true
      return semaphore
    end
    for index = 1, 5 do all[index] = exchange(100 + index) end
    local last = exchange(20)
    for index = 1, 5 do
      run_until(index * 2)
      all[index].killed, all[index].routine = true, coroutine.create(function() end)
    end
    run_until(30)
    semaphores.new = new
    is_at(20, last)
    polls, threads, answered_at = {}, {}, {}
    for index in pairs(all) do all[index] = nil end
    collectgarbage()
    collectgarbage()
    local count = 0
    for _ in pairs(known) do count = count + 1 end
    assert.is_true(count <= 1, ("%d waiters are kept"):format(count)) -- the last leader, until there is another
  end)

  it("all that are woken return when the client is closed, and do not touch it afterwards", function()
    local first, pending = exchange(50)
    local second, other = exchange(60)
    run_until(0.5)
    client._closed = true
    for _, each in ipairs { pending, other } do
      each.news = true
      leader.wake(client, each)
    end
    run()
    is_at(0.5, first)
    is_at(0.5, second)
  end)

  it("the leader returns when another one closes the client", function()
    local first, pending = exchange(50)
    local closing = start(function()
      leader.await(client, {}, 0.45)
      client._closed, pending.news = true, true
      leader.wake(client, pending)
    end)
    run()
    is_at(0.45, closing)
    is_at(0.45, first)
  end)

  it("several may wait for one record", function()
    local pending, all = {}, {}
    answered_at[pending] = 0.4
    for index = 1, 5 do
      all[index] = start(function() repeat leader.await(client, pending) until pending.done end)
    end
    run()
    for index = 1, 5 do is_at(0.4, all[index]) end
  end)

  it("one whose record is done returns at once; one whose deadline has passed has yielded before", function()
    local thread = start(function()
      leader.await(client, { done = true })
      leader.await(client, { news = true })
      leader.await(client, {}, now)
      leader.await(client, {}, now - 1)
    end)
    run(5)
    is_at(0, thread)
  end)
end)
