-- Runs many coroutines that use one client, in the virtual time of a model. Can end them as an error or Ctrl-C does.

local M = {}

--- Gives a client a loop in which coroutines wait, in the virtual time of a model.
---@param client openhands.Client
---@param model openhands.simulator.Model
---@param latency number seconds that a response takes, so that others wait meanwhile
function M.new(client, model, latency)
  local sleepers, victims = {}, {}
  local loop = client._loop

  local function park(pending, deadline)
    local thread = coroutine.running()
    sleepers[#sleepers + 1] = { thread = thread, pending = pending, deadline = deadline or math.huge }
    coroutine.yield()
    if victims[thread] then error "killed" end
  end

  client._loop = {
    now = loop.now,
    wall = loop.wall,
    await = function(_, pending, deadline) park(pending, deadline) end,
    attach = loop.attach,
    detach = loop.detach,
  }

  local problems = {}
  local function resume(thread)
    local good, problem = coroutine.resume(thread)
    if not good then problems[#problems + 1] = problem end
  end

  local function wake_ready()
    local before, ready = sleepers, {}
    sleepers = {}
    for _, sleeper in ipairs(before) do
      local pending = sleeper.pending
      local is_ready = pending.done or pending.news or sleeper.deadline <= model:time()
      local list = is_ready and ready or sleepers
      list[#list + 1] = sleeper
    end
    for _, sleeper in ipairs(ready) do resume(sleeper.thread) end
    return #ready > 0
  end

  local function pass_time()
    if client._core:in_flight() > 0 then
      model:advance(latency)
      return client:_pump(0)
    end
    local moment = math.huge
    for _, sleeper in ipairs(sleepers) do moment = math.min(moment, sleeper.deadline) end
    assert(moment < math.huge, "everybody sleeps for ever")
    model:advance(moment - model:time())
  end

  local coroutines = {}

  --- Lets a function run as a coroutine until it waits.
  function coroutines.spawn(run)
    resume(coroutine.create(run))
  end

  --- Runs all coroutines until they have ended. Returns the errors of those that failed.
  function coroutines.run()
    for _ = 1, 100000 do
      if #sleepers == 0 then return problems end
      if not wake_ready() then pass_time() end
    end
    error "it does not end"
  end

  --- Ends all waiting coroutines: raises an error in their wait or, if `silently`, never resumes them.
  function coroutines.kill(silently)
    local before = sleepers
    sleepers = {}
    for _, sleeper in ipairs(before) do
      victims[sleeper.thread] = not silently
      if not silently then resume(sleeper.thread) end
    end
    victims = setmetatable({}, { __mode = "k" })
  end

  return coroutines
end

return M
