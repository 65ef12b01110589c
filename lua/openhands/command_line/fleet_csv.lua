--- Reads the items of a fleet from a CSV: what its columns mean, and what is wrong with it, in words of its rows.

local core = require "openhands.core"
local csv = require "openhands.command_line.csv"
local options = require "openhands.command_line.options"
local sessions = require "openhands.command_line.session"
local spelling = require "openhands.spelling"

local M = {}

local MOST_NAMES = 20 -- of columns, in a message
local LONGEST_NAME = 60 -- bytes, of one of them
local DEEPEST = 5 -- templates within templates
local LONGEST_KEY = 500 -- bytes, as a fleet takes it

---@class openhands.FleetCsvRow
---@field key string
---@field record table<string, string> cells by their columns
---@field item table the template that the record fills

--- The items of a CSV.
---@class openhands.FleetCsv
---@field groups { template: table, records: table<string, string>[] }[] records that follow one another and have the
--- same template: a fleet adds a group at once
---@field private rows openhands.FleetCsvRow[] by number of the record

-- The columns of a CSV that are fields of an item, by their names there.
local COLUMNS = {
  key = "key", repository = "repository", repo = "repository", initial_user_msg = "initial_user_msg",
  message = "initial_user_msg", selected_branch = "selected_branch", branch = "selected_branch",
  git_provider = "git_provider", provider = "git_provider", llm_model = "llm_model", model = "llm_model",
  exclusive = "exclusive", priority = "priority", depends_on = "depends_on",
}

-- Cells that are read here, and not by the template of their item.
local readers = {
  priority = function(value, number)
    return tonumber(value) or sessions.refuse(("record %d: the priority '%s' is no number"):format(number, value))
  end,
  depends_on = function(value)
    local keys = {}
    for key in value:gmatch "[^; ]+" do
      keys[#keys + 1] = key
    end
    return keys
  end,
  exclusive = function(value)
    return (value:gsub("[{}]", { ["{"] = "{{", ["}"] = "}}" }))
  end,
}

-- ---- what is wrong with columns ------------------------------------------------------------------------------------

-- Returns words about a file with one column whose name seems to be several, or nil.
local function separator_words(names)
  if #names == 1 and names[1]:find "[;\t]" then
    return (": columns are separated by commas, and the file has only one column, '%s'"):format(
      core.redact_line(names[1]:gsub("\t", "<TAB>"), LONGEST_NAME))
  end
end

-- Returns a hint if the name of a column was probably meant to be one of some fields.
local function hint_at(name, fields)
  local meant = spelling.nearest(core.lower(name:match "^[ \t]*(.-)[ \t]*$"), COLUMNS, 2)
  for _, field in ipairs(fields) do
    if not COLUMNS[name] and meant and COLUMNS[meant] == field then
      return (" (did you mean '%s'?)"):format(meant)
    end
  end
  return ""
end

-- Returns why a record has none of some fields.
local function missing_words(names, fields)
  local words = separator_words(names)
  if words then
    return words
  end
  local shown = {}
  for place, name in ipairs(names) do
    for _, field in ipairs(fields) do
      if COLUMNS[name] == field then
        return (": its cell in the column '%s' is empty or missing"):format(name)
      end
    end
    shown[place] = place <= MOST_NAMES and ("'%s'%s"):format(core.redact_line(name, LONGEST_NAME),
      hint_at(name, fields)) or nil
  end
  local left = #names - #shown
  return (": the file has the column%s %s%s; give a column %s"):format(#names == 1 and "" or "s",
    table.concat(shown, ", "), left > 0 and (" and %d more"):format(left) or "",
    fields[1] == "key" and "'key' or 'repository', or --key" or "'message', or --message")
end

-- ---- templates -----------------------------------------------------------------------------------------------------

local NAME = "{?{([A-Za-z_][A-Za-z0-9_]*)}" -- in braces; "{{name}}" stands for "{name}"

-- Checks that a record has all that the templates of the command line name in braces.
local function check_names(record, item, number, arguments, names)
  for _, option in ipairs { "message", "key" } do
    for place, name in (arguments[option] or ""):gmatch("()" .. NAME) do
      local is_literal = arguments[option]:byte(place + 1) == 123
      if not is_literal and record[name] == nil and item[name] == nil then
        sessions.refuse(("record %d has no '%s', which --%s names in braces%s"):format(number, name, option,
          separator_words(names)
          or ("%s; write {{%s}} for the words themselves"):format(spelling.hint(name, record), name)))
      end
    end
  end
end

-- Returns words about the columns of a record that are the same field of an item.
local function columns_words(field, record)
  local shown = {}
  for column in pairs(record) do
    shown[#shown + 1] = COLUMNS[column] == field and ("'%s'"):format(column) or nil
  end
  table.sort(shown)
  return table.concat(shown, " and ")
end

-- Returns the template of the item of a record, and a text that is the same for records of the same template.
local function template_of(record, number, arguments, names)
  local item, parts = {}, {}
  for column, value in pairs(record) do
    local name = COLUMNS[column]
    local problem = name == "repository" and select(2, options.repository(value))
    if problem then
      sessions.refuse(("record %d: %s"):format(number, problem))
    elseif name and item[name] ~= nil and not (name == "initial_user_msg" and arguments.message) then
      sessions.refuse(("record %d: %s are two columns for the same field: remove one"):format(number,
        columns_words(name, record)))
    elseif name then
      local read = readers[name]
      item[name] = read and read(value, number) or "{" .. column .. "}"
      parts[#parts + 1] = column .. (read and "=" .. value or "")
    end
  end
  item.initial_user_msg = arguments.message or item.initial_user_msg
  item.key = arguments.key or item.key or item.repository
  if not item.initial_user_msg then
    sessions.refuse(("record %d has no message%s"):format(number, missing_words(names, { "initial_user_msg" })))
  elseif not item.key then
    sessions.refuse(("record %d has no key%s"):format(number, missing_words(names, { "key", "repository" })))
  end
  check_names(record, item, number, arguments, names)
  table.sort(parts)
  return item, table.concat(parts, "\n")
end

-- Fills a template with the cells of its record, nearly as a fleet does: for messages and comparisons.
local function filled(text, record, item, depth)
  return (text:gsub("({?){([A-Za-z_][A-Za-z0-9_]*)}", function(first, name)
    local value = record[name]
    if first ~= "" then
      return "{" .. name
    elseif not value and type(item[name]) == "string" and depth < DEEPEST then
      value = filled(item[name], record, item, depth + 1)
    end
    return value
  end))
end

-- Returns, as one text, what must be the same in two items of one key.
local function contents_of(row)
  local parts = {}
  for name, value in pairs(row.item) do
    if name == "depends_on" then
      parts[#parts + 1] = name .. "=" .. table.concat(value, " ")
    elseif name ~= "priority" then
      parts[#parts + 1] = name .. "=" .. filled(value, row.record, row.item, 0)
    end
  end
  table.sort(parts)
  return table.concat(parts, "\0")
end

-- Refuses records of the same key with other contents.
local function check_keys(rows)
  local first = {}
  for number, row in ipairs(rows) do
    local before = first[row.key]
    if before and contents_of(rows[before]) ~= contents_of(row) then
      sessions.refuse(("record %d: it has the key '%s' of record %d, and other contents: tell them apart by --key, or "
        .. "by a column 'key'"):format(number, core.redact_line(row.key, LONGEST_NAME), before))
    end
    first[row.key] = before or number
  end
end

--- Reads the items. Refuses what is wrong with them.
---@param text string
---@param arguments table `message`, `key`: templates
---@return openhands.FleetCsv
function M.read(text, arguments)
  local records, problem, names = csv.read(text)
  if not records then
    sessions.refuse(problem --[[@as string]])
  end
  local groups, rows, last = {}, {}, nil
  for number, record in ipairs(records --[[@as table]]) do
    local item, kind = template_of(record, number, arguments, names)
    if not last or last.kind ~= kind then
      last = { kind = kind, template = item, records = {} }
      groups[#groups + 1] = last
    end
    last.records[#last.records + 1] = record
    local key = filled(item.key, record, item, 0)
    if key == "" or #key > LONGEST_KEY or key:find "[%z\1-\31\127]" then
      sessions.refuse(("record %d: its key must be a text of 1 to %d bytes in one line"):format(number, LONGEST_KEY))
    end
    rows[number] = { key = key, record = record, item = item }
  end
  check_keys(rows)
  return { groups = groups, rows = rows }
end

-- Returns the place of the first record of a key.
local function number_of(rows, key)
  for number, row in ipairs(rows) do
    if row.key == key then
      return number
    end
  end
end

--- Returns what a fleet says about an item that it does not take, in words of the record.
---@param items openhands.FleetCsv
---@param key string of the item
---@param problem string
---@return string
function M.explain(items, key, problem)
  local number = number_of(items.rows, key)
  if not number then
    return problem
  end
  local row = items.rows[number] --[[@as openhands.FleetCsvRow]]
  for _, needed in ipairs(row.item.depends_on or {}) do
    local other = number_of(items.rows, filled(needed, row.record, row.item, 0))
    if other and other > number and problem:find("depends on '" .. items.rows[other].key .. "'", 1, true) then
      return ("record %d: it depends on '%s', which is record %d: move that row up, because an item must come after "
        .. "those that it depends on"):format(number, items.rows[other].key, other)
    end
  end
  return ("record %d: %s"):format(number, problem)
end

return M
