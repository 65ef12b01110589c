--- Makes the calls that rows in the core's table of operations define completely: a new row adds a call without further
--- code. The first argument is the subject (a conversation, a sandbox …); then come the fields and the options:
---
---     client:list({ title__contains = "docs" }, options)
---     client:update(conversation, { title = "New" }, options)
---     client:file(conversation, "README.md", options)        -- the first field may be given alone
---     client:credits(options)
---
--- Collections are iterators (pages.lua). Long lists of ids are requested in batches.

local arguments = require "openhands.api.arguments"
local core = require "openhands.core"
local errors = require "openhands.errors"
local limits = require "openhands.limits"
local pages = require "openhands.api.pages"
local results = require "openhands.conversation.result"
local servers = require "openhands.conversation.server"
local states = require "openhands.conversation.state"
local unsupported_calls = require "openhands.api.unsupported"
local unpack = table.unpack or unpack -- luacheck: ignore 143

local M = {}

local NO_OPTIONS = {} -- except settings

-- ---- one call ----------------------------------------------------------------------------------------------------

-- Returns the dialect of a call if it need not be detected.
local function fixed_dialect(client, operation, fields, call)
  local id, chosen = operation.subject == "conversation_id" and fields.conversation_id, rawget(call, "api")
  if chosen and chosen ~= "auto" then
    return chosen
  elseif (operation.rows.v1 or {}).host == "public" then
    return client._api or "v1" -- needs no key, while detecting the dialect does
  end
  return type(id) == "string" and client:_remember(id).api or nil
end

--- Returns the dialect of a call about these fields, which must be checked already.
---@param client openhands.Client
---@param operation openhands.Operation
---@param fields table
---@param call openhands.Call
---@return "v0"|"v1"|nil api
---@return openhands.Error? err
function M.dialect(client, operation, fields, call)
  local fixed = fixed_dialect(client, operation, fields, call)
  if fixed then
    return fixed
  end
  return client:_dialect(operation.name, nil, call)
end

--- Makes a call about these fields, which must be checked already, in its dialect. Uses the other dialect if the guess
--- was wrong.
---@param client openhands.Client
---@param operation any the openhands.Operation
---@param fields table
---@param call openhands.Call
---@param run fun(api: "v0"|"v1"): any, openhands.Error?
---@return any value
---@return openhands.Error? err
function M.in_dialect(client, operation, fields, call, run)
  local fixed = fixed_dialect(client, operation, fields, call)
  if fixed then
    return run(fixed)
  end
  return client:_in_dialect(operation.name, nil, call, run)
end

-- The name of a similar call of the same dialect, for some calls that a dialect lacks.
local instead = {
  v0 = { pause = "stop", resume = "start_again", queue_message = "send", download = "trajectory" },
  v1 = {
    stop = "pause",
    start_again = "resume",
    add_event = "send",
    trajectory = "download",
    upload = "agent(conversation):upload",
  },
}

--- Returns the error for a call that a dialect lacks.
---@param name string
---@param api string
---@return openhands.Error
function M.unsupported(name, api)
  local other = api == "v0" and "V1" or "V0"
  return errors.new {
    kind = "unsupported",
    operation = name,
    message = ("%s: the %s API cannot do this, %s can%s"):format(
      name,
      core.upper(api),
      other,
      instead[api][name] and "; use " .. instead[api][name] or ""
    ),
  }
end

-- Calls that start work of the agent. For a moment afterwards the service may still show the earlier state.
local starts_work = {
  send = function(fields, api)
    return fields.run == true or fields.run == nil and api ~= "agent"
  end,
  confirm = function(fields)
    return fields.accept
  end,
  add_event = function(fields)
    return fields.event.action == "message"
  end,
  queue_message = function()
    return true
  end,
  run = function()
    return true
  end,
}

-- Returns the fields with the id that the service uses for the conversation.
local function as_served(client, operation, fields)
  local id = operation.subject == "conversation_id" and fields.conversation_id
  local served = type(id) == "string" and client:_remember(id).conversation_id
  if not served or served == id then
    return fields
  end
  local copy = {}
  for name, value in pairs(fields) do
    copy[name] = value
  end
  copy.conversation_id = served
  return copy
end

-- Records that the agent was given work. A call with an unknown outcome may have given it work, so it counts.
local function note_work(client, name, fields, api, id, err)
  if starts_work[name](fields, api) then
    local words = not err and name == "send" and results.text_of(fields.content) or nil
    states.note_work(client:_remember(id), client:_now(), words)
  end
end

--- Makes one call of an operation, on the host that its row names.
---@param client openhands.Client
---@param operation openhands.Operation
---@param fields table
---@param call openhands.Call
---@param api string?
---@param route openhands.ExchangeOptions?
---@param request openhands.Prepared? prepared from these fields, if any
---@return any value
---@return openhands.Error? err
function M.perform(client, operation, fields, call, api, route, request)
  ---@cast api "v0"|"v1"|"agent"
  local row, name = operation.rows[api], operation.name
  local id = call.agent_of or fields.conversation_id
  local served = as_served(client, operation, fields)
  local input = served == fields and request or served
  local value, err
  if not row then
    err = M.unsupported(name, api)
  elseif row.host == "runtime" then
    value, err = servers.call(client, name, input, call, api --[[@as "v0"|"agent"]], id, route)
  else
    value, err = client:_call(name, input, call, api, row.host == "public" and { keyless = true } or route)
  end
  if starts_work[name] and (not err or err.kind == "ambiguous") then
    note_work(client, name, served, api, id, err)
  end
  if err and row then
    unsupported_calls.note(client, row, api, served, call, err)
  end
  if err then
    return nil, errors.rename(err, name, type(id) == "string" and id or nil)
  end
  return value
end


-- ---- pages and batches -------------------------------------------------------------------------------------------

-- Returns the items of a page. The name of their field depends on the dialect and the operation.
local function items_of(page)
  return page.items or page.results or page.custom_secrets
end

-- Returns the key of an item of a list. Some items have only a name, e.g. models, whose names are unique within their
-- provider; other items are plain strings.
local function item_id(item)
  local id = item
  if type(item) == "table" then
    id = item.id or item.conversation_id
    if id == nil and type(item.name) == "string" then
      id = tostring(item.provider) .. " " .. item.name
    end
  end
  return (type(id) == "string" or type(id) == "number") and id or nil
end

local function has_field(row, name)
  for _, field in ipairs(row and row.fields or {}) do
    if field.name == name then
      return true
    end
  end
  return false
end

--- Returns the collection of an operation whose answers are pages.
---@param client openhands.Client
---@param operation openhands.Operation
---@param fields table
---@param call openhands.Call
---@param in_dialect fun(fresh: table, run: function): any, openhands.Error? calls `run(api, placed)` for a page in its
--- dialect; `placed`: the operation to use in place of this one, if any
---@param convert? function called with an item and its dialect; returns the value for the caller
---@return openhands.Pages
function M.pages(client, operation, fields, call, in_dialect, convert)
  local api
  local sizes = operation.name:find "events$" and {} -- events have no limit in size
  local function read(fresh, chosen, placed)
    api = chosen
    local function perform()
      return M.perform(client, placed or operation, fields, fresh, api)
    end
    if not has_field(operation.rows[api], "limit") then
      return perform()
    end
    fields.limit = math.min(fields.limit or limits.ITEMS_PER_PAGE, limits.ITEMS_PER_PAGE)
    if sizes then
      return client:_read_page(fields, sizes, perform)
    end
    return perform()
  end
  return pages.new {
    name = operation.name,
    id = item_id,
    now = function()
      return client:_now()
    end,
    longest = call.deadline,
    convert = convert and function(item)
      return convert(item, api)
    end,
    fetch = function(page_id)
      local fresh = client:_fresh(call)
      fields.page_id = page_id or fields.page_id
      if page_id and api ~= "agent" then
        fresh.api = api -- a page's id is valid in one dialect only
      end
      local page, err = in_dialect(fresh, function(chosen, placed)
        return read(fresh, chosen, placed)
      end)
      return page and { items = items_of(page), next_page_id = page.next_page_id }, err
    end,
  }
end

-- Requests items by their ids, in batches. Returns the items that the service knows, by the requested ids.
local function batches(client, operation, fields, call, api, by, convert)
  local ids, found = fields[by], {}
  fields = arguments.copy(fields)
  if type(ids) ~= "table" then
    ids = { ids }
  end
  local first, most = 1, limits.IDS_PER_REQUEST
  while first <= #ids do
    local batch = { unpack(ids, first, math.min(first + most - 1, #ids)) }
    fields[by] = batch
    local list, err = M.perform(client, operation, fields, call, api)
    if list then
      for i, id in ipairs(batch) do
        if list[i] ~= nil and list[i] ~= core.null then
          found[id] = convert and convert(list[i], api, id) or list[i]
        end
      end
      first = first + #batch
    elseif err.kind == "too_large" and #batch > 1 then
      most = math.ceil(#batch / 2)
    else
      return nil, err
    end
  end
  return found
end

--- Checks the fields of a call before anything is sent, and prepares its request. Raises errors about mistakes of the
--- caller. If a list is longer than a batch, checks only the first batch; the others are checked when they are sent.
---@param client openhands.Client
---@param operation openhands.Operation
---@param fields table
---@param api string? the dialect, if it is known
---@return openhands.Prepared? request of exactly these fields
---@return string? api for which it was prepared
function M.check(client, operation, fields, api)
  local by = operation.is_batch and operation.subject or operation.items
  local ids = by and fields[by]
  local is_list = type(ids) == "table"
  if is_list and #ids == 0 then
    return nil
  elseif is_list and #ids > limits.IDS_PER_REQUEST then
    fields = arguments.copy(fields)
    fields[by] = { unpack(ids, 1, limits.IDS_PER_REQUEST) }
  end
  local request
  if api and operation.rows[api] then
    local name = operation.row_name or operation.name
    request = client:_prepare(name, fields, api --[[@as "v0"|"v1"|"agent"]], operation.name, NO_OPTIONS)
  else
    request, api = client:_prepare_in_any(operation.name, fields, nil, nil, NO_OPTIONS)
  end
  return not by and request or nil, api
end

--- Makes a call of an operation: checks the fields, chooses the dialect, and returns the value, which is a collection
--- if the answer comes in pages.
---@param client openhands.Client
---@param operation openhands.Operation
---@param fields table
---@param call openhands.Call
---@param convert? fun(item: table, api: string, id: string?): any returns the value for the caller
---@param api string? the dialect, if it is known and the fields are checked
---@return any value
---@return openhands.Error? err
function M.run(client, operation, fields, call, convert, api)
  local by = operation.is_batch and operation.subject or operation.items
  local fixed, request, request_api = api, nil, nil
  if not api then
    fixed = fixed_dialect(client, operation, fields, call)
    local known = fixed or client._api
    request, request_api = M.check(client, operation, fields, known)
    local asks_for_none = by and type(fields[by]) == "table" and #fields[by] == 0
    if asks_for_none and (not known or operation.rows[known]) then
      return {}
    end
  end
  if operation.shape == "page" then
    if request then
      request:close() -- each page is a request of its own
    end
    return M.pages(client, operation, fields, call, function(fresh, run)
      return M.in_dialect(client, operation, fields, fresh, run)
    end, convert)
  end
  local function run(chosen)
    if by and operation.rows[chosen] then
      return batches(client, operation, fields, call, chosen, by, convert)
    end
    return M.perform(client, operation, fields, call, chosen, nil, request_api == chosen and request or nil)
  end
  local value, err
  if fixed then
    value, err = run(fixed)
  else
    value, err = client:_in_dialect(operation.name, nil, call, run)
  end
  if request then
    request:close()
  end
  if err then
    return nil, err
  end
  return value
end

return M
