--- The options of the model: names, defaults and allowed values.
local script = require "openhands.simulator.model.script"
local timestamps = require "openhands.simulator.encoding.timestamps"

local M = {}

--- How the pages of a list behave: "plain"; "empty" (an empty page before each page but the first); "repeat" and
-- "stuck" (every page but the first names itself as the next one, once or always); "overlap" (every page begins with
-- the last item of the one before).
---@alias openhands.simulator.PageBehavior "plain"|"empty"|"repeat"|"stuck"|"overlap"

---@class openhands.simulator.Options
---@field api? "both"|"v0"|"v1" the dialects that the service answers (default "both")
---@field pace? number scales all durations; at 1 (default) a conversation takes 60 s
---@field outcome? string the end of each conversation whose prompt does not contain `[simulate: NAME]`: finished
--- (default), error, rejected (V0), stuck, waiting, budget, paused, missing, idle, slow, flap, unknown, start-error,
--- start-limit, start-repository, never-ready; see doc/simulator.md
---@field max_concurrent? integer|false limit of concurrent V1 conversations (default false: none)
---@field limit_mode? "pause"|"refuse" beyond that limit, pause the oldest sandbox (default) or refuse the start
---@field keys? string[]|false valid API keys, besides those that the simulator issues; false (default): any
---@field organizations? string[]|false valid `X-Org-Id` values; false (default): any UUID
---@field unauthorized? "credentials"|"bearer"|"expired"|"auth"|"detail"|"string" form of the 401 for an invalid key
---@field client_ids? boolean false: ignore `conversation_id` in a V1 start, as old servers do (default true)
---@field visibility? number seconds before searches and lookups show a new conversation, in both dialects, or its start
--- task (default 0)
---@field require_message? boolean refuse a V0 start without a message with 400 (default false)
---@field old? boolean answer as older servers do: shorter responses; in V1, an existing secret is not replaced (default
--- false)
---@field spa? boolean answer unknown paths as the web application does: GET with its page, other methods with 405
--- (default true)
---@field event_count? integer number of generated events before the first event of a new V1 conversation (default 0)
---@field event_lag? number seconds before the service shows a V1 event, which the agent server shows at once
--- (default 0)
---@field event_pages? openhands.simulator.PageBehavior how the pages of V1 events behave, except those of the agent
--- server (default "plain")
---@field list_pages? openhands.simulator.PageBehavior how the pages of all other lists behave, except V0 events and the
--- lists of the agent server (default "plain")
---@field agent_files? table<string, string> texts that the agent leaves in each workspace, by path (default none)
---@field download_bytes? integer|false size of every archive that V1 sends of a conversation (default false: its true
--- content)
---@field download_length? boolean announce the size of such an archive as Content-Length (default false: chunked)
---@field download_busy? boolean refuse every download of such an archive with 409 (default false)
---@field repository_count? integer number of repositories of the account (default 5)
---@field git_providers? string[] providers that the account is connected to (default `{ "github" }`)
---@field conversation_runtime? "local"|"docker" the place that agent servers name for commands, files and git: "local"
--- (default): the server itself; "docker": a runtime of each conversation
---@field device_login? "granted"|"denied"|"ignored" result of a device login, ten seconds (times `pace`) after its
--- start (default "granted")
---@field epoch? number seconds since 1970 at virtual time 0 (default: a morning in August 2026; spawned: now)
---@field time? number virtual time at the start, in seconds (default 0)
---@field seed? integer changes the generated ids (default 1)
---@field max_requests? integer lowest number of past requests that the log keeps (default 10000)

M.defaults = {
  api = "both", spa = true, keys = false, organizations = false, unauthorized = "credentials", client_ids = true,
  visibility = 0, pace = 1, outcome = "finished", max_concurrent = false, limit_mode = "pause",
  require_message = false, old = false, epoch = timestamps.parse("2026-08-20T09:15:00Z"), time = 0, seed = 1,
  max_requests = 10000, event_count = 0, event_lag = 0, event_pages = "plain", list_pages = "plain",
  download_bytes = false, download_length = false, download_busy = false, repository_count = 5,
  git_providers = { "github" }, agent_files = {}, device_login = "granted", conversation_runtime = "local",
}

--- The body of a 401, by the value of the option `unauthorized`.
M.unauthorized = {
  credentials = { error = "NoCredentialsError" },
  bearer = { error = "BearerTokenError" },
  expired = { error = "ExpiredError" },
  auth = { error = "Invalid authentication token" },
  detail = { detail = "Not authenticated" },
  string = "AuthenticationError",
}

local page_behaviors = { plain = true, empty = true, ["repeat"] = true, stuck = true, overlap = true }

local allowed = {
  api = { both = true, v0 = true, v1 = true },
  limit_mode = { pause = true, refuse = true },
  unauthorized = M.unauthorized,
  outcome = script.outcomes,
  event_pages = page_behaviors, list_pages = page_behaviors,
  conversation_runtime = { ["local"] = true, docker = true },
  device_login = { granted = true, denied = true, ignored = true },
}

-- ---- checks --------------------------------------------------------------------------------------------------------

local MOST_PORT = 65535 -- the system takes a larger one modulo 65536

local function is_finite(value)
  return type(value) == "number" and value == value and value ~= math.huge and value ~= -math.huge
end

-- Returns a rule: a function that tells whether a value is allowed, and words for those that are.
local function number_from(least, is_whole)
  return {
    function(value)
      return is_finite(value) and (not least or value >= least) and (not is_whole or value % 1 == 0)
    end,
    (is_whole and "a whole number" or "a number") .. (least and ", at least " .. least or ""),
  }
end

local function or_false(rule)
  return { function(value) return value == false or rule[1](value) end, "false or " .. rule[2] }
end

-- Returns a rule for tables of texts, whose keys have a type.
local function texts_by(key_type, words)
  return {
    function(value)
      for key, text in pairs(type(value) == "table" and value or { false }) do
        if type(key) ~= key_type or type(text) ~= "string" then
          return false
        end
      end
      return true
    end,
    words,
  }
end

local function one_of(values)
  local names = {}
  for name in pairs(values) do
    names[#names + 1] = name
  end
  table.sort(names)
  return { function(value) return values[value] ~= nil end, "one of " .. table.concat(names, ", ") }
end

local boolean = { function(value) return type(value) == "boolean" end, "true or false" }
local count, seconds, texts = number_from(0, true), number_from(0), texts_by("number", "a list of texts")

local rules = {
  pace = seconds, visibility = seconds, event_lag = seconds, epoch = number_from(), time = number_from(),
  seed = number_from(nil, true), event_count = count, repository_count = count, max_requests = number_from(1, true),
  max_concurrent = or_false(count), download_bytes = or_false(count), keys = or_false(texts),
  organizations = or_false(texts), git_providers = texts, agent_files = texts_by("string", "a table of texts by name"),
  client_ids = boolean, require_message = boolean, old = boolean, spa = boolean, download_length = boolean,
  download_busy = boolean,
}
for name, values in pairs(allowed) do
  rules[name] = one_of(values)
end

local function words_of(value)
  local words = { string = '"' .. tostring(value) .. '"', table = "a table", ["function"] = "a function" }
  return words[type(value)] or tostring(value)
end

--- Tells what is wrong with options.
---@param changes table<any, any>
---@return string? problem
function M.problem_of(changes)
  for name, value in pairs(changes) do
    local rule = rules[name]
    if not rule then
      return "unknown option: " .. tostring(name)
    elseif not rule[1](value) then
      return ("%s must be %s, not %s"):format(name, rule[2], words_of(value))
    end
  end
end

--- Tells what is wrong with a port.
---@param port any
---@return string? problem
function M.problem_of_port(port)
  if not (is_finite(port) and port % 1 == 0 and port >= 0 and port <= MOST_PORT) then
    return ("port must be a whole number from 0 to %d, not %s"):format(MOST_PORT, words_of(port))
  end
end

--- Changes options. Raises, at the level of the caller's caller, on an unknown name or value.
---@param options table<string, any> changed in place
---@param changes openhands.simulator.Options
function M.change(options, changes)
  local problem = M.problem_of(changes)
  if problem then
    error(problem, 3)
  end
  for name, value in pairs(changes) do
    options[name] = value
  end
end

return M
