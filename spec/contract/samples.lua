--- Values for the fields of an operation, as a document wants them.
local core = require "openhands.core"
local openapi = require "spec.support.openapi"

local M = {}

local UUID = "7f3b9a1c-2d4e-4f60-a1b2-c3d4e5f60718"
local OTHER_UUID = "0a1b2c3d-4e5f-4061-8273-849aabbccdde"
local DEEPEST = 4 -- levels down to which a sample has what it need not have

local formats = {
  ["date-time"] = "2026-08-20T09:15:02Z",
  date = "2026-08-20",
  uuid = UUID,
  uri = "https://example.com/",
  email = "somebody@example.com",
}

local function text(schema)
  return formats[schema.format] or ("x"):rep(math.max(1, schema.minLength or 0))
end

local of_schema

local function object(document, schema, depth)
  local required, sample = {}, {}
  for _, name in ipairs(schema.required or {}) do required[name] = true end
  for name, property in pairs(schema.properties or {}) do
    if required[name] or depth < DEEPEST then
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

-- The alternative that has one of the types, if any is asked for.
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

-- What the core takes for a type of its own, whatever the document says: the first words of its name decide.
local own = {
  { "^a string or a message", "Check README.md." },
  { "^a string or a list of content", "Check README.md." },
  { "^a UUID or a list", { UUID, OTHER_UUID } },
  { "^a UUID", UUID },
  { "^an id", UUID },
  { "^a name or a list", { "first", "second" } },
  { "^a table from string to string", { first = "one", second = "two" } },
  { "^a table from file name", { ["notes.txt"] = "first line\n" } },
}

local by_type = {
  { "^an integer", { type = "integer" } },
  { "^a boolean", { type = "boolean" } },
  { "^a list", { type = "array" } },
  { "^a table", { type = "object" } },
  { "", { type = "string" } },
}

local function says_nothing(document, schema)
  local resolved = openapi.resolve(document, schema)
  return not (resolved.type or resolved.properties or resolved.anyOf or resolved.oneOf or resolved.enum)
end

--- A value for one field.
---@param document table
---@param field table of the core's table of operations
---@param schema table? the document's, where it knows the field
---@return any
function M.of_field(document, field, schema)
  for _, known in ipairs(own) do
    if field.type:find(known[1]) then
      return known[2]
    end
  end
  for _, known in ipairs(by_type) do
    if field.type:find(known[1]) then
      local known_schema = schema and not says_nothing(document, schema) and schema or known[2]
      return of_schema(document, known_schema, 1, { [known[2].type] = true })
    end
  end
end

return M
