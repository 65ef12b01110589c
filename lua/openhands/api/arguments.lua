--- Reads the arguments of a call: its subject, its fields, its options.

local core = require "openhands.core"
local errors = require "openhands.errors"
local repositories = require "openhands.api.repository"
local settings = require "openhands.settings"

local M = {}

--- Returns a copy of the fields, so that the caller's table need not be changed.
---@param fields table
---@return table
function M.copy(fields)
  local fresh = {}
  for name, value in pairs(fields) do
    fresh[name] = value
  end
  return fresh
end

-- Returns whether a value is a table of fields. Neovim marks an empty table that is no list with a metatable
-- (`vim.empty_dict()`).
local function is_plain_fields(value)
  local mark = type(value) == "table" and getmetatable(value)
  return type(value) == "table" and (mark == nil or mark == core.object_mark) and value[1] == nil
end

local function read_ids(client, operation, list)
  local ids, count = {}, 0
  for _ in pairs(list) do
    count = count + 1
  end
  for i, each in ipairs(list) do
    ids[i] = client:_id_of(each, operation.name)
  end
  if #ids < count then
    errors.raise(("%s: the list of ids has nothing at place %d"):format(operation.name, #ids + 1))
  end
  return ids
end

-- Returns the subject of a call: an id, or for a batch a list of ids.
local function read_subject(client, operation, subject)
  if operation.subject ~= "conversation_id" then
    return subject
  elseif operation.is_batch and type(subject) == "table" and rawget(subject, "conversation_id") == nil then
    return read_ids(client, operation, subject)
  end
  return client:_id_of(subject, operation.name)
end

-- Returns the body of a call. The caller may wrap the body in a table whose only field has the body's name, as the
-- reference shows it. Then this returns the field's value, since the service might silently ignore such a field.
local function whole_body(given, name)
  if is_plain_fields(given) and type(given[name]) == "table" and next(given) == name and next(given, name) == nil then
    return given[name]
  end
  return given
end

local setting_names = settings.names()

-- The names of the fields of each operation, as a set, once it was asked for.
---@type table<openhands.Operation, table<string, boolean?>>
local field_names = {}

--- Returns whether a name is that of a field of an operation, in some dialect.
---@param operation openhands.Operation
---@param name any
---@return boolean
function M.is_field(operation, name)
  local names = field_names[operation]
  if not names then
    names = {}
    for _, row in pairs(operation.rows) do
      for _, field in ipairs(row.fields) do
        names[field.name] = true
      end
    end
    field_names[operation] = names
  end
  return names[name] == true
end

-- Raises an error about a field that stands among the options.
local function check_options(operation, options)
  for name in pairs(options) do
    if not setting_names[name] and M.is_field(operation, name) then
      errors.raise(("%s: unknown option '%s'; it is a field: %s { %s = … }, with the other fields"):format(
        operation.name, name, operation.name, name))
    end
  end
end

--- Returns the fields and the options of a call, from its arguments. Raises errors about mistakes of the caller.
---@param client openhands.Client
---@param operation openhands.Operation
---@param ... any arguments of the call, as the user gave them
---@return table fields
---@return table? options
function M.read(client, operation, ...)
  local arguments, count = { ... }, select("#", ...)
  local most = (operation.subject and 1 or 0) + (operation.has_fields and 1 or 0) + 1
  if count > most then
    local words = most == 1 and "argument" or "arguments"
    errors.raise(("%s: takes at most %d %s, not %d"):format(operation.name, most, words, count))
  end
  local fields, position = {}, 1
  if operation.has_fields then
    local given = arguments[operation.subject and 2 or 1]
    if errors.is_empty_list(given) and not operation.takes_empty_list then
      local single = operation.single_field and (", or '%s' itself"):format(operation.single_field) or ""
      errors.raise(("%s: needs a table of fields%s, not an empty list"):format(operation.name, single))
    elseif operation.body_field and given ~= nil then
      fields[operation.body_field] = whole_body(given, operation.body_field)
    elseif operation.items and type(given) == "table" and next(given) == nil then
      fields[operation.items] = given -- an empty list of items
    elseif operation.map_field and is_plain_fields(given) and type(given[operation.map_field]) ~= "table" then
      fields[operation.map_field] = given
    elseif is_plain_fields(given) then
      fields = M.copy(given --[[@as table]])
    elseif given ~= nil and operation.single_field then
      fields[operation.single_field] = given
    elseif given ~= nil then
      errors.raise(("%s: needs a table of fields, not %s"):format(operation.name, errors.words_of(given)))
    end
  end
  if fields.repository ~= nil or fields.selected_repository ~= nil then
    fields = repositories.in_fields(operation.name, fields, operation.tells_provider)
  end
  if operation.subject then
    position = 2
    fields[operation.subject] = read_subject(client, operation, arguments[1])
  end
  local options = arguments[operation.has_fields and position + 1 or position]
  if type(options) == "table" then
    check_options(operation, options)
  end
  return fields, options
end

return M
