--- Reads the settings of clients and calls. A setting of the call comes first, then that of `openhands.new{...}`, then
--- the environment, then the default.

local core = require "openhands.core"
local deferred = require "openhands.deferred"
local errors = require "openhands.errors"
local limits = require "openhands.limits"
local spelling = deferred.module "openhands.spelling"

---@class openhands.Settings
---@field api_key? string|fun(): string? the account's key, or a function called for it before each exchange
--- that sends it
---@field session_api_key? string of a self-hosted server that runs with SESSION_API_KEY; sent to `base_url` only
---@field base_url? string URL of the service; https, or http on loopback
---@field api? "auto"|"v0"|"v1" dialect; "auto" finds out with GETs that change nothing
---@field timeout? number seconds that one exchange may take; math.huge, as in every time setting, sets no limit
---@field connect_timeout? number seconds within which an exchange must be connected
---@field deadline? number seconds that a whole call may take, retries included
---@field retries? integer tries after the first: of calls that change nothing, of other calls that certainly had no
--- effect, and of starts that the service has not shown during `grace`
---@field grace? number seconds for which a start or conversation must stay absent on the service before it counts as
--- lost or gone
---@field loop? string|openhands.Loop how to wait: "plain", "uv", "nginx", "cqueues" or "copas"; the default is "nginx"
--- in nginx, "uv" in Neovim, and "plain" elsewhere
---@field ca_file? string PEM file of the certificate authorities to trust instead of the system's
---@field proxy? string URL of a proxy; "" for none, even if the environment sets one
---@field organization? string id of the organisation on whose behalf to act
---@field user_agent? string
---@field max_body? integer bytes that a response body may have
---@field max_memory? integer bytes that the values of a response may take; by default 8 times
--- `max_body`, at least 1 MiB
---@field connections? integer that the client may have to one server at a time, for calls that change nothing; the
--- default is 10, and for a server on this machine (http) 100
---@field log? fun(message: string) called with a line per exchange and with other notes; no text contains a secret
---@field random? fun(): number source of jitter, uniform in [0, 1)
---@field transport? table carries the exchanges in place of the network, see request/in_flight.lua; then `loop`
--- has no effect

local M = {}

local PRODUCT = "openhands-lua/" .. core.version()

-- kind: the types that a value may have; per_call: the setting may also be given for one call; least, most: the limits
-- of a number; unit, advice: for messages. A time may be math.huge, which sets no limit; even then, `timeout` is cut by
-- `deadline`.
local known = {
  api_key = { kind = "string or function", per_call = true },
  session_api_key = { kind = "string" },
  base_url = { kind = "string" },
  api = { kind = "string", per_call = true },
  timeout = { kind = "number", per_call = true, least = 0.001 },
  connect_timeout = { kind = "number", per_call = true, least = 0.001 },
  deadline = { kind = "number", per_call = true, least = 0.001 },
  retries = {
    kind = "number",
    per_call = true,
    least = 0,
    is_whole = true,
    advice = "; use 'deadline' to limit the time of a call",
  },
  grace = { kind = "number", per_call = true, least = 0 },
  loop = { kind = "string or table" },
  ca_file = { kind = "string" },
  proxy = { kind = "string" },
  organization = { kind = "string", per_call = true },
  user_agent = { kind = "string" },
  max_body = { kind = "number", per_call = true, least = 1, most = limits.MOST_BYTES, unit = " of bytes" },
  max_memory = { kind = "number", per_call = true, least = 1, most = limits.MOST_BYTES, unit = " of bytes" },
  connections = { kind = "number", least = 1, most = 10000, is_whole = true },
  log = { kind = "function" },
  random = { kind = "function" },
  transport = { kind = "table" },
}

local defaults = {
  base_url = "https://app.all-hands.dev",
  api = "auto",
  connect_timeout = 10,
  deadline = 600,
  retries = 2,
  grace = 60,
  random = math.random,
}

M.key_variables = { "OPENHANDS_API_KEY", "OPENHANDS_CLOUD_API_KEY" }

local environment = {
  api_key = M.key_variables,
  session_api_key = { "SESSION_API_KEY" },
  base_url = { "OPENHANDS_BASE_URL" },
  api = { "OPENHANDS_API" },
  ca_file = { "SSL_CERT_FILE" },
}

local function from_environment(name)
  for _, variable in ipairs(environment[name] or {}) do
    local value = os.getenv(variable)
    if value and value ~= "" then
      return value, variable
    end
  end
end

local cloud_domains = { "all-hands.dev", "openhands.dev" }

-- Returns whether the service is self-hosted: only such servers get the session key of the environment.
local function is_self_hosted(base_url)
  local host = base_url:match "^[^:/]*://([^:/?#]*)" or ""
  host = "." .. core.lower(host):gsub("%.$", "")
  for _, domain in ipairs(cloud_domains) do
    if host:sub(-#domain - 1) == "." .. domain then
      return false
    end
  end
  return true
end

local function check_number(caller, name, value, rule)
  if value ~= value or value < rule.least then
    errors.raise(("%s: '%s' must be at least %s"):format(caller, name, tostring(rule.least)))
  elseif rule.most and value > rule.most then
    errors.raise(("%s: '%s' must be a number%s, at most %.0f"):format(caller, name, rule.unit or "", rule.most))
  elseif rule.is_whole and value % 1 ~= 0 then
    errors.raise(("%s: '%s' must be a whole number%s"):format(caller, name, rule.advice or ""))
  end
end

local function check(caller, name, value)
  local rule = known[name]
  local found = type(value)
  if not rule then
    errors.raise(("%s: unknown setting '%s'%s"):format(caller, tostring(name), spelling.hint(name, known)))
  elseif not rule.kind:find(found, 1, true) then
    errors.raise(("%s: '%s' must be a %s, not a %s"):format(caller, name, rule.kind, found))
  elseif rule.least then
    check_number(caller, name, value, rule)
  elseif name == "api" and value ~= "auto" and value ~= "v0" and value ~= "v1" then
    errors.raise(('%s: \'api\' must be "auto", "v0" or "v1"'):format(caller))
  end
end

local function to_stderr(message)
  io.stderr:write("openhands: ", message, "\n")
end

--- Returns all settings of a new client.
---@param given openhands.Settings?
---@return table settings, table origins where each came from: "call", the variable's name, or "default"
function M.of_client(given)
  local settings, origins = {}, {}
  if given ~= nil and type(given) ~= "table" then
    errors.raise("new: settings must be a table, not a " .. type(given))
  end
  for name, value in pairs(given or {}) do
    check("new", name, value)
    settings[name], origins[name] = value, "call"
  end
  for name in pairs(known) do
    if settings[name] == nil then
      settings[name], origins[name] = from_environment(name)
    end
    if settings[name] == nil then
      settings[name], origins[name] = defaults[name], "default"
    end
  end
  check(origins.api, "api", settings.api)
  if origins.session_api_key ~= "call" and not is_self_hosted(settings.base_url) then
    settings.session_api_key = nil
  end
  settings.__index = settings -- calls fall back on it
  settings.user_agent = (settings.user_agent and settings.user_agent .. " " or "") .. PRODUCT
  if settings.log == nil and os.getenv("OPENHANDS_LOG") == "debug" then
    settings.log = to_stderr
  end
  return settings, origins
end

-- Returns a hint that names the option that was probably meant.
local function hint_of_call(name, own)
  local names = {}
  for each, rule in pairs(known) do
    names[each] = rule.per_call
  end
  for each in pairs(own or {}) do
    names[each] = true
  end
  return spelling.hint(name, names)
end

--- Returns the message about an option of a call that stands among its fields; nil if it is no option.
---@param caller string name of the call
---@param name string
---@param own table<string, boolean> names of further options of this call
---@return string?
function M.misplaced(caller, name, own)
  local is_option = own[name] or known[name] and known[name].per_call
  return is_option and ("%s: '%s' is an option, not a field; it belongs in the second table: %s({ … }, { %s = … })")
    :format(caller, name, caller, name) or nil
end

--- Returns the names of all settings.
---@return table<string, boolean>
function M.names()
  local names = {}
  for name in pairs(known) do
    names[name] = true
  end
  return names
end

--- Returns the settings of one call: those given for it, then the client's.
---@param settings table of the client
---@param caller string name of the call, for messages
---@param options table? as the user gave them
---@param own table? names of further options of this call
---@return table call
function M.of_call(settings, caller, options, own)
  if options == nil then
    return setmetatable({}, settings)
  elseif type(options) ~= "table" then
    errors.raise(("%s: options must be a table, not a %s"):format(caller, type(options)))
  end
  local call = { has_own_settings = true }
  for name, value in pairs(options) do
    if not (own and own[name]) then
      if known[name] and not known[name].per_call then
        errors.raise(("%s: '%s' belongs to a client; give it to openhands.new{...}"):format(caller, name))
      elseif not known[name] then
        errors.raise(("%s: unknown option '%s'%s"):format(caller, tostring(name), hint_of_call(name, own)))
      end
      check(caller, name, value)
      call[name] = value
    end
  end
  return setmetatable(call, settings)
end

return M
