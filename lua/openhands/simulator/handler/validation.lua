--- Checks bodies, queries and path ids against schemas. A refusal is the 422 of the service: a list of
-- `{type, loc, msg, input}`. Supports only the kinds of values that the operations use.
local ascii = require "openhands.simulator.encoding.ascii"
local json = require "openhands.simulator.encoding.json"
local lists = require "openhands.simulator.lists"
local responses = require "openhands.simulator.http.responses"
local timestamps = require "openhands.simulator.encoding.timestamps"
local uuid = require "openhands.simulator.encoding.uuid"

local M = {}

---@class openhands.simulator.Schema of a JSON value
---@field kind "string"|"boolean"|"integer"|"uuid"|"enum"|"list"|"map"|"any"|"block"|"object"
---@field nullable? boolean
---@field required? boolean of a field
---@field of? openhands.simulator.Schema of the items
---@field fields? table<string, openhands.simulator.Schema>
---@field closed? boolean refuse unknown fields
---@field values? string[] of an enum
---@field schemas? table<string, openhands.simulator.Schema> of a block, by its `type`
---@field least? integer lowest number of characters or items
---@field most? integer highest number of characters
---@field pattern? string

---@class openhands.simulator.QueryRule of a query parameter
---@field kind "text"|"limit"|"enum"|"boolean"|"uuid"|"datetime"
---@field required? boolean
---@field list? boolean keep every repetition; default: the last one
---@field default? string|integer|boolean
---@field values? string[] of an enum

local function with(loc, name)
  local longer = json.array()
  for index = 1, #loc do
    longer[index] = loc[index]
  end
  longer[#longer + 1] = name
  return longer
end

local function add_error(errors, kind, loc, message, input, context)
  errors[#errors + 1] = { type = kind, loc = json.array(loc), msg = message, input = input, ctx = context }
end

local function uuid_error(errors, loc, text)
  local reason = ("invalid length: expected length 32 for simple format, found %d"):format(#text)
  if #text == 32 or #text == 36 then
    reason = "invalid character"
  end
  add_error(errors, "uuid_parsing", loc, "Input should be a valid UUID, " .. reason, text, { error = reason })
end

local function quoted(values)
  local parts = {}
  for index, value in ipairs(values) do
    parts[index] = "'" .. value .. "'"
  end
  local last = table.remove(parts)
  return #parts > 0 and table.concat(parts, ", ") .. " or " .. last or last
end

local kinds = {}
local check

function kinds.string(value, schema, loc, errors)
  if type(value) ~= "string" then
    add_error(errors, "string_type", loc, "Input should be a valid string", value)
  elseif schema.least and #value < schema.least then
    add_error(errors, "string_too_short", loc, ("String should have at least %d character"):format(schema.least), value,
      { min_length = schema.least })
  elseif schema.most and #value > schema.most then
    add_error(errors, "string_too_long", loc, ("String should have at most %d characters"):format(schema.most), value,
      { max_length = schema.most })
  elseif schema.pattern and not value:find(schema.pattern) then
    add_error(errors, "string_pattern_mismatch", loc, "String should match pattern '" .. schema.pattern .. "'", value,
      { pattern = schema.pattern })
  end
end

function kinds.boolean(value, _, loc, errors)
  if type(value) ~= "boolean" then
    add_error(errors, "bool_type", loc, "Input should be a valid boolean", value)
  end
end

function kinds.integer(value, _, loc, errors)
  if type(value) ~= "number" then
    add_error(errors, "int_type", loc, "Input should be a valid integer", value)
  elseif value % 1 ~= 0 then
    add_error(errors, "int_from_float", loc,
      "Input should be a valid integer, got a number with a fractional part", value)
  end
end

function kinds.uuid(value, _, loc, errors)
  if type(value) ~= "string" then
    add_error(errors, "uuid_type", loc, "UUID input should be a string, bytes or UUID object", value)
  elseif not uuid.parse(value) then
    uuid_error(errors, loc, value)
  end
end

function kinds.enum(value, schema, loc, errors)
  if not lists.includes(schema.values, value) then
    local expected = quoted(schema.values)
    add_error(errors, "enum", loc, "Input should be " .. expected, value, { expected = expected })
  end
end

function kinds.list(value, schema, loc, errors)
  if not json.is_array(value) then
    add_error(errors, "list_type", loc, "Input should be a valid list", value)
    return
  end
  for index = 1, #value do
    check(value[index], schema.of, with(loc, index - 1), errors)
  end
  if schema.least and #value < schema.least then
    add_error(errors, "too_short", loc, ("List should have at least %d item after validation, not %d")
      :format(schema.least, #value), value, { actual_length = #value, field_type = "List", min_length = schema.least })
  end
end

function kinds.map(value, schema, loc, errors)
  if type(value) ~= "table" or value == json.null or json.is_array(value) then
    add_error(errors, "dict_type", loc, "Input should be a valid dictionary", value)
    return
  end
  for name, item in pairs(value) do
    check(item, schema.of, with(loc, name), errors)
  end
end

function kinds.any() end

-- A block of a message: its field `type` chooses the schema.
function kinds.block(value, schema, loc, errors)
  local kind = type(value) == "table" and value.type
  local chosen = schema.schemas[kind]
  if chosen then
    return kinds.object(value, chosen, with(loc, kind), errors)
  end
  add_error(errors, "union_tag_invalid", loc,
    "Input tag does not match any of the expected tags: 'text', 'image'", value)
end

function kinds.object(value, schema, loc, errors)
  if type(value) ~= "table" or value == json.null or json.is_array(value) then
    add_error(errors, "model_attributes_type", loc,
      "Input should be a valid dictionary or object to extract fields from", value)
    return
  end
  local names = {}
  for name in pairs(schema.fields) do
    names[#names + 1] = name
  end
  table.sort(names, ascii.is_before)
  for _, name in ipairs(names) do
    local field = schema.fields[name]
    if value[name] == nil then
      if field.required then
        add_error(errors, "missing", with(loc, name), "Field required", value)
      end
    else
      check(value[name], field, with(loc, name), errors)
    end
  end
  if not schema.closed then
    return
  end
  for name, extra in pairs(value) do
    if not schema.fields[name] then
      add_error(errors, "extra_forbidden", with(loc, name), "Extra inputs are not permitted", extra)
    end
  end
end

-- Checks one decoded value against a schema and appends the errors. `loc` is its location, e.g. `{ "body" }`.
function check(value, schema, loc, errors)
  if schema.nullable and value == json.null then
    return
  end
  kinds[schema.kind](value, schema, loc, errors)
end

local function refusal_of(errors)
  return #errors > 0 and responses.invalid(errors) or nil
end

--- Checks one value against a schema.
---@param value any
---@param schema openhands.simulator.Schema
---@param loc (string|integer)[] location of the value, e.g. `{ "path", "name" }`
---@return openhands.simulator.Response? refusal
function M.value(value, schema, loc)
  local errors = {}
  check(value, schema, loc, errors)
  return refusal_of(errors)
end

--- Decodes and checks a JSON body as FastAPI does: if the Content-Type is not JSON, the body counts as a string.
---@param call { body: string, headers: table<string, string> }
---@param schema openhands.simulator.Schema
---@return table? body
---@return openhands.simulator.Response? refusal
function M.body(call, schema)
  local errors = {}
  if call.body == "" then
    add_error(errors, "missing", { "body" }, "Field required", json.null)
    return nil, refusal_of(errors)
  end
  local declared = ascii.lower(call.headers["content-type"] or "application/json")
  local is_json = declared:match("^application/json") or declared:match("%+json")
  local value = call.body
  if is_json then
    local message
    value, message = json.decode(call.body)
    if value == nil then
      add_error(errors, "json_invalid", { "body", 0 }, "JSON decode error", {}, { error = message })
      return nil, refusal_of(errors)
    end
  end
  check(value, schema, { "body" }, errors)
  if #errors > 0 then
    return nil, refusal_of(errors)
  end
  return value
end

local query_kinds = {}

function query_kinds.text(text)
  return text
end

function query_kinds.limit(text, _, loc, errors)
  local limit = text:match("^%d+$") and tonumber(text)
  if not limit then
    add_error(errors, "int_parsing", loc, "Input should be a valid integer, unable to parse string as an integer", text)
  elseif limit < 1 then
    add_error(errors, "greater_than_equal", loc, "Input should be greater than or equal to 1", text, { ge = 1 })
  elseif limit > 100 then
    add_error(errors, "less_than_equal", loc, "Input should be less than or equal to 100", text, { le = 100 })
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
    add_error(errors, "bool_parsing", loc, "Input should be a valid boolean, unable to interpret input", text)
  end
  return truths[ascii.lower(text)]
end

function query_kinds.uuid(text, _, loc, errors)
  kinds.uuid(text, nil, loc, errors)
  return uuid.parse(text)
end

function query_kinds.datetime(text, _, loc, errors)
  local seconds = timestamps.parse(text)
  if not seconds then
    add_error(errors, "datetime_from_date_parsing", loc, "Input should be a valid datetime or date", text)
  end
  return seconds
end

--- Checks a UUID in a path.
---@param name string of the parameter
---@param id string
---@return openhands.simulator.Response? refusal
function M.path_uuid(name, id)
  return M.value(id, { kind = "uuid" }, { "path", name })
end

--- Checks query parameters. Ignores unknown ones, as the service does.
---@param query table<string, string[]>
---@param rules table<string, openhands.simulator.QueryRule>
---@return table? values by name
---@return openhands.simulator.Response? refusal
function M.query(query, rules)
  local values, errors = {}, {}
  for name, rule in pairs(rules) do
    local given, loc = query[name], { "query", name }
    local read = query_kinds[rule.kind]
    if not given then
      values[name] = rule.default
      if rule.required then
        add_error(errors, "missing", loc, "Field required", json.null)
      end
    elseif rule.list then
      values[name] = {}
      for index, text in ipairs(given) do
        values[name][index] = read(text, rule, with(loc, index - 1), errors)
      end
    else
      values[name] = read(given[#given], rule, loc, errors)
    end
  end
  if #errors > 0 then
    return nil, refusal_of(errors)
  end
  return values
end

--- Wraps a handler so that it gets the checked query as its third argument.
---@param rules table<string, openhands.simulator.QueryRule>
---@param handler openhands.simulator.Handler
---@return openhands.simulator.Handler
function M.with_query(rules, handler)
  return function(model, call, ...)
    local query, refusal = M.query(call.query, rules)
    return query and handler(model, call, query, ...) or refusal --[[@as openhands.simulator.Response]]
  end
end

--- Wraps a handler so that it gets the checked JSON body as its fourth argument, after one value of the path.
---@param schema openhands.simulator.Schema
---@param handler openhands.simulator.Handler
---@return openhands.simulator.Handler
function M.with_body(schema, handler)
  return function(model, call, first)
    local body, refusal = M.body(call, schema)
    return body and handler(model, call, first, body) or refusal --[[@as openhands.simulator.Response]]
  end
end

return M
