--- Has errors speak of this command and its options, where the library speaks of its calls and settings.

local core = require "openhands.core"

local M = {}

local LONGEST_ID, LONGEST_VALUE = 128, 200 -- bytes
local SEND_WITH_RESUME = "wake it with `resume`, and give it the message there: conversation:resume { send = … }"

--- The variables for the key, the first of them first.
M.KEY_VARIABLES = { "OPENHANDS_API_KEY", "OPENHANDS_CLOUD_API_KEY" }

-- Returns the message with other words in place of some; nil if it does not have these.
local function replaced(message, words, others)
  local first, last = message:find(words, 1, true)
  return first and message:sub(1, first - 1) .. others .. message:sub(last + 1)
end

-- Returns the message for an error of a run without a key.
local function about_missing_key(err, service)
  return ("%s: there is no API key: log in with `openhands-lua login`, or put a key into %s (keys are made at "
    .. "%s/settings/api-keys); `openhands-lua simulate` works without an account"):format(err.operation,
    M.KEY_VARIABLES[1], (service:gsub("/*$", "", 1)))
end

-- What the library advises, and what this command does. The first that is found counts.
local phrases = {
  { "check the network and base_url", "check the network and --base-url" },
  { "check base_url and api", "check --base-url and --api" },
  { "check base_url and the certificates (ca_file)", "check --base-url and the certificates (variable SSL_CERT_FILE)" },
  { "check base_url", "check --base-url" },
}

-- Returns the message for an error whose advice names calls or settings of the library; nil for any other.
local function about_options(err)
  local id = core.redact_line(tostring(err.conversation_id), LONGEST_ID)
  local message = replaced(err.message, SEND_WITH_RESUME,
    ("wake it with the message: `openhands-lua resume %s --send TEXT`"):format(id))
  for _, each in ipairs(phrases) do
    message = message or replaced(err.message, each[1], each[2])
  end
  return message
end

--- Changes the message of an error, in place, where a user of this command can do something else about it.
---@param err openhands.Error
---@param service string its address
---@param has_key fun(): any whether this run has a key
---@return string? more a further line
function M.give(err, service, has_key)
  if err.kind == "authentication" and err.effect == "none" and not has_key() then
    err.message = about_missing_key(err, service)
  else
    err.message = about_options(err) or err.message
  end
  if err.kind == "ambiguous" and err.operation == "start" and err.conversation_id then
    return ("openhands-lua: it may have been started: repeat the command with --id %s --resume"):format(
      err.conversation_id)
  end
end

local options = { base_url = "--base-url", organization = "--organization" }

--- Returns the message of a mistake that the library has raised, with the option or variable that holds it, and its
--- value.
---@param message string
---@param arguments table what was given, by name
---@return string
function M.of_mistake(message, arguments)
  local setting, words = message:match "^openhands%.new: ([a-z_]+) (.*)$"
  local reason, variable = (words or ""):match "^(.*) %(from ([A-Z_]+)%)$"
  local value = variable and os.getenv(variable) or setting and arguments[setting]
  local place = variable or options[setting]
  if not value or not place then
    return message
  end
  return ("%s: '%s' %s"):format(place, core.redact_line(value, LONGEST_VALUE), reason or words)
end

return M
