--- Keeps fleets within their budgets. The ledger adds up the costs, and lets nothing start when four fifths are spent;
--- when all is spent, what is live is paused. Costs come late, so that a little more may be spent.

local custody = require "openhands.fleet.custody"
local errors = require "openhands.errors"
local numbers = require "openhands.display.number"

local M = {}

local CHECK_INTERVAL = 5 -- seconds between two looks at the costs of a fleet

--- The mark in the ledger of a run that was paused because the budget is spent: it is resumed when there is more.
M.MARK = "over budget"

-- Returns the error of a fleet that starts nothing more.
local function spent(fleet, what)
  return errors.new {
    kind = "quota", operation = "run", retryable = false,
    message = ("run: %s, because %s of the budget of %s for fleet '%s' are spent; run it again with a larger 'budget'")
      :format(what, numbers.money(fleet.cost), numbers.money(fleet.budget), fleet.fleet),
  }
end

-- Reads a fleet, and returns whether its budget is spent.
local function is_spent(worker, name)
  local fleet = worker:ask("fleet", { account_id = worker.settings.account_id, fleet = name })
  return fleet and fleet.budget and fleet.cost >= fleet.budget or false, fleet
end

--- Returns whether the budget of a fleet is spent, so that what was paused stays so.
---@param worker openhands.Worker
---@param name string of the fleet
---@return boolean
function M.is_spent(worker, name)
  return (is_spent(worker, name))
end

-- Returns the runs of a fleet that this worker has, and whose conversations are at work.
local function running_of(worker, name)
  local running = {}
  for _, entry in pairs(worker._entries) do
    if entry.run.fleet == name and entry.run.state == "running" then
      running[#running + 1] = entry
    end
  end
  return running
end

-- Pauses the conversations of some runs, unless they have just ended.
local function pause(worker, running)
  local call = worker.client._api == "v0" and worker.client.stop or worker.client.pause
  for _, entry in ipairs(running) do
    local run = entry.run
    local has_ended = entry.is_gone or tostring(run.execution_status):find "^ended: "
    -- Marked first: whoever sees that it is paused knows that neither a person nor the service has done it.
    local good, err = not has_ended and worker:record(entry, { execution_status = M.MARK }), nil
    if good then
      good, err = call(worker.client, run.conversation_id)
    end
    if good then
      worker:record(entry, { state = "paused" })
    elseif err then
      worker.client:_log("item '%s' could not be paused: %s", run.key, err.message)
    end
  end
end

-- Pauses what is live of a fleet whose budget is spent, beside the worker's loop: the service may be slow. The worker
-- of one fleet then ends.
local function stop(worker, fleet)
  worker._pausing = custody.spawn(worker, function()
    pause(worker, running_of(worker, fleet.fleet))
    worker._pausing = nil
    if fleet.fleet == worker.settings.fleet then
      worker:fail(spent(fleet, "what was live is paused"))
    end
  end)
end

--- Pauses what is live of fleets whose budget is spent. The worker of one fleet then ends with an error. Looks at the
--- costs when some were noted, at most once in some seconds.
---@param worker openhands.Worker
function M.check(worker)
  local now = worker.client:_now()
  if worker._pausing and not worker._pausing:done() or worker._costs_checked_at
      and (not worker.has_new_costs or now < worker._costs_checked_at + CHECK_INTERVAL) then
    return
  end
  worker.has_new_costs, worker._costs_checked_at = nil, now
  local names, is_known = { worker.settings.fleet }, {}
  for _, entry in pairs(worker._entries) do
    names[#names + 1] = entry.run.fleet
  end
  for _, name in ipairs(names) do
    local over, fleet = false, nil
    if not is_known[name] then
      is_known[name] = true
      over, fleet = is_spent(worker, name)
    end
    if over and fleet and name == worker.settings.fleet and not running_of(worker, name)[1] then
      worker:fail(spent(fleet, "what was live is paused"))
    elseif over and fleet then
      stop(worker, fleet)
    end
  end
end

--- Takes the ledger's answer that a budget is nearly spent: the worker of one fleet starts nothing more.
---@param worker openhands.Worker
function M.exhaust(worker)
  local name = worker.settings.fleet
  local fleet = name and worker:ask("fleet", { account_id = worker.settings.account_id, fleet = name })
  if fleet and fleet.budget then
    worker.exhausted = worker.exhausted or spent(fleet, "nothing more is started")
  end
end

--- Ends a worker of all fleets when everything that it has, and all of the queue, waits for larger budgets.
---@param worker openhands.Worker
---@param why openhands.NoClaim? of the last claim
function M.end_if_all_wait(worker, why)
  local account, reason = { account_id = worker.settings.account_id }, why and why.reason
  local name, count = reason == "budget" and why.fleet or nil, 0
  for _, entry in pairs(worker._entries) do
    if not entry.awaits_budget then
      return
    end
    name, count = entry.run.fleet, count + 1
  end
  if reason == "slots" and count > 0 then -- none becomes free if all are of these
    local left = worker:ask("remaining", account)
    reason = left and left.live <= count and "empty" or nil
  end
  account.fleet = name
  local fleet = name and (reason == "budget" or reason == "empty") and worker:ask("fleet", account)
  if fleet and fleet.budget then
    worker:fail(spent(fleet, "nothing more is started"))
  end
end

return M
