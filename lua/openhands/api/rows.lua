--- The calls that are no more than their row in the core's table of operations: made from it, so that a new row is a
--- new call. What an operation is about comes first (a conversation, a sandbox …), then its fields, then options:
---
---     client:list({ title__contains = "docs" }, options)
---     client:update(conversation, { title = "New" }, options)
---     client:file(conversation, "README.md", options)        -- the first field may stand alone
---     client:credits(options)
---
--- Collections are iterators (pages.lua). Lists of ids are asked for in as many batches as it takes.

local absence = require "openhands.api.unsupported"
local arguments = require "openhands.api.arguments"
local ascii = require "openhands.ascii"
local core = require "openhands.core"
local errors = require "openhands.errors"
local limits = require "openhands.limits"
local page_size = require "openhands.events.page_size"
local outcomes = require "openhands.conversation.result"
local pages = require "openhands.api.pages"
local runtime = require "openhands.conversation.server"
local states = require "openhands.conversation.state"
local unpack = table.unpack or unpack -- luacheck: ignore 143

local M = {}

--- The rows of one name.
---@class openhands.Operation
---@field name string
---@field rows table<string, table> by dialect
---@field subject string? name of the field that says what it is about
---@field is_batch boolean? whether the subject may be a list of ids
---@field has_fields boolean? whether there are fields besides the subject
---@field lone string? field that a value which is no table of fields stands for
---@field whole string? field that is the whole body: the table that is given is its value
---@field named string? only field, a table with names: a table that does not hold it is its value
---@field items string? field that names several items of the subject, asked for in batches
---@field tells_provider boolean? whether there is a field for the git provider
---@field takes_conversation boolean? of the agent server's: whether its subject is the conversation
---@field shape string? of the answer

-- The fields of a row without the subject, each name once.
local function further_fields(row, subject)
  local fields, seen = {}, {}
  for _, field in ipairs(row.fields) do
    if field.name ~= subject and not seen[field.name] then
      seen[field.name] = true
      fields[#fields + 1] = field
    end
  end
  return fields
end

local function is_list_of_ids(field)
  return field ~= nil and (field.kind == "uuids" or field.kind == "names")
end

local takes_table = { object = true, text_map = true, files = true }

local function describe(name, rows)
  local row = rows.v1 or rows.v0 or rows.agent
  local first = row.fields[1]
  local is_batch = row.shape == "list" and is_list_of_ids(first)
  local about = first and first.required and (first.place == "path" or is_batch or first.name == "conversation_id")
  local operation = {
    name = name,
    rows = rows,
    subject = about and first.name or nil,
    is_batch = is_batch,
    shape = row.shape,
  }
  for _, each in pairs(rows) do
    local further = further_fields(each, operation.subject)
    operation.has_fields = operation.has_fields or #further > 0
    if further[1] and (further[1].required or #further == 1) and not operation.lone then
      operation.lone = further[1].name
    end
    for _, field in ipairs(further) do
      operation.tells_provider = operation.tells_provider or field.name == "git_provider"
    end
    if further[1] and further[1].place == "whole" then
      operation.whole = further[1].name
    end
    if #further == 1 and takes_table[further[1].kind] and further[1].place ~= "whole" then
      operation.named = further[1].name
    end
    -- A batch may be about items of something: the events of a conversation, say.
    if each.shape == "list" and is_list_of_ids(further[1]) then
      operation.items = further[1].name
    end
  end
  return operation
end

--- All operations of the service or of the agent server, by name.
---@param of_agent boolean
---@return table<string, openhands.Operation>
function M.all(of_agent)
  local rows = {}
  for _, row in ipairs(core.operations()) do
    if (row.api == "agent") == of_agent then
      rows[row.name] = rows[row.name] or {}
      rows[row.name][row.api] = row
    end
  end
  local operations = {}
  for name, dialects in pairs(rows) do
    operations[name] = describe(name, dialects)
  end
  return operations
end

-- ---- answers -----------------------------------------------------------------------------------------------------

-- Where the items of a page are, by dialect and operation.
local function items_of(page)
  return page.items or page.results or page.custom_secrets
end

-- The dialect of a call, where it is known and no guess.
local function fixed_dialect(client, operation, fields, call)
  local id, chosen = operation.subject == "conversation_id" and fields.conversation_id, rawget(call, "api")
  if chosen and chosen ~= "auto" then
    return chosen
  elseif (operation.rows.v1 or {}).host == "public" then
    return client._api or "v1" -- open to everybody: without a key nobody could find out
  end
  return type(id) == "string" and client:_remember(id).api or nil
end

--- The dialect in which a call about these fields, which are checked, is made.
---@return "v0"|"v1"|nil api
---@return openhands.Error? err
function M.dialect(client, operation, fields, call)
  local fixed = fixed_dialect(client, operation, fields, call)
  if fixed then
    return fixed
  end
  return client:_dialect(operation.name, nil, call)
end

--- Makes a call about these fields, which are checked, in its dialect; in the other one where that was guessed wrongly.
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

M.renamed = errors.renamed

-- What does the same, or nearly so, where a dialect has not this call.
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

--- The error for a call that a dialect has not.
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
      ascii.upper(api),
      other,
      instead[api][name] and "; use " .. instead[api][name] or ""
    ),
  }
end

-- Calls after which the agent works: for a moment the service may still tell how it stood before.
local sets_going = {
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

-- The fields with the id under which the service has the conversation that the call is about.
local function as_served(client, operation, fields)
  local id = operation.subject == "conversation_id" and fields.conversation_id
  if type(id) ~= "string" or client:_served_id(id) == id then
    return fields
  end
  fields = arguments.copy(fields)
  fields.conversation_id = client:_served_id(id)
  return fields
end

--- One exchange of an operation, by where it is served.
---@param route openhands.ExchangeOptions?
---@return any value
---@return openhands.Error? err
function M.exchange(client, operation, fields, call, api, route)
  local row, name = operation.rows[api], operation.name
  local id = call.agent_of or fields.conversation_id
  local value, err
  fields = as_served(client, operation, fields)
  if not row then
    err = M.unsupported(name, api)
  elseif row.host == "runtime" then
    value, err = runtime.call(client, name, fields, call, api, id, route)
  else
    value, err = client:_call(name, fields, call, api, row.host == "public" and { keyless = true } or route)
  end
  -- Nobody may be able to tell whether a message arrived: it may have.
  local may_have_acted = not err or err.kind == "ambiguous"
  if may_have_acted and sets_going[name] and sets_going[name](fields, api) then
    local words = not err and name == "send" and outcomes.words_of(fields.content) or nil
    states.spoken(client:_remember(id), client:_now(), words)
  end
  if err then
    if row then
      absence.note(client, row, api, fields, call, err)
    end
    return nil, M.renamed(err, name, type(id) == "string" and id or nil)
  end
  return value
end

-- What tells two items of a list apart. Some have a name only, as models do within their provider; some are nothing
-- but a name.
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

--- The items of an operation that answers pages.
---@param in_dialect fun(fresh: table, run: function): any, openhands.Error? calls `run(api, placed)` for a page in its
--- dialect; `placed`: the operation that stands there in place of this one, if another does
---@return openhands.Pages
function M.pages(client, operation, fields, call, in_dialect, convert)
  local api
  local sizes = operation.name:find "events$" and {} -- nobody bounds the size of an event
  local function read(fresh, chosen, placed)
    api = chosen
    local function exchange()
      return M.exchange(client, placed or operation, fields, fresh, api)
    end
    if not has_field(operation.rows[api], "limit") then
      return exchange()
    end
    fields.limit = math.min(fields.limit or limits.ITEMS_PER_PAGE, limits.ITEMS_PER_PAGE)
    if sizes then
      return page_size.ask(fields, sizes, exchange)
    end
    return exchange()
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
        fresh.api = api -- a page's id means nothing in another one
      end
      local page, err = in_dialect(fresh, function(chosen, placed)
        return read(fresh, chosen, placed)
      end)
      return page and { items = items_of(page), next_page_id = page.next_page_id }, err
    end,
  }
end

-- Asks for ids in batches; what the service knows comes back in a table by the id that was asked for.
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
    local list, err = M.exchange(client, operation, fields, call, api)
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

--- Raises for the caller's mistakes, before any question. A list that is longer than a batch is checked batch by batch
--- later.
---@param api string? the dialect, where it is known
function M.check(client, operation, fields, api)
  local by = operation.is_batch and operation.subject or operation.items
  local ids = by and fields[by]
  if type(ids) == "table" and #ids == 0 then
    return
  elseif type(ids) == "table" and #ids > limits.IDS_PER_REQUEST then
    fields = arguments.copy(fields)
    fields[by] = { unpack(ids, 1, limits.IDS_PER_REQUEST) }
  end
  if api and operation.rows[api] then
    client:_prepare(operation.name, fields, api)
  else
    client:_prepare_in_any(operation.name, fields)
  end
end

--- A call of an operation, from the user's arguments to its value.
---@param client openhands.Client
---@param operation openhands.Operation
---@param fields table
---@param call table
---@param convert? fun(item: table, api: string, id: string?): any what the caller gets for an item
---@param api string? the dialect, where it is known and the fields are checked
---@return any value
---@return openhands.Error? err
function M.run(client, operation, fields, call, convert, api)
  local by = operation.is_batch and operation.subject or operation.items
  if not api then
    local known = fixed_dialect(client, operation, fields, call) or client._api
    M.check(client, operation, fields, known)
    local asks_for_none = by and type(fields[by]) == "table" and #fields[by] == 0
    if asks_for_none and (not known or operation.rows[known]) then
      return {}
    end
  end
  if operation.shape == "page" then
    return M.pages(client, operation, fields, call, function(fresh, run)
      return M.in_dialect(client, operation, fields, fresh, run)
    end, convert)
  end
  local function run(chosen)
    if by and operation.rows[chosen] then
      return batches(client, operation, fields, call, chosen, by, convert)
    end
    return M.exchange(client, operation, fields, call, chosen)
  end
  if api then
    return run(api)
  end
  return M.in_dialect(client, operation, fields, call, run)
end

return M
