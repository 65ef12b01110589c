--- From a request to the operation that answers it: credentials, limits, paths, and what the service says to a path it
--- does not know, which is the surprising part.
local identifiers = require "openhands.simulator.identifiers"
local limits = require "openhands.simulator.limits"
local reply = require "openhands.simulator.reply"

local M = {}

local function unescape(text)
  return (text:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

local function read_query(text)
  local query = {}
  for pair in (text or ""):gmatch("[^&]+") do
    local name, value = pair:match("^([^=]*)=?(.*)$")
    name, value = unescape(name:gsub("%+", " ")), unescape(value:gsub("%+", " "))
    query[name] = query[name] or {}
    table.insert(query[name], value)
  end
  return query
end

local function compile(routes)
  for _, route in ipairs(routes) do
    local pattern = route.path:gsub("[%-%.]", "%%%0"):gsub("{[%w_]+}", "([^/]+)")
    route.pattern = "^" .. pattern .. "$"
  end
  return routes
end

local dialects = {
  { "v1", compile(require "openhands.simulator.v1") },
  { "v1", compile(require "openhands.simulator.sandboxes") },
  { "v0", compile(require "openhands.simulator.v0") },
}

-- The route for a method and path, else the methods that the path has.
local function find(api, method, path)
  local methods = {}
  for _, dialect in ipairs(dialects) do
    if api == "both" or api == dialect[1] then
      for _, route in ipairs(dialect[2]) do
        local first, second = path:match(route.pattern)
        if first and route.method == method then return route, { unescape(first), second and unescape(second) } end
        if first then methods[#methods + 1] = route.method end
      end
    end
  end
  return nil, methods
end

--- How the service words a refused credential, by the names of the option `unauthorized`.
M.unauthorized_forms = {
  credentials = { error = "NoCredentialsError" },
  bearer = { error = "BearerTokenError" },
  expired = { error = "ExpiredError" },
  auth = { error = "Invalid authentication token" },
  detail = { detail = "Not authenticated" },
  string = "AuthenticationError",
}

local function credential(headers)
  local bearer = headers.authorization and headers.authorization:match("^Bearer (.+)$")
  local key = bearer or headers["x-session-api-key"] or headers["x-access-token"]
  return key ~= "" and key or nil
end

local function includes(list, value)
  for _, candidate in ipairs(list) do
    if candidate == value then return true end
  end
  return false
end

local function refuse_key(options, headers)
  if options.keys and not includes(options.keys, credential(headers)) then
    return reply.json(401, M.unauthorized_forms[options.unauthorized])
  end
  local organization = headers["x-org-id"]
  if not organization then return nil end
  if not identifiers.uuid(organization) then
    return reply.detail(400, "Invalid X-Org-Id header (must be a UUID)")
  end
  if options.organizations and not includes(options.organizations, organization) then
    return reply.detail(403, "API key is not authorized for this organization")
  end
end

-- With the web application mounted at `/`, it answers every GET that no operation answers, and refuses the rest.
local function answer_unknown(call, options, methods)
  if options.spa then
    if call.method == "GET" or call.method == "HEAD" then return reply.web_page() end
    return reply.detail(405, "Method Not Allowed")
  end
  if #methods > 0 then return reply.detail(405, "Method Not Allowed", { { "Allow", table.concat(methods, ", ") } }) end
  local slashless = call.path:match("^(.+)/$")
  if slashless and find(options.api, call.method, slashless) then
    return reply.raw(307, "text/plain", "", { { "Location", call.address .. slashless } })
  end
  return reply.detail(404, "Not Found")
end

local no_cache = {
  { "Cache-Control", "no-cache, no-store, must-revalidate, max-age=0" }, { "Pragma", "no-cache" }, { "Expires", "0" },
}

local function answer_api(model, call)
  if not credential(call.headers) then
    return reply.json(401, M.unauthorized_forms.credentials)
  end
  local throttled = limits.take(model, call)
  if throttled then return throttled end
  local route, captures = find(model.options.api, call.method, call.path)
  if not route then return answer_unknown(call, model.options, captures) end
  return refuse_key(model.options, call.headers) or route.answer(model, call, captures[1], captures[2])
end

--- Answers a request.
---@param model openhands.simulator.Model
---@param request table as `model:request` takes it
---@return { status: integer, headers: table[], body: string }
function M.answer(model, request)
  local call = {
    method = request.method, path = request.path, query = read_query(request.query),
    headers = request.headers or {}, body = request.body or "", address = request.address or "http://127.0.0.1",
  }
  if call.path == "/saas" or call.path == "/alive" then
    return reply.json(200, call.path == "/saas" and { saas = true } or { status = "ok" })
  end
  if not call.path:match("^/api/") then return answer_unknown(call, model.options, {}) end
  local response = answer_api(model, call)
  for _, header in ipairs(no_cache) do table.insert(response.headers, header) end
  return response
end

return M
