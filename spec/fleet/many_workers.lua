-- Two thousand runs, eight workers on one PostgreSQL: one worker after the other is killed or stopped, the service
-- loses answers and shows conversations late, and the database goes away in the middle. Takes many minutes: `make
-- fleet-workers`.
local databases = require "spec.support.ledger_databases"
local files = require "spec.support.files"
local openhands = require "openhands"
local processes = require "spec.support.processes"
local simulator = require "openhands.simulator"

local RUNS, WORKERS, SLOTS = tonumber(os.getenv "RUNS") or 2000, 8, 8
local LEASE = 3 -- seconds
local TAKEOVER = LEASE + 10 -- seconds until another worker has a dead one's run, at most
local TROUBLE_INTERVAL = 2 -- seconds between a kill or stop and the next
local LOST_SHARE = 20 -- one of so many requests loses its answer
local LONGEST = 3600 -- seconds for all

local WORKER = [[
  package.path, package.cpath = %q, %q
  local openhands = require "openhands"
  require("openhands.fleet.worker_class").patience = 0.1
  local worker = assert(openhands.worker { base_url = arg[1], api_key = "any", api = "v1", grace = 1, ledger = arg[2],
    account = "a", lease = %d, start_interval = 0, interval = 0.1, retries = 2 })
  io.open(arg[3], "w"):write(worker.owner):close()
  local good, err = worker:run()
  io.open(arg[3] .. ".end", "w"):write(good and "done" or tostring(err)):close()
]]

describe("two thousand runs on one PostgreSQL", function()
  local database, server, directory, remove, client, fleet
  local workers, begun = {}, 0 -- `workers`: those at work, with pid and owner

  local function now() return client:_now() end

  local function begin_worker()
    begun = begun + 1
    local file = ("%s/worker.%d"):format(directory, begun)
    local shell = assert(io.popen(("%s %s/worker.lua %s %s %s >>%s/output 2>&1 </dev/null & echo $!"):format(
      processes.quoted(processes.interpreter()), directory, server.address, processes.quoted(database.address), file,
      directory)))
    workers[#workers + 1] = { pid = shell:read "*l", file = file }
    shell:close()
  end

  local function send_signal(worker, name) os.execute(("kill -%s %s 2>/dev/null"):format(name, worker.pid)) end

  local function owner_of(worker)
    local file = not worker.owner and io.open(worker.file)
    if file then
      worker.owner = file:read "*a"
      file:close()
    end
    return worker.owner
  end

  setup(function()
    if not databases.is_supported "PostgreSQL" then return end
    database = databases.start "PostgreSQL"
    if not database then return end
    directory, remove = files.directory()
    files.write(directory .. "/worker.lua", WORKER:format(package.path, package.cpath, LEASE))
    server = simulator.spawn { api = "v1", pace = 0.01, visibility = 0.3, max_concurrent = SLOTS,
      limit_mode = "refuse" }
    local faults = {}
    for place = 1, math.ceil(RUNS * 3 / LOST_SHARE) do
      faults[place] = { point = place % 2 == 0 and "after_commit" or "after_read", action = "close",
        match = { path = "/app%-conversations" }, skip = place * LOST_SHARE }
    end
    server:faults(faults)
    client = openhands.new { base_url = server.address, api_key = "any", api = "v1" }
    fleet = assert(client:fleet { name = "f", ledger = database.address, account = "a", slots = SLOTS })
    local place = 0
    assert(fleet:add(function()
      place = place + 1
      return place <= RUNS and { key = "k" .. place, initial_user_msg = "Fix number " .. place .. "." } or nil
    end))
  end)

  teardown(function()
    for _, worker in ipairs(workers) do send_signal(worker, "KILL") end
    if fleet then fleet:close() end
    if client then client:close() end
    if server then server:close() end
    if database then database.stop() end
    if remove then remove() end
  end)

  it("start each once, lose none, and stay within the slots", function()
    if not database then return pending "PostgreSQL is not installed" end
    local deaths, stops, longest_takeover, most_live = 0, 0, 0, 0
    local lost = {} -- runs of dead workers: when their worker died
    local stopped -- the worker that sleeps
    local begun_at, trouble_at, outages = now(), now() + TROUBLE_INTERVAL, 0
    local numbers = 12345
    local function up_to(most)
      numbers = numbers * 16807 % 2147483647
      return 1 + numbers % most
    end

    -- Returns the worker of one of the runs, at random.
    local function busy_worker(status)
      local run = status.runs[up_to(math.max(1, #status.runs))]
      for _, worker in ipairs(workers) do
        if run and owner_of(worker) == run.owner then return worker end
      end
    end

    local function make_trouble(status)
      if stopped then
        send_signal(stopped, "CONT")
        stopped = nil
        return
      end
      local worker = busy_worker(status) or workers[up_to(#workers)]
      if up_to(2) == 1 then
        stops, stopped = stops + 1, worker
        return send_signal(worker, "STOP")
      end
      deaths = deaths + 1
      for _, run in ipairs(status.runs) do
        if run.owner == owner_of(worker) then lost[run.key] = { owner = run.owner, at = now() } end
      end
      send_signal(worker, "KILL")
      for place = #workers, 1, -1 do
        if workers[place] == worker then table.remove(workers, place) end
      end
      begin_worker()
    end

    -- Notes which runs of dead workers have another owner, or have ended.
    local function note_takeovers(status)
      local owners = {}
      for _, run in ipairs(status.runs) do owners[run.key] = run.owner end
      for key, death in pairs(lost) do
        if owners[key] ~= death.owner then
          longest_takeover, lost[key] = math.max(longest_takeover, now() - death.at), nil
        end
      end
    end

    for _ = 1, WORKERS do begin_worker() end
    local status
    repeat
      client:sleep(0.2)
      status = assert(fleet:status())
      most_live = math.max(most_live, status.live)
      note_takeovers(status)
      if now() >= trouble_at then
        make_trouble(status)
        trouble_at = now() + TROUBLE_INTERVAL
      end
      local ended = status.total - status.queued - status.live
      if outages == 0 and ended > RUNS / 2 then
        outages = 1
        database.stop_server()
        client:sleep(4)
        database.start_server()
      end
    until ended == RUNS or now() - begun_at > LONGEST
    if stopped then send_signal(stopped, "CONT") end
    print(("%d runs in %.0f s: %d workers killed, %d stopped; takeover within %.1f s; at most %d live"):format(RUNS,
      now() - begun_at, deaths, stops, longest_takeover, most_live))
    local output = files.read(directory .. "/output")
    assert.equal("", output)
    assert.same({ RUNS, RUNS }, { status.done, status.total }, tostring(status))
    assert.equal(RUNS, server:jobs())
    assert.is_true(most_live <= SLOTS and longest_takeover <= TAKEOVER)
    local row = assert(fleet.ledger:fleet { account_id = "a", fleet = "f" })
    assert.is_nil(row.learned_slots) -- the service has refused none
  end)
end)
