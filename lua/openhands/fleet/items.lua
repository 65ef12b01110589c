--- Reads the items of a fleet as the user gives them: each becomes a key, and the fields of a start as canonical JSON.
--- Mistakes of the caller raise, with the key of the item in the message.

local contents = require "openhands.fleet.contents"
local core = require "openhands.core"
local errors = require "openhands.errors"
local json = require "openhands.fleet.json"
local repositories = require "openhands.api.repository"
local rows_of = require "openhands.request.rows"
local secrets = require "openhands.fleet.secrets"
local spelling = require "openhands.spelling"
local templates = require "openhands.fleet.template"

local M = {}

local LONGEST_KEY = 500 -- bytes

--- An item, ready for the ledger.
---@class openhands.FleetItem
---@field key string
---@field request string JSON of the fields of the start; secrets are references
---@field request_hash string
---@field is_like? fun(item: table, hash: string): boolean whether another hash is that of the same item
---@field priority integer? higher ones are started first
---@field depends_on string[]? keys of items that must be done before
---@field exclusive string? name of a group of which at most one is live, e.g. "owner/repository..branch"

-- The names of an item that are no fields of a start.
local own_names = { key = true, priority = true, depends_on = true, exclusive = true }

local start_names = {}
for _, row in pairs(rows_of.start) do
  for _, field in ipairs(row.fields) do
    start_names[field.name] = true
  end
end

local all_names = {}
for _, names in ipairs { own_names, start_names } do
  for name in pairs(names) do
    all_names[name] = true
  end
end

local chosen_by_fleet = "is chosen by the fleet, so that a run is never started twice"
local not_in_fleets = { -- names that other calls know, and why an item cannot have them
  conversation_id = chosen_by_fleet,
  resume = chosen_by_fleet,
  stream = "has no effect on a fleet, which does not wait for one start",
  on_id = "is a function, which the ledger cannot keep; a run has its 'conversation_id'",
  on_progress = "is a function, which the ledger cannot keep; give 'on_change' to the run",
}

-- ---- one item ------------------------------------------------------------------------------------------------------

local wrong_template = {
  missing = "has no field '%s', which '%s' names in braces%s; write {{%s}} if it is no field",
  ["no text"] = "has in '%s', which '%s' names in braces, no text, number or boolean",
  circular = "fills in the field '%s' with itself",
}

-- Returns a function that fills the names in braces in the texts of an item.
local function filler(values)
  return function(where, field, text)
    local filled, problem, name, known = templates.fill(text, values)
    if not filled then
      local hint = problem == "missing" and spelling.hint(name, known or {}) or ""
      errors.raise(("%s %s"):format(where, wrong_template[problem]:format(name, field, hint, name)))
    end
    return filled
  end
end

local function is_key(text)
  return type(text) == "string" and text ~= "" and #text <= LONGEST_KEY and not text:find "[%z\1-\31\127]"
end

local function check_key(caller, place, key)
  if key == nil then
    errors.raise(("%s: item %s needs a 'key', e.g. the name of its repository"):format(caller, place))
  elseif type(key) == "number" and key % 1 == 0 then
    key = ("%.0f"):format(key)
  elseif not is_key(key) then
    errors.raise(("%s: item %d: its key must be a text of 1 to %d bytes in one line"):format(caller, place,
      LONGEST_KEY))
  end
  return key
end

local function check_priority(where, priority)
  if priority ~= nil and (type(priority) ~= "number" or priority % 1 ~= 0 or math.abs(priority) > 2 ^ 53) then
    errors.raise(where .. ": 'priority' must be a whole number")
  end
end

-- Returns the keys of the items that an item depends on, and the name of its exclusive group.
local function read_order(where, fields, fill)
  local needed, exclusive = fields.depends_on, fields.exclusive
  if type(needed) == "string" then
    needed = { needed }
  elseif needed ~= nil and type(needed) ~= "table" then
    errors.raise(where .. ": 'depends_on' must be a key or a list of keys")
  end
  if is_key(exclusive) then
    exclusive = fill(where, "exclusive", exclusive)
  end
  if exclusive ~= nil and not is_key(exclusive) then
    errors.raise(where .. ": 'exclusive' must be a text in one line, e.g. \"owner/repository..branch\"")
  end
  local keys = {}
  for place, key in ipairs(needed or {}) do
    if not is_key(key) then
      errors.raise(where .. ": 'depends_on' must be a key or a list of keys")
    end
    keys[place] = fill(where, "depends_on", key)
  end
  return keys[1] and keys or nil, exclusive
end

-- Checks that only start fields are left, except those that a text names in braces. Removes these.
local function check_names(where, fields, used)
  for name in pairs(fields) do
    if not_in_fleets[name] then
      errors.raise(("%s: '%s' %s"):format(where, name, not_in_fleets[name]))
    elseif type(name) ~= "string" or not start_names[name] and not used[name] then
      local hint = spelling.hint(name, all_names)
      errors.raise(("%s: '%s' is not a field of an item%s"):format(where, tostring(name), hint))
    end
  end
  for name in pairs(used) do
    if not start_names[name] then
      fields[name] = nil
    end
  end
end

local function check_secrets(where, given)
  if type(given) ~= "table" then
    return -- the core says what it must be
  end
  for name, value in next, given do
    if secrets.name_in(value) == nil then
      errors.raise(("%s: 'secrets.%s' must be a reference, e.g. { secret = \"%s\" }, because a ledger keeps no secrets")
        :format(where, tostring(name), tostring(name)))
    end
  end
end

local function same(text) return text end

local function placeholder() return "secret" end

-- Checks the fields as `start` does.
local function check_fields(client, where, fields)
  local trial = secrets.map(fields, same, placeholder)
  ---@type openhands.Prepared?, openhands.Error?
  local request, refusal
  if client._api then
    request, refusal = client:_prepare("start", trial, client._api, where)
  else
    request = client:_prepare_in_any("start", trial, nil, where)
  end
  if request then
    request:close()
  end
  return refusal
end

-- Joins the given tables: a later one comes first. A field that is null is left out.
local function joined(...)
  local merged = {}
  for place = 1, select("#", ...) do
    for name, value in next, (select(place, ...)) do
      merged[name] = value
    end
  end
  for name, value in pairs(merged) do
    if value == core.null then
      merged[name] = nil
    end
  end
  return merged
end

--- What an item is read with.
---@class openhands.ItemContext
---@field caller string name of the call, for messages
---@field place integer of the item, for messages
---@field defaults table? fields for each item
---@field record table? values for the names in braces: then the item itself is a template

--- Reads one item.
---@param client openhands.Client
---@param given table
---@param context openhands.ItemContext
---@return openhands.FleetItem?
---@return openhands.Error? err the dialect of the service cannot take a field
function M.read(client, given, context)
  local caller, place = context.caller, context.place
  if type(given) ~= "table" or errors.is_empty_list(given) then
    errors.raise(("%s: item %d must be a table of fields, not %s"):format(caller, place, errors.words_of(given)))
  end
  local fields = joined(context.defaults or {}, given)
  local values = { record = context.record or {}, texts = fields, used = {} }
  local fill = filler(values)
  local key, where = fields.key, ("%s: item %d"):format(caller, place)
  if key == nil then
    key = fields.repository or fields.selected_repository
  end
  if type(key) == "string" then
    key = fill(where, "key", key)
  end
  key = check_key(caller, place, key)
  where = ("%s: item '%s'"):format(caller, key)
  check_priority(where, fields.priority)
  local depends_on, exclusive = read_order(where, fields, fill)
  local filled = {}
  for name, value in next, fields do
    if not own_names[name] then
      filled[name] = secrets.map({ [name] = value }, function(text)
        return fill(where, tostring(name), text)
      end)[name]
    end
  end
  check_names(where, filled, values.used)
  check_secrets(where, filled.secrets)
  local start = repositories.in_fields(where, filled, true)
  local refusal = check_fields(client, where, start)
  if refusal then
    refusal.key, refusal.place = key, place
    return nil, refusal
  end
  local request = json.encode(start)
  return { key = key, request = request, request_hash = contents.hash(request, depends_on, exclusive),
    is_like = contents.recognition(filled, start), priority = fields.priority, depends_on = depends_on,
    exclusive = exclusive }
end

--- Returns the fields of a start from the request of an item, with its secrets.
---@param request string JSON
---@param given table|function|nil the `secrets` of the fleet
---@param key string of the item, for messages
---@return table? fields
---@return openhands.Error? err a secret is missing
---@return string[]? values of the secrets
function M.fields(request, given, key)
  local fields, problem = json.decode(request)
  if type(fields) ~= "table" then
    return nil, errors.new { kind = "ledger", operation = "start", effect = "none",
      message = ("start: the request of item '%s' %s"):format(key, problem or "is no object") }
  end
  return secrets.resolve(fields, given, key)
end

-- ---- many items ----------------------------------------------------------------------------------------------------

local function is_pages(source)
  return type(source) == "table" and getmetatable(source) ~= nil and type(source.next) == "function"
end

--- Returns whether a source may have more items than fit into memory: an iterator function or a collection in pages.
---@param source any
---@return boolean
function M.is_long(source)
  return type(source) == "function" or is_pages(source)
end

-- Ignores keys of 0 and below: in the table `arg`, they hold the name of the program and the interpreter.
local function check_list(caller, list)
  for place in next, list do
    if type(place) ~= "number" or place > #list or place % 1 ~= 0 then
      errors.raise(("%s: the list of items has a hole, or the key '%s'"):format(caller, tostring(place)))
    end
  end
end

--- Returns a function that returns the next of several things, or nil, or nil and an error.
---@param caller string name of the call, for messages
---@param source any a list, an iterator function, or a collection in pages
---@return fun(): any, openhands.Error?
function M.source(caller, source)
  if type(source) == "function" then
    return source
  elseif is_pages(source) then
    return function() return source:next() end
  elseif type(source) ~= "table" then
    errors.raise(("%s: needs a list or an iterator of items, not a %s"):format(caller, type(source)))
  end
  check_list(caller, source)
  local place = 0
  return function()
    place = place + 1
    return source[place]
  end
end

local function is_several(given)
  return type(given) == "function" or is_pages(given)
    or type(given) == "table" and (rawget(given, 1) ~= nil or next(given) == nil)
end

-- Returns the item that a template makes of a record, and the record's values.
local function from_template(caller, template, record, place)
  if type(template) == "function" then
    local item, values = template(record, place)
    return item, type(values) == "table" and values or nil
  elseif type(record) == "table" then
    return template, record
  elseif type(record) == "string" or type(record) == "number" then
    return joined({ key = record }, template), { item = record, key = record, index = place }
  end
  errors.raise(("%s: item %d must be a table or a text, not a %s"):format(caller, place, type(record)))
end

--- Returns a function that returns the next item, ready for the ledger; nil at the end; nil and an error if the source
--- or an item fails. The arguments of the call are one item, a list, an iterator or a collection; or a template and a
--- source of records, whose values fill the names in braces of the template. A record that is a text has the name
--- `item`. A template that is a function returns the item for `(record, index)`; with a table of values as its second
--- result, the item is filled from these.
---@param client openhands.Client
---@param caller string name of the call, for messages
---@param defaults table? fields for each item
---@param given any
---@param source any
---@return fun(): openhands.FleetItem?, openhands.Error?
function M.stream(client, caller, defaults, given, source)
  local template, next_one
  if source ~= nil then
    if type(given) ~= "function" and (type(given) ~= "table" or rawget(given, 1) ~= nil) then
      errors.raise(("%s: the template of items must be a table of fields or a function"):format(caller))
    end
    template, next_one = given, M.source(caller, source)
  elseif is_several(given) then
    next_one = M.source(caller, given)
  else
    next_one = M.source(caller, { given })
  end
  local place = 0
  return function()
    local one, err = next_one()
    if one == nil then
      return nil, err
    end
    place = place + 1
    local item, record = one, nil
    if template then
      item, record = from_template(caller, template, one, place)
    end
    return M.read(client, item, { caller = caller, place = place, defaults = defaults, record = record })
  end
end

return M
