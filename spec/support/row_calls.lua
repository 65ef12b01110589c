--- Calls of the core for any row of the table of operations: values for its fields, its options, and the request that
--- it sends.
local canary = require "spec.support.canary"
local core = require "openhands.core"

local M = {}

M.SESSION = "session-canary-7c21"
M.UUID, M.OTHER = "0123abcd-4567-89ef-0123-456789abcdef", "fedcba98765432100123456789abcdef"

--- A text with characters that must be escaped in at least one place of a request.
M.NASTY = "ü &=?#%+\"\\\1 \240\159\153\130"

--- The directory for downloads; the spec makes and removes it.
M.directory = nil

local text_block = { type = "text", text = "Hi" }
--- By kind of field: a value, a wrong one of the right Lua type, and the Lua types that it takes.
M.types = {
  text = { M.NASTY, takes = "string" },
  secret = { M.NASTY, takes = "string" },
  file = { M.NASTY, takes = "string" },
  id = { "abc_-1", takes = "string" },
  uuid = { M.UUID, takes = "string" },
  uuids = { { M.UUID, M.OTHER }, takes = "string table", wrong = { "x" } },
  name = { "ü &=?#%+\"\\..", takes = "string" },
  names = { { "a/b", "ü &" }, takes = "string table", wrong = { 1 } },
  integer = { -7, takes = "number" },
  boolean = { false, takes = "boolean" },
  texts = { { "a", M.NASTY }, takes = "table", wrong = { 1 } },
  integers = { { 1, 9007199254740991 }, takes = "table", wrong = { "x" } },
  text_map = { { NAME = M.NASTY }, takes = "table", wrong = { NAME = 1 } },
  object = { { a = { 1, { b = false } }, c = M.NASTY }, takes = "table", wrong = { "x" } },
  list = { { { a = 1 }, "x" }, takes = "table", wrong = { a = 1 } },
  message = { "Hi", takes = "string table", wrong = { content = "Hi" } },
  message_text = { "Hi", takes = "string table", wrong = { content = "Hi" } },
  content = { "Hi", takes = "string table", wrong = { a = "Hi" } },
  content_text = { "Hi", takes = "string table", wrong = { a = "Hi" } },
  files = { { ['a"b.txt'] = "A\0\255" }, takes = "table", wrong = { ["a.txt"] = 1 } },
}

--- Returns a value for a field. A field with two places has a value that is valid in both.
---@return any
function M.value_of(row, field)
  if field.place == "header" then return M.SESSION end
  for _, other in ipairs(row.fields) do
    if other.name == field.name and other.place == "path" then return M.types[other.kind][1] end
  end
  return M.types[field.kind][1]
end

local blocks = { v0 = "Hi", v1 = { text_block }, agent = { text_block } }
--- Returns the value of a field in the form that the JSON of a body has.
---@return any
function M.as_json(row, field)
  if field.kind == "message" or field.kind == "message_text" then
    return row.api == "v0" and "Hi" or { role = "user", content = { text_block } }
  end
  if field.kind == "content" or field.kind == "content_text" then return blocks[row.api] end
  return M.value_of(row, field)
end

--- Returns every field of a row in one spelling, or the required ones only.
---@return table fields by name
function M.fields_of(row, only_required)
  local fields, wires = {}, {}
  for _, field in ipairs(row.fields) do
    local key = field.place .. " " .. field.wire
    if not wires[key] and (field.required or not only_required) then
      wires[key] = true
      fields[field.name] = M.value_of(row, field)
    end
  end
  return fields
end

--- Returns the options for the call of a row.
---@param row table
---@param server string? address of the conversation's own server
---@return table
function M.options_of(row, server)
  local options = { api = row.api, timeout = 20 }
  if row.shape == "file" then options.download = M.directory .. "/file" end
  if row.host == "runtime" and (row.api == "agent" or server) then
    options.server, options.session_api_key = server or "https://runtime.example/prefix", M.SESSION
  end
  return options
end

--- Returns a client whose requests the spec takes out and answers.
function M.new()
  return core.new {
    base_url = "https://service.example", api_key = canary.key, external = true, organization = "an-organization",
  }
end

--- Tells whether a row has a field in a place.
---@return boolean
function M.uses(row, place)
  for _, field in ipairs(row.fields) do
    if field.place == place then return true end
  end
  return false
end

--- Returns the request that a call sends; fails if it is refused.
---@return table request
function M.accepted(row, fields)
  local client = M.new()
  local number, err = core[row.name](client, fields, M.options_of(row))
  assert(number, err and err.reason)
  local _, request = client:outgoing()
  client:close()
  return request
end

--- Returns the fields of a row with another value for one of them.
---@return table
function M.with(row, name, value)
  local fields = M.fields_of(row)
  fields[name] = value
  return fields
end

--- Calls a function for each field of each row, with example fields of the row. No other spelling of the
--- field is among them.
---@param visit fun(row: table, field: table, fields: table)
function M.each_field(visit)
  for _, row in ipairs(core.operations()) do
    for _, field in ipairs(row.fields) do
      local fields = M.fields_of(row)
      if fields[field.name] == nil then -- the other spelling
        for _, other in ipairs(row.fields) do
          if other.wire == field.wire and other.place == field.place then fields[other.name] = nil end
        end
      end
      visit(row, field, fields)
    end
  end
end

--- Returns the name of a row with its dialect.
---@return string
function M.title(row) return row.api .. " " .. row.name end

return M
