--- The options of the model: what they are called, what they may be, and what they are by default.
local paging = require "openhands.simulator.handler.paging"
local script = require "openhands.simulator.model.script"
local timestamps = require "openhands.simulator.encoding.timestamps"

local M = {}

---@class openhands.simulator.Options
---@field api? "both"|"v0"|"v1" which dialects exist (default "both")
---@field spa? boolean whether unknown GET paths are answered with the web page, as on the SaaS (default true)
---@field keys? string[]|false accepted API keys, besides those that the service has given out itself; false (default):
--- every non-empty one
---@field organizations? string[]|false accepted `X-Org-Id` values; false (default): every UUID
---@field unauthorized? "credentials"|"bearer"|"expired"|"auth"|"detail"|"string" form of the 401 for a wrong key
---@field client_ids? boolean false: an old server that ignores `conversation_id` in a V1 start (default true)
---@field visibility? number seconds during which a new V1 job is not shown by any search or look-up (default 0)
---@field pace? number scales how long everything takes; 1 (default): a conversation takes 60 s
---@field outcome? string outcome of every job whose prompt does not ask for another one as `[simulate: NAME]`: finished
--- (default), error, rejected (V0), stuck, waiting, budget, paused, missing, idle, slow, flap, unknown, start-error,
--- start-limit, start-repository, never-ready; script.lua says what they are
---@field max_concurrent? integer|false the account's limit (default: none)
---@field limit_mode? "pause"|"refuse" what happens beyond the limit (default "pause")
---@field require_message? boolean V0 only: a start without message is 400 (default false)
---@field old? boolean the shorter answers of older servers (default false)
---@field epoch? number seconds since 1970 at time 0 (default: a morning in August 2026)
---@field time? number virtual time at the beginning, in seconds (default 0)
---@field seed? integer makes other ids (default 1)
---@field max_requests? integer how many requests the log keeps at least (default 10000)
---@field event_count? integer made-up events that a new V1 conversation has before its own (default 0); they need no
--- memory, see history.lua
---@field event_lag? number seconds after which the service shows a V1 event that its agent server shows at once
--- (default 0; real ones take up to 30)
---@field event_pages? "plain"|"empty"|"repeat"|"stuck"|"overlap" how pages of events behave, see paging.lua
---@field list_pages? "plain"|"empty"|"repeat"|"stuck"|"overlap" how pages of all other lists behave
---@field download_bytes? integer|false every archive has this size (default: what is in it)
---@field download_length? boolean an archive is announced with its Content-Length (default false: in chunks)
---@field download_busy? boolean every download is refused with 409: another one is running (default false)
---@field repository_count? integer how many repositories the account sees (default 5)
---@field git_providers? string[] those that the account has connected (default github)
---@field conversation_runtime? "local"|"docker" whether agent servers run commands, and have files and git, themselves
--- (default), or in a runtime of each conversation
---@field device_login? "granted"|"denied"|"ignored" what becomes of a device login, after ten seconds (default granted)
M.defaults = {
  api = "both", spa = true, keys = false, organizations = false, unauthorized = "credentials", client_ids = true,
  visibility = 0, pace = 1, outcome = "finished", max_concurrent = false, limit_mode = "pause",
  require_message = false, old = false, epoch = timestamps.parse("2026-08-20T09:15:00Z"), time = 0, seed = 1,
  max_requests = 10000, event_count = 0, event_lag = 0, event_pages = "plain", list_pages = "plain",
  download_bytes = false, download_length = false, download_busy = false, repository_count = 5,
  git_providers = { "github" }, device_login = "granted", conversation_runtime = "local",
}

--- How the service words a refused credential, by the names of the option `unauthorized`.
M.unauthorized = {
  credentials = { error = "NoCredentialsError" },
  bearer = { error = "BearerTokenError" },
  expired = { error = "ExpiredError" },
  auth = { error = "Invalid authentication token" },
  detail = { detail = "Not authenticated" },
  string = "AuthenticationError",
}

local allowed = {
  api = { both = true, v0 = true, v1 = true },
  limit_mode = { pause = true, refuse = true },
  unauthorized = M.unauthorized,
  outcome = script.outcomes,
  event_pages = paging.manners, list_pages = paging.manners,
  conversation_runtime = { ["local"] = true, docker = true },
  device_login = { granted = true, denied = true, ignored = true },
}

--- Changes options. Raises, at the level of the caller's caller, where a name or a value is none.
---@param options table<string, any> changed in place
---@param changes openhands.simulator.Options
function M.change(options, changes)
  for name, value in pairs(changes) do
    if M.defaults[name] == nil then error("unknown option: " .. tostring(name), 3) end
    if allowed[name] and not allowed[name][value] then
      error(("option %s cannot be %s"):format(name, tostring(value)), 3)
    end
    options[name] = value
  end
end

return M
