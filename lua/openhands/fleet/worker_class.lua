--- The class of workers, with its fields. Its methods are in openhands.fleet.worker, which runs workers, and in
--- openhands.fleet.custody, which changes runs.

--- What a worker is made with.
---@class openhands.WorkerSettings
---@field account_id string
---@field fleet string? nil: all fleets of the account
---@field lease number seconds after which another worker takes over what this one has left
---@field reserve integer slots of the account that stay free
---@field after "pause"|"leave"|"delete" what becomes of the sandbox of an ended run
---@field on_paused "resume"|"leave"|"fail" what becomes of a run whose sandbox was paused by others
---@field interval number? seconds between two polls of a conversation
---@field start_interval number seconds between two starts
---@field secrets any see openhands.fleet.secrets
---@field before_claim (fun(): openhands.Error?)? returns why nothing more is started
---@field on_change (fun(run: openhands.Run, previous: openhands.RunState?))?
---@field on_done (fun(run: openhands.Run))?

--- A run that this worker has claimed.
---@class openhands.WorkerEntry
---@field run openhands.Run
---@field task openhands.Task
---@field renew_at number monotonic moment
---@field is_starting boolean?
---@field is_gone boolean? it has ended, was returned to the queue, or another worker has it
---@field awaits_budget boolean? its sandbox is paused until the budget of its fleet is larger
---@field has_waited boolean? for events that may come late: of the end of its work, or of a message by its owner before
---@field pauses integer? how often its sandbox was paused by others
---@field missing_since number? monotonic moment at which the service did not know its conversation

---@class (partial) openhands.Worker
---@field _own_client openhands.Client? to close with it
---@field client openhands.Client
---@field ledger openhands.Ledger
---@field settings openhands.WorkerSettings
---@field slots openhands.FleetSlots
---@field owner string
---@field patience number by which delays of runs in the queue are multiplied: less in specs, whose time may be virtual
---@field failure openhands.Error? why it ends before its work is done
---@field exhausted openhands.Error? why it starts nothing more
---@field has_new_costs boolean? a cost was recorded since the last look at the budgets
---@field _costs_checked_at number? monotonic moment of that look
---@field _pausing openhands.Task? pauses what is live of a fleet whose budget is spent
---@field started_at number? monotonic moment of its latest claim for a start
---@field private _entries table<string, openhands.WorkerEntry> by run_id
---@field private _hidden table<string, string> patterns of the secrets of items, by secret
---@field package _ends_at number? monotonic moment at which its time is over
---@field package _tasks table<openhands.Task, true> that run beside its loop
---@field private _alarm openhands.Pending wakes its loop
---@field private _idle openhands.NoClaim? why it got no run when it last looked
---@field private _has_started boolean? a start was accepted
---@field private _is_stopping boolean?
---@field private _is_leaving boolean?
---@field package _runner thread|string|nil the coroutine that runs it
---@field private _is_closing boolean? was closed while it ran
local Worker = { patience = 1 }
Worker.__index = Worker
Worker.__name = "openhands.Worker"

--- Returns what distinguishes the running coroutine from others.
---@return thread|string
function Worker.here()
  return coroutine.running() or "main" -- nil in Lua 5.1, outside of coroutines
end

--- Returns whether it runs, in another coroutine: a run that an error, e.g. of Ctrl-C, has ended is none.
---@return boolean
function Worker:is_running()
  local runner = self._runner
  return runner ~= nil and runner ~= Worker.here() and (type(runner) ~= "thread" or coroutine.status(runner) ~= "dead")
end

--- Gives up what an error, e.g. of Ctrl-C, has left of a run, and keeps it from using the ledger any more.
function Worker:give_up()
  if self._runner and not self.client._closed then
    self:leave()
  end
  self._is_broken, self._is_leaving = true, true
end

--- Closes the ledger of a worker that was made without a fleet.
function Worker:close()
  self:stop()
  if self:is_running() and not self._is_closing then
    self._is_closing = true -- `run` closes it when it returns: until then it needs the ledger
    return
  end
  self:give_up()
  self.ledger:close()
  if self._own_client then
    self._own_client:close()
  end
end

return Worker
