--- Describes the operations of the core's table: the subject of each one, and the fields that its arguments may give.

local rows_of = require "openhands.request.rows"

local M = {}

--- One operation: the rows of one name, and how its arguments are read.
---@class openhands.Operation
---@field name string
---@field row_name string? name of its rows, if it differs from `name`
---@field rows table<string, openhands.Row> by dialect
---@field subject string? name of the field that identifies the subject, e.g. "conversation_id"
---@field is_batch boolean? whether the subject may be a list of ids
---@field has_fields boolean? whether there are fields besides the subject
---@field single_field string? field that gets an argument that is not a table of fields
---@field body_field string? field that is the whole body: its value is the argument itself
---@field takes_empty_list boolean? the field that an argument may be itself can be an empty list
---@field map_field string? the only field, if it is a table with names: its value may be given directly
---@field items string? field with the ids of several items of the subject, requested in batches
---@field tells_provider boolean? whether there is a field for the git provider
---@field takes_conversation boolean? of an agent server: whether its subject is the conversation
---@field shape string? of the answer

-- Returns the fields of a row without the subject, each name once.
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

local takes_empty_list = { list = true, texts = true, names = true, uuids = true } -- kinds of fields

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
    if further[1] and (further[1].required or #further == 1) and not operation.single_field then
      operation.single_field = further[1].name
    end
    local is_single = further[1] and further[1].name == operation.single_field
    operation.takes_empty_list = operation.takes_empty_list or is_single and takes_empty_list[further[1].kind]
    for _, field in ipairs(further) do
      operation.tells_provider = operation.tells_provider or field.name == "git_provider"
    end
    if further[1] and further[1].place == "whole" then
      operation.body_field = further[1].name
    end
    if #further == 1 and takes_table[further[1].kind] and further[1].place ~= "whole" then
      operation.map_field = further[1].name
    end
    -- A batch may be about items of something, e.g. the events of a conversation.
    if each.shape == "list" and is_list_of_ids(further[1]) then
      operation.items = further[1].name
    end
  end
  return operation
end

-- Returns a table that describes each operation when it is first used, from its rows in some dialects.
---@return table<string, openhands.Operation>
local function operations_in(...)
  local dialects = { ... }
  return setmetatable({}, {
    __index = function(operations, name)
      local found, chosen = rows_of[name], {}
      for _, api in ipairs(dialects) do
        chosen[api] = found[api]
      end
      operations[name] = next(chosen) and describe(name, chosen) or nil
      return rawget(operations, name)
    end,
  })
end

--- The operations of the service, by name.
M.of_service = operations_in("v0", "v1")

--- The operations of agent servers, by name; those of a conversation's own runtime begin with "runtime.".
M.of_agent = operations_in "agent"

return M
