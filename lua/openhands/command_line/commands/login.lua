--- `login`: gets a key through a login in the browser (OAuth device flow), and stores it for this user alone.

local exit_status = require "openhands.command_line.exit_status"
local openhands = require "openhands"
local sessions = require "openhands.command_line.session"
local stored_key = require "openhands.command_line.stored_key"
local text = require "openhands.command_line.text"

local M = {}

local USUAL_INTERVAL, LONGEST_INTERVAL = 5, 60 -- seconds between two questions
local USUAL_TIME = 600 -- seconds for which a code is valid

--- Adds the command.
---@param parser table of argparse
---@return table command
function M.define(parser)
  local command = parser:command("login", "Log in with the browser, and store a key that only you can read.")
  command:mutex(
    command:flag("--from-stdin", "Store the key that is the first line of standard input, without a browser."),
    command:flag("--forget", "Remove the stored key of this service.")
  )
  return command
end

local function number(value, usual, most)
  return type(value) == "number" and value > 0 and math.min(value, most) or usual
end

local pending = { authorization_pending = true, slow_down = true }
local ended = {
  expired_token = "the code has expired: log in again",
  access_denied = "the login was denied in the browser",
  invalid_grant = "the service does not know the code any more: log in again",
}

-- Returns the word with which the service answers while there is no key.
local function word_of(err)
  local word = type(err.detail) == "table" and err.detail.error
  return type(word) == "string" and word or nil
end

-- Asks until the person has confirmed in the browser. Returns the key, or an error.
local function await_key(client, code)
  local interval = number(code.interval, USUAL_INTERVAL, LONGEST_INTERVAL)
  local left = number(code.expires_in, USUAL_TIME, 3600)
  while left > 0 do
    client:sleep(interval)
    left = left - interval
    local answer, err = client.device:token { device_code = code.device_code }
    if answer then
      return answer.access_token
    end
    local word = word_of(err)
    if ended[word] then
      sessions.refuse("login: " .. ended[word])
    elseif word == "slow_down" then
      interval = number(err.detail.interval, interval + 5, LONGEST_INTERVAL)
    elseif not pending[word] and not err.retryable then
      return nil, err
    end
  end
  sessions.refuse "login: the time for the login is over: log in again"
end

-- Gets a key through the browser.
local function log_in(session)
  local client = openhands.new { base_url = session.arguments.base_url, api = "v1" }
  local code, err = client.device:authorize()
  if not code then
    return nil, err
  end
  local address = code.verification_uri_complete or code.verification_uri
  session.output:warn(("Open %s\nand confirm the code %s"):format(text.line(address), text.line(code.user_code)))
  local key
  key, err = await_key(client, code)
  client:close()
  if not err and (type(key) ~= "string" or key == "" or key:find "[^\33-\126]") then
    sessions.refuse "login: the service sent no usable key"
  end
  return key, err
end

-- Has an error speak of this command and its options, not of the call of the library.
local function explain(err)
  local words = err.message:gsub("^device%.[a-z]+: ", "login: ", 1)
  if err.kind == "connect" then
    words = words .. ", or store a key that you have: `openhands-lua login --from-stdin`"
  end
  err.message = words
  return err
end

--- Runs the command.
---@param session openhands.CommandSession
---@return integer exit_status
function M.run(session)
  local arguments, key = session.arguments, nil
  local obstacle = stored_key.problem()
  if obstacle then -- a login in the browser would be in vain
    sessions.refuse("login: " .. obstacle)
  end
  if arguments.from_stdin then
    key = (io.stdin:read "*l" or ""):gsub("^[ \t]+", ""):gsub("[ \t\r]+$", "")
    if key == "" or key:find "[^\33-\126]" then
      sessions.refuse "login: standard input holds no usable key"
    end
  elseif not arguments.forget then
    local err
    key, err = log_in(session)
    if not key then
      return session:fail(explain(err))
    end
  end
  session.output:hide(key)
  if not key and not stored_key.read(session:service()) then
    session.output:record { service = session:service(), path = stored_key.path(), stored = false }
    session:say("There is no stored key of %s.", text.line(session:service()))
    return exit_status.OK
  end
  local path, problem = stored_key.write(session:service(), key)
  if not path then
    sessions.refuse("login: " .. problem)
  end
  session.output:record { service = session:service(), path = path, stored = key ~= nil }
  session:say(key and "The key is stored in %s." or "The key is removed from %s.", path)
  local variable = key and sessions.key_variable()
  if variable then
    session:say("The variable %s is set: its key is used, not the stored one, until you unset it.", variable)
  end
  return exit_status.OK
end

return M
