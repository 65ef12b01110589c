--- `doctor`: tells what this installation is made of, and whether it can work with the service.

local core = require "openhands.core"
local exit_status = require "openhands.command_line.exit_status"
local openhands = require "openhands"
local service_clock = require "openhands.request.service_clock"
local text = require "openhands.command_line.text"

local M = {}

--- Adds the command.
---@param parser table of argparse
---@return table command
function M.define(parser)
  return parser:command("doctor", "Tell the versions in use, and check key, service and clock.")
end

local function version_of(name)
  local good, module = pcall(require, name)
  if not good then
    return nil
  end
  local version = type(module) == "table" and (rawget(module, "_VERSION") or rawget(module, "version"))
  if type(version) == "function" then
    local told
    told, version = pcall(version)
    version = told and version
  end
  return type(version) == "string" and version or "installed"
end

-- The modules that not everybody needs, and what for.
local OPTIONAL = {
  { "luv", "simulate, and the loop of luv" },
  { "dbd.sqlite3", "fleets in a file" },
  { "dbd.postgresql", "fleets over several machines" },
}

local function check_versions(add)
  add("ok", "Lua", rawget(_G, "jit") and rawget(_G, "jit").version or _VERSION)
  local _, library = core.version()
  add("ok", "openhands", openhands.version)
  add("ok", "libcurl and TLS", library)
  add("ok", "cjson", version_of "cjson")
  add("ok", "argparse", require("argparse").version or "installed")
  for _, each in ipairs(OPTIONAL) do
    local version = version_of(each[1])
    add(version and "ok" or "note", each[1], version or "not installed: needed for " .. each[2])
  end
end

-- Tells where the key is. Returns whether there is one.
local function check_key(session, add)
  local key, where = session:find_key()
  session.output:hide(key)
  local session_key = os.getenv "SESSION_API_KEY"
  if where then
    add("ok", "key", where)
  elseif session_key and session_key ~= "" then
    add("ok", "key", "variable SESSION_API_KEY, for a self-hosted server")
  else
    add("FAIL", "key", "none: `openhands-lua login`, or put one into OPENHANDS_API_KEY")
    return false
  end
  return true
end

-- Asks the service something that changes nothing, in one dialect.
local function ask(session, api, call)
  local settings = session:settings()
  settings.api, settings.deadline, settings.retries = api, 20, 0
  local client = openhands.new(settings)
  local value, err = call(client)
  client:close()
  return value, err
end

local function account(client)
  return client:me()
end

local function first_page(client)
  local page, err = client:list({ limit = 1 }):page()
  return page or not err, err -- an account may have no conversations
end

local unreachable = { connect = true, tls = true, timeout = true }

-- Finds out the dialect with questions that need the key. Returns whether the service took it.
local function check_service(session, add)
  local wanted = session.arguments.api or os.getenv "OPENHANDS_API" or "auto"
  local me, err
  if wanted ~= "v0" then
    me, err = ask(session, "v1", account)
    if me then
      local name = me.email or me.id
      add("ok", "service", session:service())
      add("ok", "dialect", "v1")
      add("ok", "account", text.line(type(name) == "string" and name or "unknown"))
      return true
    elseif unreachable[err.kind] then
      add("FAIL", "service", ("%s: %s"):format(session:service(), err.message))
      return false
    end
  end
  if wanted ~= "v1" and not (err and (err.kind == "authentication" or err.kind == "permission")) then
    local page, why = ask(session, "v0", first_page)
    if page then
      add("ok", "service", session:service())
      add("ok", "dialect", "v0")
      return true
    end
    err = wanted == "v0" and why or err
  end
  add(err.status and "ok" or "FAIL", "service", session:service())
  add("FAIL", "account", err.message)
  return false
end

local MOST_SKEW = 300 -- seconds

-- Compares the clock of this machine with that of the service.
local function check_clock(session, add)
  local client = openhands.new {
    base_url = session.arguments.base_url, api = "v1", api_key = session:settings().api_key, deadline = 20, retries = 0,
  }
  client:me()
  local skew = service_clock.skew(client)
  client:close()
  if not skew then
    add("note", "clock", "the service does not tell the time")
  elseif math.abs(skew) <= MOST_SKEW then
    add("ok", "clock", ("%.0f s from the service's"):format(skew))
  else
    add("FAIL", "clock", ("%.0f s from the service's: set it"):format(skew))
  end
end

--- Runs the command.
---@param session openhands.CommandSession
---@return integer exit_status
function M.run(session)
  local checks, failed = {}, 0
  local function add(verdict, name, value)
    failed = failed + (verdict == "FAIL" and 1 or 0)
    checks[#checks + 1] = { name = name, ok = verdict ~= "FAIL", value = value }
    session.output:line(("%-4s  %-16s  %s"):format(verdict, name, text.line(value)))
  end
  check_versions(add)
  if check_key(session, add) and check_service(session, add) then
    check_clock(session, add)
  end
  session.output:record { checks = openhands.array(checks), ok = failed == 0 }
  return failed == 0 and exit_status.OK or exit_status.ERROR
end

return M
