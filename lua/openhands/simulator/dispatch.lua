--- Routes a request to its handler: checks credentials and throttles, and answers unknown paths as the service does.
local account = require "openhands.simulator.model.account"
local responses = require "openhands.simulator.http.responses"
local routes = require "openhands.simulator.handler.routes"
local sandbox_proxy = require "openhands.simulator.sandbox_proxy"
local throttling = require "openhands.simulator.model.throttling"
local uuid = require "openhands.simulator.encoding.uuid"

local unauthorized = require("openhands.simulator.model.options").unauthorized

local M = {}

local function read_query(text)
  local query = {}
  for pair in (text or ""):gmatch("[^&]+") do
    local name, value = pair:match("^([^=]*)=?(.*)$")
    name, value = routes.unescape(name:gsub("%+", " ")), routes.unescape(value:gsub("%+", " "))
    query[name] = query[name] or {}
    table.insert(query[name], value)
  end
  return query
end

local dialects = {
  { name = "v1", routes = routes.compile(require "openhands.simulator.v1") },
  { name = "v0", routes = routes.compile(require "openhands.simulator.v0") },
}

-- Returns the route of a method and path with its captures, or nil and the other methods of the path.
local function find(api, method, path)
  local methods = {}
  for _, dialect in ipairs(dialects) do
    if api == "both" or api == dialect.name then
      local route, captures = routes.find(dialect.routes, method, path, methods)
      if route then
        return route, captures
      end
    end
  end
  return nil, methods
end

local function credential(headers)
  local bearer = headers.authorization and headers.authorization:match("^Bearer (.+)$")
  local key = bearer or headers["x-session-api-key"] or headers["x-access-token"]
  return key ~= "" and key or nil
end

local function refuse_key(model, headers)
  if not account.accepts_key(model, credential(headers)) then
    return responses.json(401, unauthorized[model.options.unauthorized])
  end
  local organization = headers["x-org-id"]
  if not organization then
    return nil
  end
  if not uuid.parse(organization) then
    return responses.detail(400, "Invalid X-Org-Id header (must be a UUID)")
  end
  if not account.accepts_organization(model, organization) then
    return responses.detail(403, "API key is not authorized for this organization")
  end
end

-- With the option `spa`, a GET or HEAD without a route gets the page of the web application. Other methods get 405.
local function respond_to_unknown(call, options, methods)
  if options.spa then
    if call.method == "GET" or call.method == "HEAD" then
      return responses.web_page()
    end
    return responses.detail(405, "Method Not Allowed")
  end
  if #methods > 0 then
    return responses.method_not_allowed(methods)
  end
  local slashless = call.path:match("^(.+)/$")
  if slashless and find(options.api, call.method, slashless) then
    return responses.raw(307, "text/plain", "", { { "Location", call.address .. slashless } })
  end
  return responses.detail(404, "Not Found")
end

local no_cache = {
  { "Cache-Control", "no-cache, no-store, must-revalidate, max-age=0" }, { "Pragma", "no-cache" }, { "Expires", "0" },
}

-- Refuses a request without a credential before all other checks, but checks the credential itself only once a route is
-- found. Open routes need no credential.
local function respond_to_route(model, call)
  local route, captures = find(model.options.api, call.method, call.path)
  local open = route and route.open
  if not open and not credential(call.headers) then
    return responses.json(401, unauthorized.credentials)
  end
  local throttled = throttling.take(model, call)
  if throttled then
    return throttled
  end
  if not route then
    return respond_to_unknown(call, model.options, captures)
  end
  return not open and refuse_key(model, call.headers) or route.handler(model, call, captures[1], captures[2])
end

-- The bodies of health checks, by path. They need no credential.
local health_checks = {
  ["/saas"] = { saas = true }, ["/alive"] = { status = "ok" }, ["/health"] = "OK", ["/ready"] = "OK",
  ["/server_info"] = { uptime = 3600.5, idle_time = 0.5, resources = { memory_bytes = 536870912 } },
}

local function respond(model, request)
  local call = {
    method = request.method, path = request.path, query = read_query(request.query),
    headers = request.headers or {}, body = request.body or "",
    address = request.address or "https://simulator.example",
  }
  local health = call.method == "GET" and health_checks[call.path]
  if health then
    return responses.json(200, health)
  end
  if call.path:match("^/runtime/") then
    return sandbox_proxy.respond(model, call)
  end
  local is_known = call.path:match("^/api/") or find(model.options.api, call.method, call.path)
  if not is_known then
    return respond_to_unknown(call, model.options, {})
  end
  local response = respond_to_route(model, call)
  for _, header in ipairs(no_cache) do
    table.insert(response.headers, header)
  end
  return response
end

--- Returns the response to a request. A response to HEAD announces the length of its body, but does not have it.
---@param model openhands.simulator.Model
---@param request openhands.simulator.Request
---@return openhands.simulator.Response
function M.respond(model, request)
  local response = respond(model, request)
  if request.method == "HEAD" then
    response.length, response.body = #response.body, ""
  end
  return response
end

return M
