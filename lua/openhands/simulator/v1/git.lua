--- Handles searches of the account's git providers: installations, repositories, branches, suggested tasks.
local json = require "openhands.simulator.encoding.json"
local lists = require "openhands.simulator.lists"
local paging = require "openhands.simulator.handler.paging"
local responses = require "openhands.simulator.http.responses"
local schemas = require "openhands.simulator.v1.schemas"
local validation = require "openhands.simulator.handler.validation"

local null = json.null

local provider = { kind = "enum", required = true, values = schemas.providers }
local few = { kind = "limit", default = 30 }

-- Wraps a handler: first checks the query, and whether the account is connected to the provider.
local function connected(rules, handler)
  return validation.with_query(rules, function(model, call, query)
    for _, name in ipairs(model.options.git_providers) do
      if not rules.provider or name == query.provider then
        return handler(model, call, query)
      end
    end
    return responses.detail(403, "Git provider token required (such as GitHub).")
  end)
end

local installation_ids = { "71000001", "71000002", "71000003" }

local function installations(model, call, query)
  return paging.page(model, call, installation_ids, query)
end

---@type table<number, string>
local owners = { "acme", "acme-labs", "openhands-dev" }
---@type table<number, string>
local names = { "widgets", "gadgets", "website", "tools", "docs" }

-- Returns the full name of a repository by its number, from 1. From the sixth repository on, it contains the number.
local function full_name(number)
  local name = names[(number - 1) % #names + 1]
  return owners[(number - 1) % #owners + 1] .. "/" .. (number > #names and ("%s-%d"):format(name, number) or name)
end

local function repository(model, git_provider, number)
  return {
    id = ("%d"):format(123455 + number), full_name = full_name(number), git_provider = git_provider,
    is_public = number % 2 == 0, stargazers_count = number * 3, link_header = null,
    pushed_at = model:timestamp(-number * 3600),
    owner_type = number % 3 == 0 and "user" or "organization", main_branch = "main",
  }
end

local orders = {}
for _, field in ipairs { "stars", "forks", "updated" } do
  orders[#orders + 1] = field .. "-desc"
  orders[#orders + 1] = field .. "-asc"
end

local function repositories(model, call, query)
  if query.sort_order and not query.query then
    return responses.detail(400, "sort_order is only supported together with query")
  end
  if query.page_id and query.query then
    return responses.detail(400, "Paging is not supported together with query")
  end
  local numbers = {}
  for number = 1, model.options.repository_count do
    local installation = installation_ids[(number - 1) % #owners + 1]
    if (not query.query or full_name(number):find(query.query, 1, true))
      and (not query.installation_id or query.installation_id == installation) then
      numbers[#numbers + 1] = number
    end
  end
  -- A repository with a lower number has fewer stars, and was updated later.
  local falling = query.sort_order == "stars-desc" or query.sort_order == "forks-desc"
    or query.sort_order == "updated-asc"
  if falling then
    table.sort(numbers, function(one, other) return one > other end)
  end
  return paging.page(model, call, numbers, query, function(number)
    return repository(model, query.provider, number)
  end)
end

local branch_names = { "main", "develop", "docs", "fix-typo", "release-1.0" }

local function branches(model, call, query)
  local found = lists.select(branch_names, function(name) return name:find(query.query, 1, true) end)
  return paging.page(model, call, found, query, function(name)
    return {
      name = name, commit_sha = ("%08x"):format(#name * 7919):rep(5), protected = name == "main", last_push_date = null,
    }
  end)
end

local tasks = {}
for number, kind in ipairs { "MERGE_CONFLICTS", "FAILING_CHECKS", "UNRESOLVED_COMMENTS", "OPEN_ISSUE", "OPEN_PR" } do
  tasks[number] = { task_type = kind, repo = full_name(number), issue_number = 10 + number,
    title = "Simulated task " .. number }
end

local function suggested_tasks(model, call, query)
  return paging.page(model, call, tasks, query, function(task)
    return {
      git_provider = model.options.git_providers[1], task_type = task.task_type, repo = task.repo,
      issue_number = task.issue_number, title = task.title,
    }
  end)
end

local path = "/api/v1/git/"
local text = { kind = "text" }

return {
  { method = "GET", path = path .. "installations/search", handler = connected({
    provider = provider, page_id = schemas.page_id, limit = schemas.limit,
  }, installations) },
  { method = "GET", path = path .. "repositories/search", handler = connected({
    provider = provider, query = text, installation_id = text, page_id = schemas.page_id, limit = schemas.limit,
    sort_order = { kind = "enum", values = orders },
  }, repositories) },
  { method = "GET", path = path .. "branches/search", handler = connected({
    provider = provider, repository = { kind = "text", required = true }, query = { kind = "text", required = true },
    page_id = schemas.page_id, limit = few,
  }, branches) },
  { method = "GET", path = path .. "suggested-tasks/search", handler = connected({
    page_id = schemas.page_id, limit = few,
  }, suggested_tasks) },
}
