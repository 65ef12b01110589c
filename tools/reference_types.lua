-- The types of lua/openhands/types/operations.lua, for editors and the type checker: of each call that is one request,
-- its fields, and its signature in the client, the module, conversations and the agent server.
local core = require "openhands.core"
local operations = require "reference_rows"

-- The Lua type of a field by its kind; all others are strings.
local types = {
  uuids = "string|string[]",
  names = "string|string[]",
  integer = "integer",
  boolean = "boolean",
  texts = "string[]",
  integers = "integer[]",
  text_map = "table<string, string>",
  files = "table<string, string>",
  object = "table",
  list = "table[]",
  message = "string|table",
  message_text = "string|table",
  content = "string|table[]",
  content_text = "string|table[]",
}

local shapes = {
  page = "openhands.Pages",
  integer = "integer?",
  boolean_or_nothing = "boolean?",
  text = "string?",
  texts = "string[]?",
  bytes = "string?",
  any = "any",
  file = "{ path: string, bytes: number }?",
  list = "table[]?",
  stream = "table[]?",
}

-- Rows that types/init.lua declares whole: a start has options of its own, and `status` has no fields but its subject.
local without_fields_class = { start = true, start_streaming = true, status = true }

-- Returns the names of the calls that are declared by hand in a class: they are composed of several requests, or take
-- or return more than their row says.
local function declared_by_hand(class)
  local names, is_inside = {}, false
  for line in io.lines "lua/openhands/types/init.lua" do
    local name = line:gsub("%(partial%) ", ""):match "^%-%-%-@class ([%w_.]+)"
    is_inside = name and name == class or not name and is_inside
    local field = is_inside and line:match "^%-%-%-@field ([%w_]+)"
    if field then
      names[field] = true
    end
  end
  return names
end

local function add(lines, format, ...)
  lines[#lines + 1] = format:format(...)
end

local function lua_type(field)
  return types[field.kind] or "string"
end

-- A name that is a keyword of the annotations stands in brackets.
local function field_name(name)
  return name == "public" and '["public"]' or name
end

-- Adds the class of the fields that a user gives in a table: all but the subject of the call. Returns these fields, or
-- nil if there are none.
local function add_fields(lines, class, name, rows, subject)
  local fields = {}
  for _, field in ipairs(operations.fields(rows)) do
    fields[#fields + 1] = field.name ~= subject and field or nil
  end
  if #fields == 0 then
    return nil
  end
  add(lines, "")
  add(lines, "--- Fields of `%s`. %s.", name, operations.description(rows))
  add(lines, "---@class %s", class)
  for _, field in ipairs(fields) do
    add(lines, "---@field %s%s %s%s", field_name(field.name), field.required and "" or "?", lua_type(field),
      operations.restriction(field, rows))
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
  if operation.body_field then
    return operation.body_field .. ": table"
  end
  local needed, lone = false, nil
  for _, field in ipairs(fields) do
    needed = needed or field.required
    lone = field.name == operation.single_field and lua_type(field) or lone
  end
  return ("fields: %s%s%s"):format(class, lone and "|" .. lone or "", needed and "" or "|nil")
end

-- The parameters after `self`.
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
  table.sort(names, core.is_before)
  for _, owner in ipairs { "openhands.Client", "openhands" } do
    add(lines, "")
    add(lines, "---@class (partial) %s", owner)
    for _, group in ipairs(names) do
      add(lines, "---@field %s %s.%s", group, owner, group)
    end
  end
end

--- Returns the text of the file.
---@return string
return function()
  local lines, classes = {
    "---@meta",
    "--- Types of the calls that are one request each, for editors. Written by `make reference` from the core's table;",
    "--- the calls that are composed of several are in types/init.lua.",
  }, {}
  local all = require("openhands.api.operations").of_service
  local names, rows = operations.collect(false)
  local by_hand, agent_by_hand = declared_by_hand "openhands.Client", declared_by_hand "openhands.Agent"
  for _, name in ipairs(names) do
    if not without_fields_class[name] then
      local class = ("openhands.%s.Fields"):format(name)
      local fields = add_fields(lines, class, name, rows[name], all[name].subject)
      if not by_hand[name] then
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
  names, rows = operations.collect(true)
  require "openhands.api.agent" -- completes the operations of agent servers
  local agents = require("openhands.api.operations").of_agent
  local methods = {}
  for _, name in ipairs(names) do
    if not name:find "^runtime%." then -- these are reached by the calls of the same name
      local class = ("openhands.agent.%s.Fields"):format(name)
      local fields = add_fields(lines, class, name, rows[name], agents[name].subject or "conversation_id")
      local list = parameters(agents[name], class, fields)
      methods[#methods + 1] = not agent_by_hand[name] and ("---@field %s %s"):format(name,
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
