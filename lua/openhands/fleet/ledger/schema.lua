--- The tables of a ledger, the same on both databases. Each migration leads from one version to the next; none leads
--- back.

local errors = require "openhands.errors"
local transaction = require "openhands.fleet.ledger.transaction"

local M = {}

--- Times are seconds since 1970 by the clock of the database.
local MIGRATIONS = {
  {
    [[create table openhands_ledger (version bigint not null)]],
    [[insert into openhands_ledger (version) values (0)]],
    [[create table openhands_accounts (
      account_id text primary key,
      slots bigint not null, -- most live runs that the user allows
      learned_slots bigint, -- most that the service allows, as it said
      paused_until double precision not null default 0)]],
    [[create table openhands_fleets (
      account_id text not null,
      fleet text not null,
      weight double precision not null default 1, -- share of the slots, compared with other fleets
      slots bigint, -- most live runs of this fleet
      live bigint not null default 0, -- number of its runs with a slot
      queued bigint not null default 0, -- number of its runs in this state
      added bigint not null default 0, -- number of its runs
      served bigint not null default 0, -- number of the claim that served it last, of those of its account
      paused_until double precision not null default 0,
      canary bigint not null default 0, -- so many items must be done before the others start
      budget double precision, -- dollars
      cost double precision not null default 0, -- of its runs, as far as it is known
      primary key (account_id, fleet))]],
    [[create table openhands_runs (
      run_id text primary key,
      account_id text not null,
      fleet text not null,
      key text not null, -- of the item, e.g. "owner/repository"
      position bigint not null, -- in its fleet, in the order in which items were added
      priority bigint not null default 0, -- higher ones first
      state text not null,
      unmet bigint not null default 0, -- number of items that must be done before it starts
      exclusive text, -- name of a group of which at most one is live
      conversation_id text not null unique, -- is sent with the start
      request text not null, -- JSON
      request_hash text not null,
      slot bigint not null default 0, -- 1: has one of the slots of the account
      fence bigint not null default 0, -- grows with each change of the owner
      owner text,
      claim_token text,
      taken_over bigint not null default 0, -- 1: its owner has it from another one
      lease_until double precision not null default 0,
      attempts bigint not null default 0,
      intended_at double precision, -- when it was claimed from the queue, before anything was sent
      not_before double precision not null default 0,
      task_id text,
      sandbox_id text,
      execution_status text,
      sandbox_status text,
      polled_at double precision,
      cost double precision,
      result text, -- JSON
      error text,
      created_at double precision not null,
      ended_at double precision,
      unique (account_id, fleet, key))]],
    [[create unique index openhands_runs_position on openhands_runs (account_id, fleet, position)]],
    [[create index openhands_runs_queued on openhands_runs (account_id, fleet, priority desc, position)
      where state = 'queued' and unmet = 0]],
    -- `slot` makes SQLite choose these two; it has the same value in all of their rows
    [[create index openhands_runs_live on openhands_runs (account_id, slot, lease_until) where slot = 1]],
    [[create index openhands_runs_token on openhands_runs (account_id, slot, claim_token) where slot = 1]],
    [[create table openhands_run_ids (
      conversation_id text primary key,
      run_id text not null,
      intended_at double precision not null, -- when it may first have been sent
      dropped_because text)]],
    [[create table openhands_needs (
      needed_run_id text not null,
      run_id text not null, -- starts only when the needed one is done
      primary key (needed_run_id, run_id))]],
    [[create index openhands_needs_run on openhands_needs (run_id)]],
    [[create index openhands_run_ids_run on openhands_run_ids (run_id)]],
  },
  { -- what was learned of the service's limits holds for a time: see limits.lua
    [[alter table openhands_accounts add column learned_until double precision not null default 0]],
    [[alter table openhands_accounts add column learned_hold double precision not null default 0]],
    [[alter table openhands_accounts add column is_tried bigint not null default 0]],
  },
  { -- a run that is tried once more has cost something before
    [[alter table openhands_runs add column cost_before double precision not null default 0]],
  },
}

M.VERSION = #MIGRATIONS

--- SQL that reads the version of the ledger.
M.READ_VERSION = "select {whole:version} from openhands_ledger"

local function version_of(connection)
  if not connection:row(connection.dialect.has_table, "openhands_ledger") then
    return 0
  end
  return tonumber(connection:row(M.READ_VERSION).version)
end

--- Returns the error of an operation on a ledger whose schema is newer than this release, or older because another
--- program has replaced the ledger.
---@param operation string
---@param version integer
---@return openhands.Error
function M.other_version(operation, version)
  return errors.new {
    kind = "ledger",
    operation = operation,
    effect = "none",
    message = ("%s: the ledger has version %.0f, this release of openhands reads version %d: %s"):format(operation,
      version, M.VERSION, version > M.VERSION and "upgrade openhands, or give another ledger" or "open it again"),
  }
end

--- Creates the tables, or changes those of an older version, in one transaction.
---@param ledger openhands.Ledger
---@param operation string
---@return true?
---@return openhands.Error? err
function M.migrate(ledger, operation)
  return transaction.run(ledger, operation, function(connection)
    if version_of(connection) < M.VERSION and connection.dialect.lock_schema then
      connection:rows(connection.dialect.lock_schema)
    end
    local version = version_of(connection)
    if version > M.VERSION then
      return nil, M.other_version(operation, version --[[@as integer]])
    end
    for number = version + 1, M.VERSION do
      for _, sql in ipairs(MIGRATIONS[number] --[[@as string[] ]]) do
        connection:run_once(sql)
      end
      connection:change("update openhands_ledger set version = ?", number)
    end
    return true
  end)
end

return M
