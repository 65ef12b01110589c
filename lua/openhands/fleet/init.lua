--- Fleets: many conversations, each started at most once and none lost, whatever happens to this process. A ledger in a
--- database says what was meant to be started and what became of it; running the same script again goes on from there.

---@class (partial) openhands.Client
local Client = require "openhands.client_class"
local account_slots = require "openhands.fleet.slots"
local accounts = require "openhands.fleet.account"
local custody = require "openhands.fleet.custody"
local deferred = require "openhands.deferred"
local errors = require "openhands.errors"
local ledgers = require "openhands.fleet.ledger"
local options = require "openhands.fleet.options"
local workers = require "openhands.fleet.worker"

local adding = deferred.module "openhands.fleet.add"
local cancels = deferred.module "openhands.fleet.cancel"
local plans = deferred.module "openhands.fleet.plan"
local rebuilding = deferred.module "openhands.fleet.rebuild"
local reports = deferred.module "openhands.fleet.report"
local retries = deferred.module "openhands.fleet.retry"
local statuses = deferred.module "openhands.fleet.report.status"

local DEFAULT_SLOTS = 8 -- of a new fleet
local PAGE = 500 -- runs that are read at once

---@class (partial) openhands.Fleet
---@field name string
---@field account_id string
---@field ledger openhands.Ledger
---@field client openhands.Client
---@field settings openhands.FleetSettings
---@field private _worker openhands.Worker? while it runs
---@field private _slots openhands.FleetSlots? counts the sandboxes of others while it does not run
---@field private _is_closing boolean? was closed while it ran
---@field _own_client openhands.Client? to close with it
local Fleet = {}
Fleet.__index = Fleet
Fleet.__name = "openhands.Fleet"

function Fleet:__tostring()
  return ("openhands.Fleet '%s' (account %s, ledger %s)"):format(self.name, self.account_id, self.ledger.name)
end

-- Returns the fields that name the fleet in the ledger, with others.
local function named(self, fields)
  fields = fields or {}
  fields.account_id, fields.fleet = self.account_id, self.name
  return fields
end

-- Returns the settings of a worker from those of a fleet or a worker.
local function settings_of_worker(settings, account_id, fleet, callbacks)
  return {
    account_id = account_id, fleet = fleet, lease = settings.lease, reserve = settings.reserve, after = settings.after,
    on_paused = settings.on_paused, interval = settings.interval, start_interval = settings.start_interval,
    secrets = settings.secrets, before_claim = settings.before_claim,
    on_change = callbacks.on_change or settings.on_change, on_done = callbacks.on_done or settings.on_done,
  }
end

-- Checks that a method is called with its fleet, and that what it does will last.
local function check_lasting(self, name)
  errors.check_receiver(getmetatable(self) == Fleet, name, "fleet")
  if self.settings.dry_run then
    errors.raise(name .. ": this fleet is a dry run: open it without `dry_run`")
  end
end

-- ---- a fleet -------------------------------------------------------------------------------------------------------

--- Adds items to the fleet: one, a list, an iterator, a collection, or a template and the records that fill it. An item
--- that the fleet already has stays as it is; one of the same key with other contents is an error. All items are
--- checked before the first is added, except those of an iterator or a collection, which are added as they come.
---@param given any
---@param source any
---@return openhands.Added? added
---@return openhands.Error? err of kind "conflict", with the fields `key` and `place`, if an item has other contents
--- than before, or than an item before it
function Fleet:add(given, source)
  errors.check_receiver(getmetatable(self) == Fleet, "add", "fleet")
  return adding.run(self.client, self.ledger, named(self), { defaults = self.settings.defaults, given = given,
    source = source })
end

-- Reads all runs of the fleet, as one table or an error.
local function all_runs(self)
  local runs, after = {}, 0
  while true do
    local page, err = self.ledger:runs(named(self, { after = after, limit = PAGE }))
    if not page then
      return nil, err
    elseif #page == 0 then
      return runs
    end
    for _, run in ipairs(page) do
      runs[#runs + 1] = custody.as_run(run)
    end
    after = page[#page].position
  end
end

--- Finds the runs again after the ledger was lost, by the ids that are derived from the items (V1). Starts nothing; the
--- next `run` takes up what was found.
---@param given any the items, as for `add`; nil: they were added before
---@param source any
---@return openhands.Rebuilt?
---@return openhands.Error? err
function Fleet:rebuild(given, source)
  check_lasting(self, "rebuild")
  ---@type any, openhands.Run[]?, openhands.Error?
  local good, runs, err = true, nil, nil
  if given ~= nil then
    good, err = self:add(given, source)
  end
  if good then
    runs, err = all_runs(self)
  end
  if not runs then
    return nil, err
  end
  return rebuilding.run(self.client, self.ledger, runs)
end

--- Tries ended items once more, the failed and skipped ones by default: they are in the queue again, each with a new id
--- if its start was ever sent. The next `run` starts them.
---@param given openhands.RetryOptions?
---@return openhands.Retried?
---@return openhands.Error? err
function Fleet:retry(given)
  errors.check_receiver(getmetatable(self) == Fleet, "retry", "fleet")
  return retries.run(self.ledger, named(self), given)
end

--- Cancels items that wait in the queue: nobody starts them. What is live, or has ended, stays as it is.
---@param given openhands.CancelOptions?
---@return openhands.CancelledItems?
---@return openhands.Error? err
function Fleet:cancel(given)
  errors.check_receiver(getmetatable(self) == Fleet, "cancel", "fleet")
  return cancels.run(self.ledger, named(self), given)
end

--- Returns what has become of each item so far. Other processes may run the fleet meanwhile.
---@return openhands.Report?
---@return openhands.Error? err
function Fleet:report()
  errors.check_receiver(getmetatable(self) == Fleet, "report", "fleet")
  local runs, err = all_runs(self)
  if err then
    return nil, err
  end
  return reports.new(runs, { fleet = self.name, now = self.client:_wall() })
end

--- Returns what a run would start, take up and wait for, and what it may cost. Starts nothing.
---@return openhands.FleetPlan?
---@return openhands.Error? err
function Fleet:plan()
  errors.check_receiver(getmetatable(self) == Fleet, "plan", "fleet")
  local runs, needs, totals, err
  totals, err = self.ledger:totals(named(self))
  if totals then
    needs, err = self.ledger:needs(named(self))
  end
  if needs then
    runs, err = all_runs(self)
  end
  if not runs then
    return nil, err
  end
  return plans.new(runs, needs, totals)
end

--- Returns how many sandboxes of others are up on the account: each takes a slot. Asks the service (V1). A dry run
--- forgets its items before, so that other processes can write into the ledger meanwhile.
---@return integer others 0 if the service does not tell
---@return boolean is_most there may be fewer: runs that are starting do not know their sandboxes yet
function Fleet:others()
  errors.check_receiver(getmetatable(self) == Fleet, "others", "fleet")
  if self._worker then
    return self._worker.slots:last_others()
  end
  self.ledger:forget()
  self._slots = self._slots or account_slots.new(self.client, { start_interval = self.settings.start_interval or 0 })
  return self._slots:others(function()
    local live = self.ledger:live { account_id = self.account_id }
    self.ledger:forget()
    return live
  end)
end

--- Returns what the fleet is doing now, in this process and all others, from the ledger alone.
---@return openhands.FleetStatus?
---@return openhands.Error? err
function Fleet:status()
  errors.check_receiver(getmetatable(self) == Fleet, "status", "fleet")
  return statuses.read(self.ledger, named(self))
end

--- Runs the fleet until all its items have ended, those that other workers have included. In a task it yields.
---@param given { on_change: function?, on_done: function?, timeout: number? }? `on_change`: called with the run and its
--- previous state; `on_done`: called with each run that this process has ended; `timeout`: seconds
---@return openhands.Report?
---@return openhands.Error? err what was not ended goes on in the next `run`
function Fleet:run(given)
  check_lasting(self, "run")
  local callbacks = options.of_run(given)
  if self._worker and self._worker:is_running() then
    errors.raise "run: this fleet runs already"
  end
  if self._worker then -- an error, e.g. of Ctrl-C, has ended an earlier run
    self._worker:leave()
  end
  local good, err = self.ledger:pause_fleet(named(self, { seconds = 0 })) -- whoever runs it wants it to go on
  if not good then
    return nil, err
  end
  self._worker = workers.new(self.client, self.ledger,
    settings_of_worker(self.settings, self.account_id, self.name, callbacks))
  good, err = self._worker:run(callbacks.timeout)
  self._worker = nil
  local report
  if good then
    report, err = self:report()
  end
  if self._is_closing then
    self:close()
  end
  if err then
    return nil, err
  end
  return report
end

--- Makes `run` return: nothing more is started, and what is live goes on without this process.
function Fleet:stop()
  errors.check_receiver(getmetatable(self) == Fleet, "stop", "fleet")
  if self._worker then
    self._worker:stop()
  end
end

--- Closes the ledger; ends a `run` first. What a run has left that an error has ended, e.g. of Ctrl-C, is given up: the
--- next one need not wait until its leases have expired.
function Fleet:close()
  errors.check_receiver(getmetatable(self) == Fleet, "close", "fleet")
  self:stop()
  if self._worker and self._worker:is_running() and not self._is_closing then
    self._is_closing = true -- `run` closes it when it returns: until then it needs the ledger
    return
  end
  if self._worker then
    self._worker:give_up()
  end
  self.ledger:close()
  if self._own_client then
    self._own_client:close()
  end
end

Fleet.__close = Fleet.close

-- ---- making them ---------------------------------------------------------------------------------------------------

-- Returns a client for a call: a new one if the caller has given settings of clients, else the one of the call.
local function client_for(client, of_client)
  return next(of_client) and client:_another(of_client) or client
end

-- Opens the ledger and finds the account.
local function open(client, settings)
  local account_id, ledger, err
  ledger, err = ledgers.open(settings.ledger)
  if ledger then
    account_id, err = accounts.of(client, settings.account)
  end
  if not account_id then
    if ledger then
      ledger:close()
    end
    return nil, err
  end
  return ledger, account_id
end

-- Sets the slots of a fleet. Those of its account grow with them, and never shrink: other fleets may need them.
local function set_slots(ledger, account_id, settings)
  local row, err = ledger:open_fleet { account_id = account_id, fleet = settings.name, slots = settings.slots,
    weight = settings.weight, canary = settings.canary, budget = settings.budget }
  local slots = row and (row.slots or DEFAULT_SLOTS) -- whoever only looks at a fleet leaves its slots alone
  if row and (not row.slots or row.account_slots < slots) then
    row, err = ledger:open_fleet { account_id = account_id, fleet = settings.name, slots = slots,
      account_slots = row.account_slots < slots and slots or nil }
  end
  if err then
    return nil, err
  end
  return row
end

--- Opens a fleet: many conversations that are started a few at a time, and none twice. A fleet of the same name in the
--- same ledger is the same fleet.
---@param given openhands.FleetSettings settings of clients too: then the fleet has a client of its own
---@return openhands.Fleet?
---@return openhands.Error? err
function Client:fleet(given)
  Client._check_usable(self, "fleet")
  local settings, of_client = options.of_fleet(given)
  local client = client_for(self, of_client)
  local ledger, account_id = open(client, settings)
  local row, err
  if not ledger then
    err = account_id
  elseif not settings.account then
    account_id, err = accounts.of_fleet(client, ledger, account_id --[[@as string]], settings.name)
  end
  if not err then
    if settings.dry_run then
      ledger:rehearse(function() return set_slots(ledger, account_id, settings) end)
    end
    row, err = set_slots(ledger, account_id, settings)
  end
  if not row then
    if ledger then
      ledger:close()
    end
    return nil, err
  end
  return setmetatable({ name = settings.name, account_id = account_id, ledger = ledger, client = client,
    settings = settings, _own_client = client ~= self and client or nil }, Fleet)
end

--- Makes a worker for all fleets of its account in a ledger.
---@param given openhands.WorkerOptions settings of clients too: then the worker has a client of its own
---@return openhands.Worker?
---@return openhands.Error? err
function Client:worker(given)
  Client._check_usable(self, "worker")
  local settings, of_client = options.of_worker(given)
  local client = client_for(self, of_client)
  local ledger, account_id = open(client, settings)
  if not ledger then
    return nil, account_id
  end
  local worker = workers.new(client, ledger, settings_of_worker(settings, account_id, nil, {}))
  worker._own_client = client ~= self and client or nil
  return worker
end

return Fleet
