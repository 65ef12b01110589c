--- Clients with a canary as their API key, and the search for this key in all places where it must not appear: values,
--- errors, the log, requests to another server.
local openhands = require "openhands"

local M = {}

--- The key of every client made here. It may appear only in requests to the service.
M.key = "sk-canary-5f2c91d7e0ab"

local logged = {}

--- Returns a client of a server, without back-off and with milliseconds of grace. Its log is searched, too.
---@param server { address: string }
---@param settings table?
---@return openhands.Client
function M.client(server, settings)
  local given = {
    base_url = server.address,
    api_key = M.key,
    grace = 0.02,
    random = function() return 0 end,
    log = function(line) logged[#logged + 1] = line end,
  }
  for name, value in pairs(settings or {}) do given[name] = value end
  return openhands.new(given)
end

local function collect(value, texts, seen)
  if type(value) == "string" then
    texts[#texts + 1] = value
  elseif type(value) == "table" and not seen[value] then
    seen[value] = true
    texts[#texts + 1] = tostring(value)
    for name, item in pairs(value) do
      collect(name, texts, seen)
      collect(item, texts, seen)
    end
  elseif type(value) == "userdata" then
    texts[#texts + 1] = tostring(value)
  end
end

--- Fails if the key (or another secret) appears in a value, in anything inside it, or in a line of the log.
---@param value any
---@param secret string? default: the key
function M.assert_no_secret(value, secret)
  local texts = {}
  collect(value, texts, {})
  collect(logged, texts, {})
  for _, text in ipairs(texts) do
    if text:find(secret or M.key, 1, true) then error("the secret stands in: " .. text, 2) end
  end
end

--- Empties the log.
function M.forget_log() logged = {} end

--- Returns the lines of the log so far.
---@return string[]
function M.log() return logged end

-- Requests that a sandbox sends to the service with its own session key.
local FROM_SANDBOXES = "^/api/v1/sandboxes/[^/]+/settings/secrets"

--- Fails if a request to the simulator's model carried the wrong key. The account's key may go only to the service, and
--- a session key only to the server that it opens.
---@param model openhands.simulator.Model
function M.assert_keys_apart(model)
  if model.leaks[1] then
    error("the account's key went to a sandbox: " .. model.leaks[1].path, 2)
  end
  for _, request in ipairs(model.requests) do
    local takes_session_key = request.path:find("^/runtime/") or request.path:find(FROM_SANDBOXES)
    if request.headers["x-session-api-key"] and not takes_session_key then
      error("a session key went to the service: " .. request.path, 2)
    end
  end
end

return M
