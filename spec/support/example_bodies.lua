--- A service that answers with the documented example bodies. They are stored outside this project.
local json_spans = require "spec.support.json_spans"
local in_process = require "spec.support.in_process"
local canary = require "spec.support.canary"

local M = {}

local FOLDER = "../shared/api/examples/"

--- The id of the conversation that most of them are about.
M.ID = "7f3b9a1c2d4e4f60a1b2c3d4e5f60718"

-- The requests, and the example that answers each unless a spec has another one.
local routes = {
  { "POST", "/api/v1/app%-conversations$", "v1_start_200.json" },
  { "GET", "/api/v1/app%-conversations$", "v1_conversations_get_200.json" },
  { "GET", "/start%-tasks$", "v1_start_tasks_ready_200.json" },
  { "GET", "/start%-tasks/search$", "v1_start_tasks_search_200.json" },
  { "GET", "/start%-tasks/count$", "v1_start_tasks_count_200.json" },
  { "GET", "/app%-conversations/search$", "v1_conversations_search_last_200.json" },
  { "GET", "/app%-conversations/count$", "v1_conversations_count_200.json" },
  { "PATCH", "/app%-conversations/[^/]+$", "v1_conversation_patch_200.json" },
  { "DELETE", "/app%-conversations/[^/]+$", "v1_conversation_delete_200.json" },
  { "POST", "/send%-message$", "v1_send_message_200.json" },
  { "POST", "/pending%-messages$", "v1_pending_message_201.json" },
  { "GET", "/api/v1/conversation/[^/]+/events/search$", "v1_events_search_200.json" },
  { "GET", "/api/v1/conversation/[^/]+/events/count$", "v1_events_count_200.json" },
  { "GET", "/api/v1/conversation/[^/]+/events$", "v1_events_batch_200.json" },
  { "GET", "/app%-conversations/[^/]+/file$", "v1_file_200.json" },
  { "GET", "/app%-conversations/[^/]+/git/changes$", "v1_git_changes_200.json" },
  { "GET", "/app%-conversations/[^/]+/git/diff$", "v1_git_diff_200.json" },
  { "GET", "/app%-conversations/[^/]+/skills$", "v1_skills_200.json" },
  { "GET", "/app%-conversations/[^/]+/hooks$", "v1_hooks_200.json" },
  { "GET", "/sandboxes$", "v1_sandboxes_get_200.json" },
  { "GET", "/sandboxes/search$", "v1_sandboxes_search_200.json" },
  { "POST", "/sandboxes/[^/]+/pause$", "v1_sandbox_pause_200.json" },
  { "POST", "/sandboxes/[^/]+/resume$", "v1_sandbox_pause_200.json" },
  { "GET", "/sandbox%-specs/search$", "v1_sandbox_specs_search_200.json" },
  { "GET", "/api/v1/secrets/search$", "v1_secrets_search_200.json" },
  { "POST", "/api/v1/secrets$", "v1_secret_create_201.json" },
  { "GET", "/users/me$", "v1_users_me_200.json" },
  { "GET", "/api/keys/current$", "v1_keys_current_200.json" },
  { "GET", "/git/repositories/search$", "v1_repositories_search_200.json" },
  { "GET", "/git/branches/search$", "v1_branches_search_200.json" },
  { "POST", "/oauth/device/authorize$", "v1_device_authorize_200.json" },
  { "POST", "/oauth/device/token$", "v1_device_token_pending_400.json" },
  { "GET", "/agent_final_response$", "agent_final_response_200.json" },
  { "GET", "^/api/conversations/[^/]+/events/search$", "agent_events_search_200.json" },
  { "POST", "/execute_bash_command$", "agent_bash_execute_200.json" },
  { "POST", "^/api/conversations/[^/]+/run$", "agent_error_409_running.json" },
  { "POST", "^/api/conversations$", "v0_start_200.json" },
  { "GET", "^/api/conversations$", "v0_conversations_list_200.json" },
  { "GET", "^/api/conversations/[^/]+$", "v0_conversation_running_200.json" },
  { "PATCH", "^/api/conversations/[^/]+$", "v0_delete_200.json" },
  { "DELETE", "^/api/conversations/[^/]+$", "v0_delete_200.json" },
  { "POST", "^/api/conversations/[^/]+/stop$", "v0_stop_200.json" },
  { "POST", "^/api/conversations/[^/]+/start$", "v0_start_200.json" },
  { "GET", "^/api/conversations/[^/]+/events$", "v0_events_200.json" },
}

--- Returns the bytes of an example, nil if it is not there.
---@param name string
---@return string?
function M.read(name)
  local file = io.open(FOLDER .. name)
  local text = file and file:read "*a"
  if file then
    file:close()
  end
  return text
end

--- Returns the HTTP status of each example by its name; nil, after a line on stderr, if there are no examples.
---@return table<string, integer>?
function M.statuses()
  local index = M.read "INDEX.md"
  if not index then
    io.stderr:write(("skipped: there are no example bodies in %s\n"):format(FOLDER))
    return nil
  end
  local statuses = {}
  for name, status in index:gmatch "\n| ([%w_.]+) | (%d+) |" do
    statuses[name] = tonumber(status)
  end
  return statuses
end

local types = { json = "application/json", html = "text/html; charset=utf-8", txt = "text/plain" }

local function answer(name, status, body)
  return {
    status = status,
    headers = { { "Content-Type", types[name:match "%.(%a+)$"] } },
    body = body or assert(M.read(name), name),
  }
end

local known = {} -- answers that do not change

local function default_answer(name, statuses)
  known[name] = known[name] or answer(name, statuses[name])
  return known[name]
end

local function route_of(request)
  for _, route in ipairs(routes) do
    if request.method == route[1] and request.path:find(route[2]) then
      return route
    end
  end
end

local function json(body) return { status = 200, headers = { { "Content-Type", types.json } }, body = body } end

-- The example has events in the order in which they happened; some requests ask for the latest first.
local function in_order(request, good)
  if request.query:find("TIMESTAMP_DESC", 1, true) or request.query:find("reverse=true", 1, true) then
    local body = json_spans.reverse_list(json_spans.reverse_list(good.body, "items"), "events")
    return { status = good.status, headers = good.headers, body = body }
  end
  return good
end

local MOST_REQUESTS = 1000 -- of one call; a call that sends more would never stop

--- Returns a client and the list of its requests. Its service answers one kind of request with the example of the case,
--- and all others with their usual examples. `requests.hit` tells whether the example of the case was sent. Collections
--- end with their first page, or lead back to it.
---@param case { file: string, instead_of: string, api: string, body: string?, in_circles: boolean? }
--- `instead_of`: the usual example of that request; `body`: instead of what is in the file
---@param statuses table<string, integer>
---@return openhands.Client client, table requests
function M.client(case, statuses)
  local special = answer(case.file, statuses[case.file], case.body)
  local client, requests
  client, requests = in_process.scripted(function(request, count)
    local route = route_of(request)
    if not route then
      return { status = 404, headers = { { "Content-Type", types.json } }, body = '{"detail":"Not Found"}' }
    elseif count > MOST_REQUESTS then
      error "asks without end"
    elseif not case.in_circles and request.query:find("page_id=", 1, true) then
      return json '{"items":[],"results":[],"next_page_id":null}'
    elseif route[3] == "v1_conversations_get_200.json" and not request.query:gsub("-", ""):find(M.ID, 1, true) then
      return json "[null]"
    elseif route[3] == case.instead_of then
      requests.hit = true
      return in_order(request, special)
    end
    return in_order(request, default_answer(route[3], statuses))
  end, { api_key = canary.key, api = case.api, retries = 0, grace = 3, deadline = 60 })
  return client, requests
end

return M
