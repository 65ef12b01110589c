--- Reads the items of a fleet from a CSV: what its columns mean, and what is wrong with it, in words of its rows.

local core = require "openhands.core"
local csv = require "openhands.command_line.csv"
local options = require "openhands.command_line.options"
local sessions = require "openhands.command_line.session"
local spelling = require "openhands.spelling"

local M = {}

local MOST_NAMES = 20 -- of columns, in a message
local LONGEST_NAME = 60 -- bytes, of one of them

--- The items of a CSV.
---@class openhands.FleetCsv
---@field records table<string, string>[] cells by their columns
---@field template fun(record: table, number: integer): table, table returns the item of a record, and the values that
--- fill it
---@field private at integer number of the record whose item was asked for last

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

-- Returns the item of a record, as a template that the record fills.
local function template_of(record, number, arguments, names)
  local item = {}
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
  return item
end

--- Reads the items. Refuses what is wrong with them, as far as it shows without the fleet.
---@param text string
---@param arguments table `message`, `key`: templates
---@return openhands.FleetCsv
function M.read(text, arguments)
  local records, problem, names = csv.read(text)
  if not records then
    sessions.refuse(problem --[[@as string]])
  end
  local templates = {}
  for number, record in ipairs(records --[[@as table]]) do
    templates[number] = template_of(record, number, arguments, names)
  end
  local items = { records = records --[[@as table]], at = 0 }
  function items.template(record, number)
    items.at = number
    return templates[number], record
  end
  return items
end

--- Returns a mistake that a fleet has found in the item that it has asked for last, in words of the record.
---@param items openhands.FleetCsv
---@param problem string
---@return string
function M.of_mistake(items, problem)
  if items.at == 0 then
    return problem
  end
  local item = ("item %d: "):format(items.at)
  if problem:sub(1, #item) == item then
    problem = problem:sub(#item + 1)
  end
  return ("record %d: %s"):format(items.at, problem)
end

--- Returns what a fleet says about an item that it does not take, in words of the record.
---@param err openhands.Error with the field `key` of the item
---@param problem string
---@return string
function M.of_error(err, problem)
  if not err.place then
    return problem
  elseif err.other_place and err.kind == "conflict" then
    problem = ("it has the key '%s' of record %d, and other contents: tell them apart by --key, or by a column 'key'")
      :format(core.redact_line(err.key --[[@as string]], LONGEST_NAME), err.other_place)
  elseif err.other_place then
    problem = ("it depends on record %d: move that row up, because an item must come after those that it depends on")
      :format(err.other_place)
  end
  return ("record %d: %s"):format(err.place, problem)
end

return M
