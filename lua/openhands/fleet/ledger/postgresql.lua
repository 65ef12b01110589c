--- What a ledger on PostgreSQL does in its own way. Times are those of the database's clock.

local M = {
  driver = "PostgreSQL",
  module = "dbd.postgresql",
  package = "lua-dbi-postgresql",
  rock = "luadbi-postgresql",
  now = "cast(extract(epoch from clock_timestamp()) as double precision)",
  lock = "for update",
  begin = "begin isolation level read committed", -- a statement must see what was committed while it waited for a lock
  has_table = "select 1 where to_regclass(cast(? as text)) is not null",
  lock_schema = "select cast(pg_advisory_xact_lock(7166182919035311) as text)",
}

-- Set for each session: an acknowledged commit must survive a crash of the server, and a worker that is stopped within
-- a transaction must not hold up the others for long.
local SETTINGS = {
  "set synchronous_commit = on",
  "set lock_timeout = '30s'",
  "set statement_timeout = '120s'",
  "set idle_in_transaction_session_timeout = '30s'",
  "set client_min_messages = error",
}

function M.check() end

function M.connect(dbi, at)
  return dbi.Connect(M.driver, at.url)
end

function M.prepare(connection)
  for _, setting in ipairs(SETTINGS) do
    connection:run_once(setting)
  end
end

-- Writes numbers without the decimal point, which depends on the locale.
function M.bound(value)
  if type(value) ~= "number" then
    return value
  elseif value == math.floor(value) then
    return ("%.0f"):format(value)
  end
  return ("%.0fe-6"):format(value * 1000000)
end

return M
