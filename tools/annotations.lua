-- Reads LuaCATS annotations: the classes of the Lua files with their fields, and the functions with their docstrings.
-- Knows the part of the notation that this library uses, and raises where it meets something else.
local M = {}

local PAIRS = { ["("] = ")", ["["] = "]", ["{"] = "}", ["<"] = ">" }

-- Returns the end of the type that begins at a place: types have no blanks outside brackets, except after "fun(…):",
-- "," and around "|".
local function end_of_type(text, from)
  local depth, place = 0, from
  while place <= #text do
    local letter = text:sub(place, place)
    if letter == '"' then
      place = assert(text:find('"', place + 1, true), text)
    elseif PAIRS[letter] then
      depth = depth + 1
    elseif (letter == ")" or letter == "]" or letter == "}" or letter == ">") then
      if depth == 0 then
        return place - 1
      end
      depth = depth - 1
    elseif letter == "," and depth == 0 then
      return place - 1
    elseif letter == " " and depth == 0 and not text:find("^%s*|", place)
      and not text:sub(from, place - 1):find "[:|]%s*$" then
      return place - 1
    end
    place = place + 1
  end
  return #text
end

-- Splits "type, type rest" into the types and the rest.
local function split_types(text)
  local types, place = {}, 1
  while true do
    local last = end_of_type(text, place)
    types[#types + 1] = text:sub(place, last)
    local following = text:match("^,%s*()", last + 1)
    if not following then
      return types, text:sub(last + 1):match "^%s*(.-)%s*$"
    end
    place = following
  end
end

-- Splits a type at the bars outside its brackets.
local function alternatives(text)
  local list, depth, from = {}, 0, 1
  for place = 1, #text do
    local letter = text:sub(place, place)
    if PAIRS[letter] then
      depth = depth + 1
    elseif letter:find "[%)%]}>]" then
      depth = depth - 1
    elseif letter == "|" and depth == 0 then
      list[#list + 1], from = text:sub(from, place - 1), place + 1
    end
  end
  list[#list + 1] = text:sub(from)
  return list
end

--- Returns the alternatives of a type, without "nil", and whether it may be nil.
---@param text string e.g. "string|nil", "integer?"
---@return string[] alternatives
---@return boolean is_optional
function M.alternatives(text)
  local list, is_optional = {}, false
  for _, each in ipairs(alternatives(text)) do
    local word = each:match "^%s*(.-)%s*$"
    if word == "nil" then
      is_optional = true
    elseif word:sub(-1) == "?" and not word:find "^fun%(" then
      list[#list + 1], is_optional = word:sub(1, -2), true
    else
      list[#list + 1] = word
    end
  end
  return list, is_optional
end

--- Returns the parameters and results of a function's type, or nil if it is no single function.
---@param text string e.g. "fun(self: X, id: string): table?, Error?"
---@return { name: string, type: string }[]?
---@return { type: string }[]?
function M.signature(text)
  local inside, after = text:match "^fun(%b())(.*)$"
  if not inside or after:find "^%?" then
    return nil
  end
  local parameters, results, rest = {}, {}, inside:sub(2, -2)
  while rest:find "[^%s]" do
    local name, optional, from = rest:match "^%s*([%w_.]+)(%??)%s*():?"
    local following
    local kind = "any"
    if rest:sub(from, from) == ":" then
      from = rest:match("^:%s*()", from)
      local last = end_of_type(rest, from)
      kind, following = rest:sub(from, last), last + 1
    else
      following = from
    end
    local previous = parameters[#parameters]
    if kind == "any" and name ~= "..." and previous and previous.type:find "^fun%(" then
      previous.type = ("%s, %s%s"):format(previous.type, name, optional) -- a further result of that function
    else
      parameters[#parameters + 1] = { name = name, type = kind .. (optional == "?" and "|nil" or "") }
    end
    rest = rest:sub(following):gsub("^%s*,", "")
  end
  if after:find "^:" then
    for _, each in ipairs((split_types(after:match "^:%s*(.*)$"))) do
      results[#results + 1] = { type = each }
    end
  end
  return parameters, results
end

-- Reads the lines of a comment: its text, and its tags with their continuation lines.
local function read_block(lines)
  local block = { text = {}, tags = {} }
  for _, line in ipairs(lines) do
    local tag, rest = line:match "^@(%l+)%s*(.*)$"
    if tag then
      block.tags[#block.tags + 1] = { tag, rest }
    elseif #block.tags > 0 then
      local last = block.tags[#block.tags]
      last[2] = last[2] .. " " .. line:match "^%s*(.*)$"
    else
      block.text[#block.text + 1] = (line:gsub("^ ", ""))
    end
  end
  block.text = table.concat(block.text, "\n")
  return block
end

local function field_of(rest)
  local words, is_private = rest:gsub("^private%s+", "")
  local name, optional, place = words:match '^%["([^"]+)"%](%??)%s+()'
  if not name then
    name, optional, place = words:match "^(%S-)(%??)%s+()"
  end
  if words:find("^fun%(", place) then -- a function's results are separated by commas
    local types, after = split_types(words:sub(place))
    return { name = name, type = table.concat(types, ", "), text = after, is_private = is_private > 0 }
  end
  local last = end_of_type(words, place)
  return { name = name, type = words:sub(place, last) .. (optional == "?" and "|nil" or ""),
    text = words:sub(last + 1):match "^%s*(.*)$", is_private = is_private > 0 or name:sub(1, 1) == "_" }
end

-- Returns what a function's comment says of its parameters and results.
local function function_of(block, name)
  local is_private = name:sub(1, 1) == "_" or block.text:find "For loops%.$" ~= nil -- the loops of hosts
  local made = { name = name, text = block.text, parameters = {}, results = {}, is_private = is_private }
  for _, tag in ipairs(block.tags) do
    if tag[1] == "param" then
      local word, optional, place = tag[2]:match "^(%S-)(%??)%s+()"
      local last = end_of_type(tag[2], place)
      made.parameters[#made.parameters + 1] = { name = word, type = tag[2]:sub(place, last)
        .. (optional == "?" and "|nil" or ""), text = tag[2]:sub(last + 1):match "^%s*(.*)$" }
    elseif tag[1] == "return" then
      local types, text = split_types(tag[2])
      for place, each in ipairs(types) do
        made.results[#made.results + 1] = { type = each, text = place == #types and text or "" }
      end
    elseif tag[1] == "package" or tag[1] == "private" then
      made.is_private = true
    end
  end
  return made
end

--- A class: the annotations of all files about it.
---@class tools.AnnotatedClass
---@field name string
---@field text string
---@field parents string?
---@field fields table[] `name`, `type`, `text`, `is_private`
---@field functions table[] `name`, `text`, `parameters`, `results`, `is_private`

local function class_of(classes, name)
  if not classes[name] then
    classes[name] = { name = name, text = "", fields = {}, functions = {} }
  end
  return classes[name]
end

-- Reads one block with the line of code after it. `owners`: the classes of the file's local variables.
local function take(classes, owners, block, code)
  local class
  for _, tag in ipairs(block.tags) do
    if tag[1] == "class" then
      local name, parents = tag[2]:gsub("^%(partial%)%s+", ""):match "^([%w_.]+):?%s*(.*)$"
      class = class_of(classes, name)
      class.text = class.text == "" and block.text or class.text
      class.parents = class.parents or parents ~= "" and parents or nil
    elseif tag[1] == "field" then
      table.insert(class.fields, field_of(tag[2]))
    end
  end
  local variable = code:match "^local ([%w_]+) ="
  if class and variable then
    owners[variable] = class
  end
  local owner, name = code:match "^function ([%w_]+)[.:]([%w_]+)%("
  if not owner then
    owner, name = code:match "^([%w_]+)%.([%w_]+) = "
  end
  if owner and owners[owner] and (block.text ~= "" or #block.tags > 0) then
    table.insert(owners[owner].functions, function_of(block, name))
  end
end

--- Reads the annotations of a file into `classes`.
---@param path string
---@param classes table<string, tools.AnnotatedClass>
---@param owners table<string, string>? names of local variables whose classes are not annotated, with the classes
function M.read(path, classes, owners)
  local of_file, lines = {}, {}
  for variable, name in pairs(owners or {}) do
    of_file[variable] = class_of(classes, name)
  end
  for line in io.lines(path) do
    local comment = line:match "^%-%-%-(.*)$"
    if comment then
      lines[#lines + 1] = comment
    else
      if #lines > 0 or line:find "^function" then
        take(classes, of_file, read_block(lines), line)
      end
      lines = {}
    end
  end
  if #lines > 0 then
    take(classes, of_file, read_block(lines), "")
  end
end

return M
