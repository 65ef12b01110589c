--- Generates values for the fields of an operation by the schema of a published document.
local core = require "openhands.core"
local openapi = require "spec.support.openapi"

local M = {}

local UUID = "7f3b9a1c-2d4e-4f60-a1b2-c3d4e5f60718"
local OTHER_UUID = "0a1b2c3d-4e5f-4061-8273-849aabbccdde"
local OPTIONAL_DEPTH = 4 -- levels down to which a sample has optional fields

local formats = {
  ["date-time"] = "2026-08-20T09:15:02Z",
  date = "2026-08-20",
  uuid = UUID,
  uri = "https://example.com/",
  email = "dev@example.com",
}

local function text(schema)
  return formats[schema.format] or ("x"):rep(math.max(1, schema.minLength or 0))
end

local of_schema

local function object(document, schema, depth)
  local required, sample = {}, {}
  for _, name in ipairs(schema.required or {}) do required[name] = true end
  for name, property in pairs(schema.properties or {}) do
    if required[name] or depth < OPTIONAL_DEPTH then
      sample[name] = of_schema(document, property, depth + 1)
    end
  end
  if not schema.properties and schema.additionalProperties ~= false then
    local inner = type(schema.additionalProperties) == "table" and schema.additionalProperties or { type = "string" }
    local names = schema.propertyNames and openapi.resolve(document, schema.propertyNames)
    sample[names and names.enum and names.enum[1] or "something"] = of_schema(document, inner, depth + 1)
  end
  return sample
end

-- Returns the alternative that has one of the types, if given.
local function alternative(document, schema, types)
  local choices = schema.anyOf or schema.oneOf
  for _, choice in ipairs(choices or {}) do
    local resolved = openapi.resolve(document, choice)
    if resolved.type ~= "null" and (not types or types[resolved.type]) then
      return choice
    end
  end
  return choices and choices[1]
end

function of_schema(document, wrapped, depth, types)
  local schema = openapi.resolve(document, wrapped)
  local choice = alternative(document, schema, types)
  if choice then
    return of_schema(document, choice, depth, types)
  elseif schema.const ~= nil then
    return schema.const
  elseif schema.enum then
    return schema.enum[1]
  elseif schema.type == "object" or schema.properties then
    return object(document, schema, depth)
  elseif schema.type == "array" then
    return core.array { of_schema(document, schema.items or { type = "string" }, depth + 1) }
  elseif schema.type == "integer" or schema.type == "number" then
    return schema.minimum or schema.exclusiveMinimum and schema.exclusiveMinimum + 1 or 1
  elseif schema.type == "boolean" then
    return true
  end
  return text(schema)
end

-- Values of the kinds of fields that the core encodes itself, whatever the document says.
local ids, words = { UUID, OTHER_UUID }, "Check README.md."
local own = {
  message = words, message_text = words, content = words, content_text = words,
  uuids = ids, uuid = UUID, id = UUID, names = { "first", "second" },
  text_map = { first = "one", second = "two" }, files = { ["notes.txt"] = "first line\n" },
}

-- The schemas of other kinds; the rest are strings.
local schemas = {
  integer = { type = "integer" }, boolean = { type = "boolean" }, object = { type = "object" },
  texts = { type = "array" }, integers = { type = "array" }, list = { type = "array" },
}

local function is_empty(document, schema)
  local resolved = openapi.resolve(document, schema)
  return not (resolved.type or resolved.properties or resolved.anyOf or resolved.oneOf or resolved.enum)
end

--- Returns a value for one field.
---@param document table
---@param field table of the core's table of operations
---@param schema table? of the document, if it knows the field
---@return any
function M.of_field(document, field, schema)
  if own[field.kind] then
    return own[field.kind]
  end
  local expected = schemas[field.kind] or { type = "string" }
  local known_schema = schema and not is_empty(document, schema) and schema or expected
  return of_schema(document, known_schema, 1, { [expected.type] = true })
end

return M
