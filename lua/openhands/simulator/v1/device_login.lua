--- Handles the device login: issues a code that a person confirms in a browser, and afterwards the token. Needs no
-- credential.
local account = require "openhands.simulator.model.account"
local json = require "openhands.simulator.encoding.json"
local responses = require "openhands.simulator.http.responses"
local routes = require "openhands.simulator.handler.routes"

local null = json.null

local expires_in, seconds_until_answer = 600, 10

-- Returns the seconds between two polls: a whole number, as in the service, scaled by `pace`.
local function interval_of(model)
  return math.max(1, math.ceil(5 * model.options.pace))
end

local function authorize(model, call)
  local number = account.next_number(model.account)
  local device = {
    code = ("SIMULATED-device-code-%d"):format(number), user_code = ("SIMU-%04d"):format(number % 10000),
    created_at = model:time(), interval = interval_of(model),
  }
  model.account.devices[device.code] = device
  local page = call.address .. "/oauth/device/verify"
  return responses.json(200, {
    device_code = device.code, user_code = device.user_code, verification_uri = page,
    verification_uri_complete = page .. "?user_code=" .. device.user_code, expires_in = expires_in,
    interval = device.interval,
  })
end

local function refuse(problem, description, interval)
  return responses.json(400, { error = problem, error_description = description, interval = interval })
end

local function form_field(call, name)
  for field, value in call.body:gmatch("([^&=]+)=([^&]*)") do
    if field == name then
      return routes.unescape((value:gsub("%+", " ")))
    end
  end
end

local function token(model, call)
  local code = form_field(call, "device_code")
  if not code then
    return responses.missing("body", "device_code")
  end
  local device = model.account.devices[code]
  if not device then
    return refuse("invalid_grant", "Invalid device code")
  end
  local now, asked = model:time(), device.asked_at
  local age = now - device.created_at
  device.asked_at = now
  if age >= expires_in then
    return refuse("expired_token", "The device code has expired")
  end
  if asked and now - asked < device.interval * 0.9 then
    device.interval = device.interval + 5
    return refuse("slow_down", "Polling too fast", device.interval)
  end
  local outcome = model.options.device_login
  if outcome == "ignored" or age < seconds_until_answer * model.options.pace then
    return refuse("authorization_pending", "User has not yet completed authorization")
  elseif outcome == "denied" then
    return refuse("access_denied", "User denied the authorization request")
  end
  model.account.devices[code] = nil
  return responses.json(200, { access_token = account.issue(model.account, "device-key"), token_type = "Bearer",
    expires_in = null })
end

return {
  { method = "POST", path = "/oauth/device/authorize", handler = authorize, open = true },
  { method = "POST", path = "/oauth/device/token", handler = token, open = true },
}
