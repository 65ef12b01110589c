--- From a request to the operation that answers it: credentials, limits, paths, and what the service says to a path it
--- does not know, which is the surprising part.
local account = require "openhands.simulator.model.account"
local identifiers = require "openhands.simulator.encoding.uuid"
local limits = require "openhands.simulator.model.limits"
local reply = require "openhands.simulator.http.response"
local routes = require "openhands.simulator.handler.routes"
local runtime = require "openhands.simulator.sandbox_proxy"

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
  { "v1", routes.compile(require "openhands.simulator.v1.start") },
  { "v1", routes.compile(require "openhands.simulator.v1.conversations") },
  { "v1", routes.compile(require("openhands.simulator.v1.events").routes) },
  { "v1", routes.compile(require "openhands.simulator.v1.messages") },
  { "v1", routes.compile(require "openhands.simulator.v1.workspace") },
  { "v1", routes.compile(require "openhands.simulator.v1.account") },
  { "v1", routes.compile(require "openhands.simulator.v1.settings") },
  { "v1", routes.compile(require "openhands.simulator.v1.secrets") },
  { "v1", routes.compile(require "openhands.simulator.v1.git") },
  { "v1", routes.compile(require "openhands.simulator.v1.catalogue") },
  { "v1", routes.compile(require "openhands.simulator.v1.shared") },
  { "v1", routes.compile(require "openhands.simulator.v1.sandboxes") },
  { "v1", routes.compile(require "openhands.simulator.v1.device_login") },
  { "v0", routes.compile(require "openhands.simulator.v0") },
}

-- The route for a method and path, else the methods that the path has.
local function find(api, method, path)
  local methods = {}
  for _, dialect in ipairs(dialects) do
    if api == "both" or api == dialect[1] then
      local route, captures = routes.find(dialect[2], method, path, methods)
      if route then return route, captures end
    end
  end
  return nil, methods
end

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

local function refuse_key(model, headers)
  local options = model.options
  if not account.accepts(model, credential(headers)) then
    return reply.json(401, unauthorized[options.unauthorized])
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

-- An open operation looks after itself. Everything else wants some credential before anything is looked at, and a good
-- one only when an operation is found.
local function answer_operation(model, call)
  local route, captures = find(model.options.api, call.method, call.path)
  local open = route and route.open
  if not open and not credential(call.headers) then return reply.json(401, unauthorized.credentials) end
  local throttled = limits.take(model, call)
  if throttled then return throttled end
  if not route then return answer_unknown(call, model.options, captures) end
  return not open and refuse_key(model, call.headers) or route.answer(model, call, captures[1], captures[2])
end

-- Whoever watches over the service asks these, without a credential.
local open_answers = {
  ["/saas"] = { saas = true }, ["/alive"] = { status = "ok" }, ["/health"] = "OK", ["/ready"] = "OK",
  ["/server_info"] = { uptime = 3600.5, idle_time = 0.5, resources = { memory_bytes = 536870912 } },
}

--- Answers a request.
---@param model openhands.simulator.Model
---@param request table as `model:request` takes it
---@return openhands.simulator.Answer
function M.answer(model, request)
  local call = {
    method = request.method, path = request.path, query = read_query(request.query),
    headers = request.headers or {}, body = request.body or "",
    address = request.address or "https://simulator.example",
  }
  local open_answer = call.method == "GET" and open_answers[call.path]
  if open_answer then return reply.json(200, open_answer) end
  if call.path:match("^/runtime/") then return runtime.answer(model, call) end
  local is_known = call.path:match("^/api/") or find(model.options.api, call.method, call.path)
  if not is_known then return answer_unknown(call, model.options, {}) end
  local response = answer_operation(model, call)
  for _, header in ipairs(no_cache) do table.insert(response.headers, header) end
  return response
end

return M
