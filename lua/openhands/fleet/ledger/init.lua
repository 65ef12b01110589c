--- The ledger of fleets: what was meant to be started, what was started, and who looks after it. Every operation is one
--- transaction that survives a crash. It blocks while the database works.

local adding = require "openhands.fleet.ledger.adding"
local adoption = require "openhands.fleet.ledger.adoption"
local cancelling = require "openhands.fleet.ledger.cancelling"
local changes = require "openhands.fleet.ledger.changes"
local claims = require "openhands.fleet.ledger.claims"
local errors = require "openhands.errors"
local fleets = require "openhands.fleet.ledger.fleets"
local limits = require "openhands.fleet.ledger.limits"
local location = require "openhands.fleet.ledger.location"
local postgresql = require "openhands.fleet.ledger.postgresql"
local reading = require "openhands.fleet.ledger.reading"
local resuming = require "openhands.fleet.ledger.resuming"
local retrying = require "openhands.fleet.ledger.retrying"
local schema = require "openhands.fleet.ledger.schema"
local sqlite = require "openhands.fleet.ledger.sqlite"
local totals = require "openhands.fleet.ledger.totals"
local transaction = require "openhands.fleet.ledger.transaction"
local waves = require "openhands.fleet.ledger.waves"

local M = {}

---@class openhands.Ledger
---@field name string where it is, without a password
---@field package _location openhands.LedgerLocation
---@field package _dialect openhands.LedgerDialect
---@field package _connection openhands.LedgerConnection?
---@field package _is_closed boolean?
---@field package _is_rehearsal boolean? nothing is committed
---@field package _opening (fun(): any, openhands.Error?)? what a rehearsal begins with
---@field package _rehearsed_on openhands.LedgerConnection? has the open transaction of the rehearsal
local Ledger = {
  open_fleet = fleets.open_fleet,
  fleet = fleets.fleet,
  pause_fleet = fleets.pause_fleet,
  pause_account = fleets.pause_account,
  set_learned_slots = limits.set_learned_slots,
  accounts = fleets.accounts,
  names = fleets.names,
  remaining = fleets.remaining,
  add = adding.add,
  check = adding.check,
  adopt = adoption.adopt,
  claim = claims.claim,
  renew = changes.renew,
  record = changes.record,
  finish = changes.finish,
  requeue = changes.requeue,
  resume = resuming.resume,
  retry = retrying.retry,
  cancel = cancelling.cancel,
  run = reading.run,
  find = reading.find,
  runs = reading.runs,
  counts = reading.counts,
  totals = totals.totals,
  live = reading.live,
  needs = waves.needs,
  conversation_ids = reading.conversation_ids,
  rehearse = transaction.rehearse,
  forget = transaction.forget,
}
Ledger.__index = Ledger
Ledger.__name = "openhands.Ledger"

function Ledger:__tostring()
  return "openhands.Ledger at " .. self.name
end

--- Closes the ledger.
function Ledger:close()
  local connection = self._connection
  if connection and connection:is_inherited() then
    connection:abandon()
    self._connection = nil
  end
  transaction.disconnect(self)
  self._is_closed = true
end

--- Opens a ledger, and creates or migrates its tables.
---@param where string? a path of a file of SQLite, or postgresql://user:password@host:port/database; nil:
--- `openhands/ledger.db` below $XDG_STATE_HOME or ~/.local/state
---@return openhands.Ledger?
---@return openhands.Error? err of kind "ledger"
function M.open(where)
  if where ~= nil and type(where) ~= "string" then
    errors.raise "ledger: where it is must be a text"
  end
  local at, problem = location.parse(where)
  if not at then
    errors.raise("ledger: " .. problem)
  end
  local ledger = setmetatable({ name = at.name, _location = at, _dialect = at.url and postgresql or sqlite }, Ledger)
  local good, err = schema.migrate(ledger, "ledger")
  if not good then
    ledger:close()
    return nil, err
  end
  return ledger
end

return M
