--- What a ledger on SQLite does in its own way. Times are those of this host's clock.

local connections = require "openhands.fleet.ledger.connection"
local core = require "openhands.core"
local errors = require "openhands.errors"

local BUSY_TIMEOUT = 10000 -- milliseconds to wait for another process's transaction

local M = {
  driver = "SQLite3",
  module = "dbd.sqlite3",
  package = "lua-dbi-sqlite3",
  rock = "luadbi-sqlite3",
  now = "((julianday('now') - 2440587.5) * 86400.0)",
  lock = "",
  begin = "begin immediate", -- a deferred transaction fails at once if another process writes before its first write
  keeps_failures = true,
  has_table = "select name from sqlite_master where type = 'table' and name = ?",
}

local function make_private(at)
  for _, directory in ipairs(at.parents) do
    local good, why = core.private_directory(directory)
    if not good then
      return nil, ("%s: %s"):format(directory, why)
    end
  end
  local good, why = core.private_file(at.path)
  if not good then
    return nil, ("%s: %s"):format(at.path, why)
  end
  core.restrict_file(at.path .. "-wal") -- SQLite gives new ones the mode of the database
  core.restrict_file(at.path .. "-shm")
  return true
end

-- SQLite remembers the locks of a process, which a forked child does not have: even a new connection is unsafe there.
function M.check(at)
  if connections.is_inherited(at.path --[[@as string]]) then
    errors.raise "ledger: it was open when this process was forked, which SQLite forbids: open it after forking"
  end
end

function M.connect(dbi, at)
  local good, why = make_private(at)
  if not good then
    return nil, why
  end
  return dbi.Connect(M.driver, at.path)
end

-- Has the database use its WAL mode. For this SQLite reads a new database first, and then writes: if another process
-- writes in between, it fails at once instead of waiting. An exclusive transaction waits for the other process.
local function use_wal(connection)
  local deadline = core.monotonic() + BUSY_TIMEOUT / 1000
  while true do
    local good, mode = pcall(connection.row, connection, "pragma journal_mode = wal")
    if good then
      return mode
    end
    local problem = connections.failure(mode)
    if not problem or not problem:find("is locked", 1, true) or core.monotonic() >= deadline then
      error(mode, 0)
    end
    connection:run_once "begin exclusive"
    connection:run_once "rollback"
  end
end

function M.prepare(connection)
  connection:rows("pragma busy_timeout = " .. BUSY_TIMEOUT)
  local mode = use_wal(connection)
  if not mode or mode.journal_mode ~= "wal" then
    connections.fail "its file system does not support SQLite's WAL mode"
  end
  connection:run_once "pragma synchronous = full" -- NORMAL may lose the last commits when the power fails
end

function M.bound(value)
  return value
end

function M.is_busy(problem)
  return problem:find("is locked", 1, true) ~= nil
end

function M.is_damage(problem)
  return problem:find("malformed", 1, true) ~= nil or problem:find("not a database", 1, true) ~= nil
end

return M
