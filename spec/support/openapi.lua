--- Reads the OpenAPI documents that the service publishes. They are stored outside this project; without them, the
--- specs print a message on stderr.
local cjson = require "cjson"

local M = {}

--- Their folder, seen from the root of the project.
M.folder = "../shared/api/"

--- The file of each dialect's document.
M.files = { v0 = "V0_openapi.json", v1 = "openhands-cloud.json", agent = "agent-sdk.json" }

--- Returns a decoded document. If it is missing, returns nil after a line on stderr.
---@param api "v0"|"v1"|"agent"
---@return table? document
function M.document(api)
  local path = M.folder .. M.files[api]
  local file = io.open(path)
  if not file then
    io.stderr:write(("skipped: there is no %s to check the %s operations against\n"):format(path, api))
    return nil
  end
  local text = file:read "*a"
  file:close()
  return cjson.decode(text)
end

-- Returns the form in which paths are compared: documents may name the parts in braces differently.
local function spot(method, path) return method:upper() .. " " .. path:gsub("{[^}]*}", "{}") end

M.spot = spot

--- Returns the operations of a document by method and path, with `{}` for each name in braces.
---@param document table
---@return table<string, table>
function M.operations(document)
  local found = {}
  for path, methods in pairs(document.paths) do
    for method, operation in pairs(methods) do
      if method ~= "parameters" then
        found[spot(method, path)] = operation
      end
    end
  end
  return found
end

local function is_null(schema) return schema.type == "null" end

--- Returns a schema without its wrapping: references, `null` as an alternative, an allOf of one.
---@param document table
---@param schema table
---@return table
function M.resolve(document, schema)
  local reference = schema["$ref"]
  if reference then
    return M.resolve(document, document.components.schemas[reference:match "^#/components/schemas/(.+)$"])
  end
  local alternatives = {}
  for _, alternative in ipairs(schema.anyOf or schema.oneOf or schema.allOf or {}) do
    if not is_null(alternative) then
      alternatives[#alternatives + 1] = alternative
    end
  end
  if #alternatives == 1 then
    return M.resolve(document, alternatives[1])
  end
  return schema
end

local function parameters_in(operation, place)
  local found = {}
  for _, parameter in ipairs(operation.parameters or {}) do
    if parameter["in"] == place then
      found[parameter.name] = { required = parameter.required == true, schema = parameter.schema }
    end
  end
  return found
end

local media_places = {
  ["application/json"] = "body",
  ["application/x-www-form-urlencoded"] = "form",
  ["multipart/form-data"] = "multipart",
}

--- Returns the parameters that a document has for an operation: by place and name, their `required` and `schema`. A
--- body that is no object with known fields has the place "whole".
---@param document table
---@param operation table
---@return table places, boolean? needs_body
function M.places(document, operation)
  local places = {
    query = parameters_in(operation, "query"), header = parameters_in(operation, "header"),
    body = {}, form = {}, multipart = {},
  }
  local request = operation.requestBody
  for media, content in pairs(request and request.content or {}) do
    local schema = M.resolve(document, content.schema or {})
    if schema.properties then
      local required = {}
      for _, name in ipairs(schema.required or {}) do required[name] = true end
      for name, property in pairs(schema.properties) do
        places[media_places[media]][name] = { required = required[name] == true, schema = property }
      end
    else
      places.whole = schema
    end
  end
  return places, request ~= nil and request.required == true
end

-- JSON types of what the core writes for each kind of field.
local text, object, list = { string = true }, { object = true }, { array = true }
local written = {
  text = text, secret = text, id = text, uuid = text, name = text, file = text,
  message = { string = true, object = true }, message_text = { string = true, object = true },
  content = list, content_text = list,
  uuids = list, names = list, texts = list, integers = list, list = list, files = list,
  object = object, text_map = object,
  integer = { integer = true, number = true }, boolean = { boolean = true },
}

local function json_types(kind)
  return written[kind] or error(("spec/support/openapi.lua does not know what the core writes for %q"):format(kind))
end

local function takes(document, schema, types)
  local inner = M.resolve(document, schema)
  for _, alternative in ipairs(inner.anyOf or inner.oneOf or { inner }) do
    local kind = M.resolve(document, alternative).type
    if kind == nil or types[kind] then
      return true
    end
  end
  return false
end

-- Returns the fields of a row by place and wire name; two spellings of one field are one.
local function fields_by_place(row)
  local places = { path = {}, query = {}, header = {}, body = {}, form = {}, multipart = {}, whole = {} }
  for _, field in ipairs(row.fields) do
    places[field.place][field.wire] = field
  end
  return places
end

local function compare_path(row, ours, complain)
  for name in row.path:gmatch "{([^}]*)}" do
    if not ours[name] then
      complain("path '%s' has no field", name)
    end
    ours[name] = nil
  end
  for name in pairs(ours) do
    complain("path '%s' does not stand in it", name)
  end
end

local function compare(document, place, ours, theirs, complain)
  for name, field in pairs(ours) do
    local there = theirs[name]
    if not there then
      complain("%s '%s' is not published", place, name)
    elseif not takes(document, there.schema, json_types(field.kind)) then
      complain("%s '%s' is not %s there", place, name, field.type)
    elseif there.required and not field.required then
      complain("%s '%s' is required there", place, name)
    end
  end
  for name, there in pairs(theirs) do
    if there.required and not ours[name] then
      complain("%s '%s' is required there and missing here", place, name)
    end
  end
end

--- Returns the differences between a row of the core's table of operations and a document.
---@param document table
---@param published table its operations
---@param row table
---@return string[] complaints each begins with the method and the path
function M.complaints(document, published, row)
  local where = spot(row.method, row.path)
  local complaints = {}
  local function complain(format, ...)
    complaints[#complaints + 1] = ("%s: " .. format):format(where, ...)
  end
  local ours = fields_by_place(row)
  compare_path(row, ours.path, complain)
  local operation = published[where]
  if not operation then
    complain "is not published"
    return complaints
  end
  local theirs, needs_body = M.places(document, operation)
  for _, place in ipairs { "query", "header", "body", "form", "multipart" } do
    compare(document, place, ours[place], theirs[place], complain)
  end
  local whole = next(ours.whole) and select(2, next(ours.whole))
  if whole and not (theirs.whole and takes(document, theirs.whole, json_types(whole.kind))) then
    complain("body is not %s there", whole.type)
  elseif theirs.whole and needs_body and not whole then
    complain "a body is required there and missing here"
  end
  table.sort(complaints)
  return complaints
end

return M
