-- Writes what is said of the operations from the core's own table of them.
--   lua tools/reference.lua table     doc/operations.md: each operation, the dialects that have it, its fields
--   lua tools/reference.lua types     lua/openhands/types/operations.lua: the same for editors
-- `make reference` writes both; a spec holds the files against this.
local ascii = require "openhands.ascii"
local core = require "openhands.core"

local M = {}

local titles = { v0 = "V0", v1 = "V1", agent = "agent server" }
local dialects = { "v0", "v1", "agent" }

-- Operations in the order of the table, each with its rows by dialect.
local function collect(of_agent)
  local names, rows = {}, {}
  for _, row in ipairs(core.operations()) do
    if (row.api == "agent") == of_agent then
      if not rows[row.name] then
        rows[row.name] = {}
        names[#names + 1] = row.name
      end
      rows[row.name][row.api] = row
    end
  end
  table.sort(names, function(one, other)
    local grouped, other_grouped = one:find(".", 1, true) ~= nil, other:find(".", 1, true) ~= nil
    if grouped ~= other_grouped then
      return not grouped
    end
    return ascii.is_before(one, other)
  end)
  return names, rows
end

-- What an operation does, in one line: it stands in its row.
local function description(rows)
  local row = rows.v1 or rows.v0 or rows.agent
  return row.description or error(("the row of %s has no description"):format(row.name))
end

-- Fields of all rows of an operation, each with the dialects that have it.
local function fields_of(rows)
  local list, by_name = {}, {}
  for _, api in ipairs(dialects) do
    for _, field in ipairs(rows[api] and rows[api].fields or {}) do
      local known = by_name[field.name]
      if not known then
        known = { name = field.name, type = field.type, required = field.required, apis = {} }
        by_name[field.name] = known
        list[#list + 1] = known
      end
      known.apis[api] = true
      known.required = known.required or field.required
    end
  end
  return list
end

local function count(set)
  local number = 0
  for _ in pairs(set) do
    number = number + 1
  end
  return number
end

-- " (V1)" for a field that not every dialect of the operation has.
local function restriction(field, rows)
  if count(field.apis) == count(rows) then
    return ""
  end
  for _, api in ipairs(dialects) do
    if field.apis[api] then
      return (" (%s)"):format(titles[api])
    end
  end
end

-- ---- the table ---------------------------------------------------------------------------------------------------

local function field_words(rows)
  local words = {}
  for _, field in ipairs(fields_of(rows)) do
    local name = field.required and ("**`%s`**"):format(field.name) or ("`%s`"):format(field.name)
    words[#words + 1] = name .. restriction(field, rows)
  end
  return table.concat(words, ", ")
end

local function route(row)
  return row and ("`%s %s`"):format(row.method, row.path) or "–"
end

function M.table()
  local lines = {
    "# Operations",
    "",
    "<!-- Written by `make reference` from the core's table of operations. -->",
    "",
    "Every call that is one request, with the dialects that have it. What a dialect has not comes back as an error of",
    "kind `unsupported`. Fields in bold are needed (of two spellings, one). What a call is about comes first, then its",
    "fields, then options; the first needed field may stand alone: `openhands.file(id, \"README.md\")`. A name with a",
    "dot is in a group: `openhands.secrets.list{}`, `client.secrets:list{}`.",
    "",
    "| call | does | V0 | V1 | fields |",
    "|---|---|---|---|---|",
  }
  local names, rows = collect(false)
  for _, name in ipairs(names) do
    lines[#lines + 1] = ("| `%s` | %s | %s | %s | %s |"):format(name, description(rows[name]), route(rows[name].v0),
      route(rows[name].v1), field_words(rows[name]))
  end
  local more = {
    "",
    "## The agent server",
    "",
    "`conversation:agent()` speaks to the sandbox of a V1 conversation itself. The conversation's id is filled in.",
    "",
    "| call | does | request | fields |",
    "|---|---|---|---|",
  }
  for _, line in ipairs(more) do
    lines[#lines + 1] = line
  end
  names, rows = collect(true)
  for _, name in ipairs(names) do
    lines[#lines + 1] = ("| `%s` | %s | %s | %s |"):format(name, description(rows[name]), route(rows[name].agent),
      field_words(rows[name]))
  end
  return table.concat(lines, "\n") .. "\n"
end

-- ---- types -------------------------------------------------------------------------------------------------------

local types = {
  ["a UUID or a list of at most 99"] = "string|string[]",
  ["a name or a list of at most 99"] = "string|string[]",
  ["an integer"] = "integer",
  ["a boolean"] = "boolean",
  ["a list of strings"] = "string[]",
  ["a list of integers"] = "integer[]",
  ["a table from string to string"] = "table<string, string>",
  ["a table from file name to contents"] = "table<string, string>",
  ["a table with string keys"] = "table",
  ["a list"] = "table[]",
  ["a string or a message table"] = "string|table",
  ["a string or a list of content blocks"] = "string|table[]",
}

local shapes = {
  page = "openhands.Pages",
  integer = "integer?",
  ["boolean or nothing"] = "boolean?",
  text = "string?",
  texts = "string[]?",
  bytes = "string?",
  any = "any",
  file = "{ path: string, bytes: number }?",
  list = "table[]?",
  stream = "table[]?",
}

local inner = { start = true, start_streaming = true, status = true }

-- Composed calls take the place of these rows, or give more than the row says; types.lua has them.
local composed = {
  update = true,
  delete = true,
  stop = true,
  start_again = true,
  list = true,
  events = true,
  file = true,
  download = true,
  download_workspace = true,
}

local agent_composed = {
  events = true,
  upload = true,
  download = true,
  archive = true,
  download_trajectory = true,
  set_confirmation_policy = true,
}

local function add(lines, format, ...)
  lines[#lines + 1] = format:format(...)
end

local function lua_type(field)
  return types[field.type] or "string"
end

-- The fields that a user gives in a table: without the subject of the call.
-- A name that is a word of the annotations' own stands in brackets.
local function field_name(name)
  return name == "public" and '["public"]' or name
end

local function add_fields(lines, class, name, rows, subject)
  local fields = {}
  for _, field in ipairs(fields_of(rows)) do
    fields[#fields + 1] = field.name ~= subject and field or nil
  end
  if #fields == 0 then
    return nil
  end
  add(lines, "")
  add(lines, "--- Fields of `%s`, which %s.", name, description(rows))
  add(lines, "---@class %s", class)
  for _, field in ipairs(fields) do
    add(lines, "---@field %s%s %s%s", field_name(field.name), field.required and "" or "?", lua_type(field),
      restriction(field, rows))
  end
  return fields
end

local function subject_parameter(operation)
  if not operation.subject then
    return nil
  elseif operation.subject == "conversation_id" then
    return operation.is_batch and "conversations: string|(string|openhands.Conversation)[]"
      or "conversation: string|openhands.Conversation"
  end
  return ("%s: %s"):format(operation.subject, operation.is_batch and "string|string[]"
    or operation.subject == "key_id" and "integer" or "string")
end

local function fields_parameter(operation, class, fields)
  if not fields then
    return nil
  end
  if operation.whole then
    return operation.whole .. ": table"
  end
  local needed, lone = false, nil
  for _, field in ipairs(fields) do
    needed = needed or field.required
    lone = field.name == operation.lone and lua_type(field) or lone
  end
  return ("fields: %s%s%s"):format(class, lone and "|" .. lone or "", needed and "" or "|nil")
end

-- Parameters after `self`, and whether the first is a conversation.
local function parameters(operation, class, fields)
  local list = {}
  list[#list + 1] = subject_parameter(operation)
  list[#list + 1] = fields_parameter(operation, class, fields)
  list[#list + 1] = "options: openhands.Settings|nil"
  return list
end

local function result_of(operation)
  if operation.shape == "page" then
    return "openhands.Pages"
  elseif operation.is_batch or operation.items then
    return "table<string, table>?, openhands.Error?"
  end
  return (shapes[operation.shape] or "table?") .. ", openhands.Error?"
end

local function signature(self_type, list, first, result)
  local words = { self_type and "self: " .. self_type or nil }
  for i = first, #list do
    words[#words + 1] = list[i]
  end
  return ("fun(%s): %s"):format(table.concat(words, ", "), result)
end

-- Adds a call to the classes of a client (or group) and of the module, and to conversations if it is about one.
local function add_call(classes, name, operation, class, fields)
  local group, leaf = name:match "^([%w_]+)%.([%w_]+)$"
  local list, result = parameters(operation, class, fields), result_of(operation)
  local client = group and "openhands.Client." .. group or "openhands.Client"
  local module = group and "openhands." .. group or "openhands"
  local function put(owner, text)
    if not classes[owner] then
      classes[owner] = {}
      classes[#classes + 1] = owner
    end
    table.insert(classes[owner], ("---@field %s %s"):format(leaf or name, text))
  end
  put(client, signature(client, list, 1, result))
  put(module, signature(nil, list, 1, result))
  if operation.subject == "conversation_id" and not operation.is_batch and not group then
    put("openhands.Conversation", signature("openhands.Conversation", list, 2, result))
  end
end

local function add_groups(lines)
  local seen, names = {}, {}
  for _, row in ipairs(core.operations()) do
    local group = row.name:match "^([%w_]+)%."
    if group and row.api ~= "agent" and not seen[group] then
      seen[group], names[#names + 1] = true, group
    end
  end
  table.sort(names, ascii.is_before)
  for _, owner in ipairs { "openhands.Client", "openhands" } do
    add(lines, "")
    add(lines, "---@class (partial) %s", owner)
    for _, group in ipairs(names) do
      add(lines, "---@field %s %s.%s", group, owner, group)
    end
  end
end

function M.types()
  local operations = require "openhands.api.rows"
  local lines, classes = {
    "---@meta",
    "--- Types of the calls that are one request each, for editors. Written by `make reference` from the core's table;",
    "--- the calls that are composed of several are in types.lua.",
  }, {}
  local all = operations.all(false)
  local names, rows = collect(false)
  for _, name in ipairs(names) do
    if not inner[name] then
      local class = ("openhands.%s.Fields"):format(name)
      local fields = add_fields(lines, class, name, rows[name], all[name].subject)
      if not composed[name] then
        add_call(classes, name, all[name], class, fields)
      end
    end
  end
  for _, owner in ipairs(classes) do
    add(lines, "")
    add(lines, "---@class (partial) %s", owner)
    for _, line in ipairs(classes[owner]) do
      add(lines, "%s", line)
    end
  end
  add_groups(lines)
  names, rows = collect(true)
  local agents = require("openhands.api.agent").operations
  local methods = {}
  for _, name in ipairs(names) do
    if not name:find "^runtime%." then -- these are reached by the calls of the same name
      local class = ("openhands.agent.%s.Fields"):format(name)
      local fields = add_fields(lines, class, name, rows[name], agents[name].subject or "conversation_id")
      local list = parameters(agents[name], class, fields)
      methods[#methods + 1] = not agent_composed[name] and ("---@field %s %s"):format(name,
        signature("openhands.Agent", list, 1, result_of(agents[name]))) or nil
    end
  end
  add(lines, "")
  add(lines, "---@class (partial) openhands.Agent")
  for _, line in ipairs(methods) do
    add(lines, "%s", line)
  end
  return table.concat(lines, "\n") .. "\n"
end

if arg and arg[0] and arg[0]:find("reference%.lua$") then
  io.write(M[arg[1]]())
end

return M
