--- Runs a fleet under random faults, in virtual time: requests and answers are lost, late or wrong; workers die or
--- sleep past their lease at any request and any operation of the ledger. The same seed gives the same run.
local files = require "spec.support.files"
local fault = require "openhands.simulator.fault"
local ledgers = require "openhands.fleet.ledger"
local openhands = require "openhands"
local simulator = require "openhands.simulator"
local sqlite = require "openhands.fleet.ledger.sqlite"
local transaction = require "openhands.fleet.ledger.transaction"

local M = {}

local ITEMS, SLOTS = 3, 2
local LEASE = 60
local MOST_WORKERS = 60 -- one after another, until all has ended

local unpack = rawget(_G, "unpack") or table.unpack

-- A generator that gives the same numbers on every Lua.
local function random_numbers(seed)
  local state = seed * 7919 % 2147483646 + 1
  local numbers = {}
  --- Returns a number from 0 to 1.
  function numbers.share()
    state = state * 16807 % 2147483647
    return (state - 1) / 2147483646
  end
  --- Returns a whole number from 1 to `most`.
  function numbers.up_to(most) return math.min(most, 1 + math.floor(numbers.share() * most)) end
  for _ = 1, 8 do numbers.share() end
  return numbers
end

-- Like `assert`, which in Lua 5.1 and 5.2 refuses an error that is a table.
local function must(value, err)
  if not value then error(err, 0) end
  return value
end

--- Prepares a ledger whose clock is the model's. Returns it; `close` restores the clock of others.
function M.ledger()
  local directory, remove = files.directory(io.open "/dev/shm" and "/dev/shm" or nil)
  local clock = sqlite.now
  sqlite.now = "(select at from spec_clock)"
  local shared = assert(ledgers.open(directory .. "/ledger.db"))
  assert(transaction.run(shared, "clock", function(connection)
    connection:run_once "create table spec_clock (at double precision not null)"
    connection:run_once "insert into spec_clock (at) values (0)"
    return true
  end))
  local self = { path = directory .. "/ledger.db", shared = shared }
  function self.set_clock(at)
    if at ~= self.at then
      assert(transaction.run(shared, "clock", function(connection)
        return connection:change("update spec_clock set at = ?", at)
      end))
      self.at = at
    end
  end
  function self.close()
    shared:close()
    sqlite.now = clock
    remove()
  end
  return self
end

-- What can become of a request. `late`: it reaches the service after the client has given it up.
local faults_of_start = { "unsent", "lost", "unanswered", "late", "late", "bad_gateway", "bad_answer", "throttled" }
local faults_of_read = { "unsent", "unanswered", "bad_gateway" }

local bad_gateway = { status = 502, headers = { ["content-type"] = "text/html" }, body = "<html>Bad Gateway</html>" }
local throttled = {
  status = 429, headers = { ["content-type"] = "application/json", ["retry-after"] = "3" },
  body = '{"error":"Too many requests","message":"Rate limit exceeded"}',
}

--- Runs one schedule.
---@param seed integer
---@param ledger table of `ledger`
---@param options { client_ids: boolean }? of the simulator
---@return { jobs: integer, started: integer, done: integer, deaths: integer, sleeps: integer, late: integer,
--- ambiguous: integer, workers: integer } `started`: items for which there are jobs
function M.run(seed, ledger, options)
  local numbers = random_numbers(seed)
  local outcome = { deaths = 0, sleeps = 0, late = 0, workers = 0 }
  local model = simulator.model {
    api = "v1", visibility = numbers.share() < 0.5 and numbers.up_to(40) or 0,
    client_ids = not options or options.client_ids,
  }
  local fault_rate, left = 0.05 + 0.25 * numbers.share(), 40 -- faults in all: it must end
  local deaths_left, sleeps_left = numbers.up_to(4) - 1, numbers.up_to(3) - 1
  local base = simulator.transport(model)
  local in_flight = {} -- late requests

  local function land()
    for place = #in_flight, 1, -1 do
      if in_flight[place].at <= model:time() then
        local request = table.remove(in_flight, place).request
        outcome.late = outcome.late + 1
        model:respond(request)
      end
    end
  end

  local work -- runs one worker after another

  -- An operation of the ledger or a request: here a worker may die, or sleep while another one works.
  local function event(worker)
    if worker.is_dead then error("the worker is dead", 0) end
    if deaths_left > 0 and numbers.share() < 0.03 then
      deaths_left, worker.is_dead = deaths_left - 1, true
      outcome.deaths = outcome.deaths + 1
      error("the worker dies", 0)
    elseif sleeps_left > 0 and not worker.is_nested and numbers.share() < 0.03 then
      sleeps_left = sleeps_left - 1
      outcome.sleeps = outcome.sleeps + 1
      model:advance(LEASE * 2 * numbers.share())
      work(true)
    end
  end

  local function respond(request)
    local is_start = fault.matches({ method = "POST", path = "/app%-conversations" }, request)
    if left <= 0 or numbers.share() >= fault_rate then return base:request(request) end
    left = left - 1
    local names = is_start and faults_of_start or faults_of_read
    local name = names[numbers.up_to(#names)]
    if name == "unsent" then return { class = "connect", sent = false } end
    if name == "late" then
      in_flight[#in_flight + 1] = { at = model:time() + numbers.up_to(90), request = request }
    elseif name == "unanswered" or name == "bad_answer" then
      base:request(request)
    end
    if name == "bad_gateway" or name == "bad_answer" then return bad_gateway end
    if name == "throttled" then return throttled end
    model:advance(numbers.up_to(30))
    return { class = "timeout", sent = true }
  end

  local function transport_for(worker)
    local transport = setmetatable({}, { __index = base })
    function transport.request(_, request)
      event(worker)
      land()
      local response = respond(request)
      event(worker)
      return response
    end
    function transport.sleep(seconds)
      if worker.is_dead then error("the worker is dead", 0) end
      model:advance(seconds)
      land()
    end
    return transport
  end

  local function ledger_for(worker, own)
    return setmetatable({}, { __index = function(_, name)
      local value = own[name]
      if type(value) ~= "function" or name == "close" then return value end
      return function(_, ...)
        event(worker)
        ledger.set_clock(model:time())
        local results = { own[name](own, ...) }
        event(worker)
        return unpack(results, 1, 2)
      end
    end })
  end

  -- Runs the fleet in a worker of its own, as a script that is started again. Returns whether all has ended.
  local function attempt(is_nested)
    local worker = { is_nested = is_nested }
    outcome.workers = outcome.workers + 1
    local client = openhands.new { transport = transport_for(worker), api_key = "any", api = "v1", grace = 10,
      retries = numbers.up_to(3) - 1, random = numbers.share }
    local good, ended = pcall(function()
      local fleet = must(client:fleet { name = "f", account = "a" .. seed, ledger = ledger.path, slots = SLOTS,
        lease = LEASE, start_interval = 0, interval = 5 })
      local own = fleet.ledger
      fleet.ledger = ledger_for(worker, own)
      local has_added, report = pcall(function()
        for place = 1, ITEMS do must(fleet:add { key = "k" .. place, initial_user_msg = "item " .. place }) end
        return must(fleet:run { timeout = is_nested and LEASE * 4 or nil })
      end)
      own:close()
      if not has_added then error(report, 0) end
      return report.queued + report.live == 0
    end)
    must(good or worker.is_dead or type(ended) == "table" and ended.kind, ended)
    if not worker.is_dead then client:close() end
    return good and ended
  end

  function work(is_nested)
    if is_nested then return attempt(true) end
    for _ = 1, MOST_WORKERS do
      if attempt(false) then return end
      model:advance(numbers.up_to(30))
    end
    error(("seed %d: it does not end"):format(seed))
  end

  work(false)
  model:advance(200)
  land()
  local has_job, is_counted = {}, {}
  outcome.jobs, outcome.started = 0, 0
  for _, start in ipairs(model.starts) do
    if not is_counted[start.conversation_id] then
      is_counted[start.conversation_id], outcome.jobs = true, outcome.jobs + 1
      local item = assert(tostring(start.body):match "item %d+")
      outcome.started = outcome.started + (has_job[item] and 0 or 1)
      has_job[item] = true
    end
  end
  ledger.set_clock(model:time())
  local counts = assert(ledger.shared:counts { account_id = "a" .. seed, fleet = "f" })
  outcome.done, outcome.ambiguous = counts.done, counts.ambiguous
  return outcome
end

return M
