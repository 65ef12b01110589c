--- Every public call, ready to run against a service that answers anything.
local calls = require "spec.support.calls"
local errors = require "openhands.errors"

local M = {}

local MOST_ITEMS = 40 -- of what never ends

---@class fuzz.Call
---@field name string
---@field api "v0"|"v1"
---@field prepare fun(settings: table): table makes the service and its client, and what else is needed
---@field run fun(at: table): any, any

local list = {}

local function add(name, api, prepare, run)
  list[#list + 1] = { name = name .. " (" .. api .. ")", api = api, prepare = prepare, run = run }
end

-- Reads an iterator as a program would, in one of the possible ways.
local function read_all(value, err)
  if type(value) ~= "table" or not value.next then
    return value, err
  end
  for _ = 1, MOST_ITEMS do
    local item, problem = value:next()
    if item == nil then
      return nil, problem
    end
  end
  return nil
end

local function loop(value, err)
  if type(value) ~= "table" or not value.next then
    return value, err
  end
  local count = 0
  local good, problem = pcall(function()
    for _ in value do
      count = count + 1
      if count >= MOST_ITEMS then
        return
      end
    end
  end)
  if not good and not errors.is(problem) then
    error(problem, 0)
  end
  return nil, not good and problem or nil
end

-- ---- the rows -------------------------------------------------------------------------------------------------------

for _, name in ipairs(calls.names) do
  for _, api in ipairs { "v0", "v1" } do
    if calls.rows[name][api] and calls.examples[name] then
      add(name, api, function(settings)
        return calls.service(api, name, settings)
      end, function(at)
        return calls.outcome(calls.call(at.client, name, calls.examples[name](at)))
      end)
    end
  end
end

for _, name in ipairs(calls.agent_names) do
  if calls.agent_examples[name] then
    add("agent:" .. name, "v1", function(settings)
      return calls.sandbox(name, settings)
    end, function(at)
      return calls.outcome(calls.call(at.agent, name, calls.agent_examples[name](at)))
    end)
  end
end

-- ---- calls of more than one row -------------------------------------------------------------------------------

-- Waits of at most an hour: each poll is a request.
local hour = { timeout = 3600 }

local workflows = {
  run = function(at)
    return at.client:run({ initial_user_msg = "Fix it." }, hour)
  end,
  ["start, once more"] = function(at)
    local first = at.client:start { initial_user_msg = "Fix it." }
    local id = first and first.conversation_id or "7f3b9a1c-2d4e-4f60-a1b2-c3d4e5f60718"
    if at.api == "v0" then
      return first
    end
    return at.client:start({ initial_user_msg = "Fix it.", conversation_id = id }, { resume = true })
  end,
  ["start with on_progress"] = function(at)
    return at.client:start { initial_user_msg = "Fix it.", on_progress = function(conversation)
      return tostring(conversation)
    end }
  end,
  wait = function(at)
    return at.client:wait(at.conversation, hour)
  end,
  ["wait for an id"] = function(at)
    return at.client:wait("aaaa9a1c-2d4e-4f60-a1b2-c3d4e5f60718", hour)
  end,
  wait_all = function(at)
    local other = at.client:start { initial_user_msg = "Fix it, too." }
    return at.client:wait_all({ at.conversation, other }, hour)
  end,
  wait_any = function(at)
    local other = at.client:start { initial_user_msg = "Fix it, too." }
    local value, err = at.client:wait_any({ at.conversation, other }, hour)
    return value, type(err) == "table" and err or nil
  end,
  ["send, then wait"] = function(at)
    at.client:send(at.conversation, "Go on.")
    return at.client:wait(at.conversation, hour)
  end,
  ["pause, then resume"] = function(at)
    local value, err = at.client:pause(at.conversation)
    if err then
      return value, err
    end
    return at.client:resume(at.conversation)
  end,
  answer = function(at)
    return at.client:answer(at.conversation)
  end,
  find_pull_requests = function(at)
    return at.client:find_pull_requests(at.conversation)
  end,
  ["all events"] = function(at)
    return loop(at.client:events(at.conversation))
  end,
  ["events that follow"] = function(at)
    return read_all(at.client:events(at.conversation, { follow = true, timeout = 3600 }))
  end,
  ["events after one"] = function(at)
    return read_all(at.client:events(at.conversation, { after = at.event_id or "1" }))
  end,
  ["all of a list"] = function(at)
    local pages, err = at.client:list {}
    if not pages then
      return nil, err
    end
    return pages:all()
  end,
  request = function(at)
    return at.client:request { method = "POST", path = "/api/whatever", query = { a = 1 }, body = { b = true } }
  end,
  ["a conversation's methods"] = function(at)
    local conversation, err = at.conversation:refresh()
    if not conversation then
      return nil, err
    end
    tostring(conversation)
    return conversation:fetch_answer()
  end,
  tasks = function(at)
    return at.client:all {
      function() return at.client:status(at.conversation) end,
      function() return at.client:wait(at.conversation, hour) end,
      function() return at.client:me() end,
    }
  end,
  ["status, dialect unknown"] = function(at)
    return at.client:status(at.id, { api = "auto" })
  end,
}

local names = {}
for name in pairs(workflows) do
  names[#names + 1] = name
end
table.sort(names)
for _, name in ipairs(names) do
  for _, api in ipairs { "v0", "v1" } do
    add(name, api, function(settings)
      return calls.service(api, name, settings)
    end, workflows[name])
  end
end

for _, name in ipairs { "bash", "events" } do
  add("agent:" .. name .. ", all of it", "v1", function(settings)
    return calls.sandbox("agent", settings)
  end, function(at)
    return read_all(at.agent[name](at.agent, name == "bash" and "echo hello" or { limit = 2 }))
  end)
end

M.list = list

return M
