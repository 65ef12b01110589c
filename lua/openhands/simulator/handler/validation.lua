--- Checks bodies and queries against schemas and words the errors as the service does (HTTP 422, a list of
-- `{type, loc, msg, input}`). Only the kinds that the operations need.
local ascii = require "openhands.ascii"
local identifiers = require "openhands.simulator.encoding.uuid"
local json = require "openhands.simulator.encoding.json"
local reply = require "openhands.simulator.http.response"
local timestamps = require "openhands.simulator.encoding.timestamps"

local M = {}

local function with(loc, name)
  local longer = json.array()
  for index = 1, #loc do longer[index] = loc[index] end
  longer[#longer + 1] = name
  return longer
end

local function complain(errors, kind, loc, message, input, context)
  errors[#errors + 1] = { type = kind, loc = json.array(loc), msg = message, input = input, ctx = context }
end

local function uuid_error(errors, loc, text)
  local reason = ("invalid length: expected length 32 for simple format, found %d"):format(#text)
  if #text == 32 or #text == 36 then reason = "invalid character" end
  complain(errors, "uuid_parsing", loc, "Input should be a valid UUID, " .. reason, text, { error = reason })
end

local function quoted(values)
  local parts = {}
  for index, value in ipairs(values) do parts[index] = "'" .. value .. "'" end
  local last = table.remove(parts)
  return #parts > 0 and table.concat(parts, ", ") .. " or " .. last or last
end

local function includes(values, value)
  for _, candidate in ipairs(values) do
    if candidate == value then return true end
  end
  return false
end

local kinds = {}

function kinds.string(value, schema, loc, errors)
  if type(value) ~= "string" then
    complain(errors, "string_type", loc, "Input should be a valid string", value)
  elseif schema.least and #value < schema.least then
    complain(errors, "string_too_short", loc, ("String should have at least %d character"):format(schema.least), value,
      { min_length = schema.least })
  elseif schema.most and #value > schema.most then
    complain(errors, "string_too_long", loc, ("String should have at most %d characters"):format(schema.most), value,
      { max_length = schema.most })
  elseif schema.pattern and not value:find(schema.pattern) then
    complain(errors, "string_pattern_mismatch", loc, "String should match pattern '" .. schema.pattern .. "'", value,
      { pattern = schema.pattern })
  end
end

function kinds.boolean(value, _, loc, errors)
  if type(value) ~= "boolean" then
    complain(errors, "bool_type", loc, "Input should be a valid boolean", value)
  end
end

function kinds.integer(value, _, loc, errors)
  if type(value) ~= "number" then
    complain(errors, "int_type", loc, "Input should be a valid integer", value)
  elseif value % 1 ~= 0 then
    complain(errors, "int_from_float", loc,
      "Input should be a valid integer, got a number with a fractional part", value)
  end
end

function kinds.uuid(value, _, loc, errors)
  if type(value) ~= "string" then
    complain(errors, "uuid_type", loc, "UUID input should be a string, bytes or UUID object", value)
  elseif not identifiers.uuid(value) then
    uuid_error(errors, loc, value)
  end
end

function kinds.enum(value, schema, loc, errors)
  if not includes(schema.values, value) then
    local expected = quoted(schema.values)
    complain(errors, "enum", loc, "Input should be " .. expected, value, { expected = expected })
  end
end

function kinds.list(value, schema, loc, errors)
  if not json.is_array(value) then
    complain(errors, "list_type", loc, "Input should be a valid list", value)
    return
  end
  for index = 1, #value do M.check(value[index], schema.of, with(loc, index - 1), errors) end
  if schema.least and #value < schema.least then
    complain(errors, "too_short", loc, ("List should have at least %d item after validation, not %d")
      :format(schema.least, #value), value, { actual_length = #value, field_type = "List", min_length = schema.least })
  end
end

function kinds.map(value, schema, loc, errors)
  if type(value) ~= "table" or value == json.null or json.is_array(value) then
    complain(errors, "dict_type", loc, "Input should be a valid dictionary", value)
    return
  end
  for name, item in pairs(value) do M.check(item, schema.of, with(loc, name), errors) end
end

function kinds.any() end

-- A block of a message: its `type` field says which of the two schemas holds.
function kinds.block(value, schema, loc, errors)
  local kind = type(value) == "table" and value.type
  local chosen = schema.schemas[kind]
  if chosen then return kinds.object(value, chosen, with(loc, kind), errors) end
  complain(errors, "union_tag_invalid", loc,
    "Input tag does not match any of the expected tags: 'text', 'image'", value)
end

function kinds.object(value, schema, loc, errors)
  if type(value) ~= "table" or value == json.null or json.is_array(value) then
    complain(errors, "model_attributes_type", loc,
      "Input should be a valid dictionary or object to extract fields from", value)
    return
  end
  local names = {}
  for name in pairs(schema.fields) do names[#names + 1] = name end
  table.sort(names, ascii.is_before)
  for _, name in ipairs(names) do
    local field = schema.fields[name]
    if value[name] == nil then
      if field.required then complain(errors, "missing", with(loc, name), "Field required", value) end
    else
      M.check(value[name], field, with(loc, name), errors)
    end
  end
  if not schema.closed then return end
  for name, extra in pairs(value) do
    if not schema.fields[name] then
      complain(errors, "extra_forbidden", with(loc, name), "Extra inputs are not permitted", extra)
    end
  end
end

--- Checks one decoded value against a schema: `{ kind, nullable?, required?, of?, fields?, closed?, values?, least? }`.
---@param value any
---@param schema table
---@param loc (string|integer)[] where the value stands, e.g. `{ "body" }`
---@param errors table[] complaints are appended
function M.check(value, schema, loc, errors)
  if schema.nullable and value == json.null then return end
  kinds[schema.kind](value, schema, loc, errors)
end

--- Decodes and checks a JSON body as FastAPI does: a body that is not declared as JSON is no object.
---@param call { body: string, headers: table<string, string> }
---@param schema table
---@return table? body
---@return table[]? errors
function M.body(call, schema)
  local errors = {}
  if call.body == "" then
    complain(errors, "missing", { "body" }, "Field required", json.null)
    return nil, errors
  end
  local declared = ascii.lower(call.headers["content-type"] or "application/json")
  local is_json = declared:match("^application/json") or declared:match("%+json")
  local value = call.body
  if is_json then
    local message
    value, message = json.decode(call.body)
    if value == nil then
      complain(errors, "json_invalid", { "body", 0 }, "JSON decode error", {}, { error = message })
      return nil, errors
    end
  end
  M.check(value, schema, { "body" }, errors)
  if #errors > 0 then return nil, errors end
  return value
end

local query_kinds = {}

function query_kinds.text(text) return text end

function query_kinds.limit(text, _, loc, errors)
  local limit = text:match("^%d+$") and tonumber(text)
  if not limit then
    complain(errors, "int_parsing", loc, "Input should be a valid integer, unable to parse string as an integer", text)
  elseif limit < 1 then
    complain(errors, "greater_than_equal", loc, "Input should be greater than or equal to 1", text, { ge = 1 })
  elseif limit > 100 then
    complain(errors, "less_than_equal", loc, "Input should be less than or equal to 100", text, { le = 100 })
  end
  return limit
end

function query_kinds.enum(text, rule, loc, errors)
  kinds.enum(text, rule, loc, errors)
  return text
end

local truths = { ["true"] = true, ["1"] = true, ["false"] = false, ["0"] = false }

function query_kinds.boolean(text, _, loc, errors)
  if truths[ascii.lower(text)] == nil then
    complain(errors, "bool_parsing", loc, "Input should be a valid boolean, unable to interpret input", text)
  end
  return truths[ascii.lower(text)]
end

function query_kinds.uuid(text, _, loc, errors)
  kinds.uuid(text, nil, loc, errors)
  return identifiers.uuid(text)
end

function query_kinds.datetime(text, _, loc, errors)
  local seconds = timestamps.parse(text)
  if not seconds then
    complain(errors, "datetime_from_date_parsing", loc, "Input should be a valid datetime or date", text)
  end
  return seconds
end

--- Checks an id in a path.
---@param name string of the parameter
---@param id string
---@return table[]? errors
function M.path_uuid(name, id)
  local errors = {}
  kinds.uuid(id, nil, { "path", name }, errors)
  return #errors > 0 and errors or nil
end

--- Checks query parameters. Unknown ones are ignored, as the service does; of a repeated one the last counts,
-- except where the rule says `list`.
---@param query table<string, string[]>
---@param rules table<string, { kind: string, required?: boolean, list?: boolean, default?: any, values?: string[] }>
---@return table values by name
---@return table[]? errors
function M.query(query, rules)
  local values, errors = {}, {}
  for name, rule in pairs(rules) do
    local given, loc = query[name], { "query", name }
    local read = query_kinds[rule.kind]
    if not given then
      values[name] = rule.default
      if rule.required then complain(errors, "missing", loc, "Field required", json.null) end
    elseif rule.list then
      values[name] = {}
      for index, text in ipairs(given) do
        values[name][index] = read(text, rule, with(loc, index - 1), errors)
      end
    else
      values[name] = read(given[#given], rule, loc, errors)
    end
  end
  return values, #errors > 0 and errors or nil
end

--- An operation that reads its query first, and refuses one that does not fit the rules.
---@param rules table as `query` takes them
---@param answer fun(model: openhands.simulator.Model, call: table, query: table, ...: string): table
---@return fun(model: openhands.simulator.Model, call: table, ...: string): table
function M.with_query(rules, answer)
  return function(model, call, ...)
    local query, errors = M.query(call.query, rules)
    if errors then return reply.detail(422, json.array(errors)) end
    return answer(model, call, query, ...)
  end
end

return M
