-- Writes what LDoc reads: LDoc knows neither LuaCATS annotations nor the core's table of operations. A file for each
-- public class and module, with its functions, what they take and what they return; the comments of the core's C files
-- are LDoc's own already. `make doc` runs it.
--   lua tools/ldoc_sources.lua DIRECTORY
package.path = "tools/?.lua;" .. package.path
local annotations = require "annotations"
local core = require "openhands.core"
local openhands = require "openhands"
local operations = require "reference_rows"

local M = {}

-- The public classes, each with its functions and fields. All others are private.
local PUBLIC = [[openhands.Client openhands.Conversation openhands.Agent openhands.Pages openhands.Followed
  openhands.CommandOutput openhands.Task openhands.Error openhands.Settings openhands.StartFields openhands.StartOptions
  openhands.WaitOptions openhands.EventOptions openhands.AgentEventOptions openhands.DownloadOptions
  openhands.FreeRequest openhands.AllOptions openhands.MapOptions openhands.MapResults openhands.FailureClass
  openhands.Fleet openhands.FleetSettings openhands.FleetItem openhands.FleetPlan openhands.FleetStatus
  openhands.Report openhands.ReportRun openhands.Worker openhands.WorkerOptions openhands.simulator
  openhands.simulator.Handle openhands.simulator.Options openhands.simulator.Model openhands.simulator.TransportFault]]

-- The functions of a simulator's model that doc/simulator.md lists; its handlers of requests use more.
local OF_MODEL = { configure = true, throttle = true, jobs = true, add_events = true, advance = true, time = true,
  now = true }

-- Local variables without a class of their own, whose functions are calls of a client.
local OWNERS = {
  ["lua/openhands/api/init.lua"] = { handlers = "openhands.Client" },
  ["lua/openhands/conversation/actions.lua"] = { M = "openhands.Client" },
  ["lua/openhands/simulator/init.lua"] = { M = "openhands.simulator" },
  ["lua/openhands/simulator/process.lua"] = { M = "openhands.simulator" },
  ["lua/openhands/simulator/transport.lua"] = { M = "openhands.simulator.transport" },
}

local function files(command)
  local list, pipe = {}, assert(io.popen(command))
  for path in pipe:lines() do
    list[#list + 1] = path
  end
  pipe:close()
  return list
end

-- Returns a type as LDoc writes it: no blanks, `{X,...}` for lists. What it cannot say is "table" or "function".
local function ldoc_type(text)
  local words = {}
  local list, is_optional = annotations.alternatives(text)
  for place, each in ipairs(list) do
    local item = each:match "^%(?([%w_.|]+)%)?%[%]$"
    local key, value = each:match "^table<([%w_.]+), ([%w_.]+)>$"
    words[place] = item and ("{%s,...}"):format(item) or key and ("{[%s]=%s,...}"):format(key, value)
      or each:find "^%(?fun%(" and "function" or each:find "^{" and "table" or each:gsub("%s+", "")
  end
  return table.concat(words, "|"), is_optional
end

-- Returns a type in words where LDoc's notation has lost something of it.
local function type_words(text)
  return (text:find "fun%(" or text:find "{") and ("`%s` "):format(text) or ""
end

local function add(lines, format, ...)
  lines[#lines + 1] = format:format(...)
end

local function add_text(lines, text)
  local is_first = true
  for line in (text .. "\n"):gmatch "(.-)\n" do
    lines[#lines + 1] = (is_first and "--- " or "-- ") .. line
    is_first = false
  end
end

local function add_parameters(lines, classes, parameters)
  for _, each in ipairs(parameters) do
    local kind, is_optional = ldoc_type(each.type)
    local option = is_optional and "[opt]" or ""
    local fields = classes[each.type:match "^(openhands%.[%w_.]-%.Fields)" or ""]
    local name = each.name == "..." and "..." or each.name
    kind = fields and "table" or kind
    add(lines, "-- @tparam%s %s %s %s%s", option, kind, name, type_words(each.type), each.text or "")
    for _, field in ipairs(fields and fields.fields or {}) do
      local field_kind, is_field_optional = ldoc_type(field.type)
      option = is_field_optional and "[opt]" or ""
      add(lines, "-- @tparam%s %s %s.%s %s", option, field_kind, name, field.name, field.text)
    end
  end
end

-- A call returns its value, or nil and an error: LDoc has groups for that.
local function add_results(lines, results)
  local last = results[#results]
  local fails = #results > 1 and last.type:find "^openhands%.Error" ~= nil
  for place, each in ipairs(results) do
    local kind, is_optional = ldoc_type(each.type)
    if fails and place == #results then
      add(lines, "-- @treturn[2] nil")
      add(lines, "-- @treturn[2] openhands.Error %s", each.text and each.text:gsub("^err%s*", "") or "")
    else
      add(lines, "-- @treturn%s %s%s %s%s", fails and "[1]" or "", kind, is_optional and not fails and "|nil" or "",
        type_words(each.type), each.text or "")
    end
  end
end

local function add_function(lines, classes, name, text, parameters, results)
  add(lines, "")
  add_text(lines, text)
  add(lines, "-- @function %s", name)
  add_parameters(lines, classes, parameters)
  add_results(lines, results)
end

-- Returns what is said of a function elsewhere: its parameters and results may have words there.
local function told_of(class, name)
  for _, each in ipairs(class and class.functions or {}) do
    if each.name == name then
      return each
    end
  end
end

-- Adds to the parameters and results of a declaration what the docstring says of them.
local function add_words(parameters, results, told)
  for _, each in ipairs(parameters) do
    for _, other in ipairs(told and told.parameters or {}) do
      each.text = each.text or other.name == each.name and other.text or nil
    end
  end
  for place, each in ipairs(results) do
    each.text = told and #told.results == #results and told.results[place].text or nil
  end
end

-- The functions that a class declares as fields, in the order of their names, then those that its files define.
local function functions_of(class)
  local list, seen = {}, {}
  for _, field in ipairs(class.fields) do
    local parameters, results = annotations.signature(field.type)
    if parameters and not field.is_private and not seen[field.name] then
      seen[field.name] = true
      if parameters[1] and parameters[1].name == "self" then
        table.remove(parameters, 1)
      end
      local told = told_of(class, field.name)
      add_words(parameters, results, told)
      list[#list + 1] = { name = field.name, text = field.text ~= "" and field.text or told and told.text or "",
        parameters = parameters, results = results }
    end
  end
  for _, each in ipairs(class.functions) do
    local is_public = not each.is_private and (class.name ~= "openhands.simulator.Model" or OF_MODEL[each.name])
    if is_public and not seen[each.name] then
      seen[each.name] = true
      list[#list + 1] = each
    end
  end
  table.sort(list, function(one, other) return core.is_before(one.name, other.name) end)
  return list
end

-- Returns what a call does: the core's table says it of operations, docstrings of all others.
local function description(classes, name, given)
  local rows = M.rows[name]
  if given ~= "" then
    return given
  elseif rows then
    return operations.description(rows) .. "."
  end
  local leaf = name == "fetch_answer" and "answer" or name == "refresh" and "status" or name
  local told = told_of(classes["openhands.Client"], leaf) or told_of(classes.openhands, leaf)
  return told and told.text ~= "" and told.text or M.rows[leaf] and operations.description(M.rows[leaf]) .. "."
    or error(name .. " has no description")
end

local function add_fields(lines, class)
  local fields = {}
  for _, field in ipairs(class.fields) do
    if not (field.is_private or annotations.signature(field.type)) then
      fields[#fields + 1] = field
    end
  end
  if #fields == 0 then
    return
  end
  add(lines, "")
  add(lines, "--- Fields.")
  add(lines, "-- @table Fields")
  for _, field in ipairs(fields) do
    local kind, is_optional = ldoc_type(field.type)
    add(lines, "-- @tfield%s %s %s %s%s", is_optional and "[opt]" or "", kind, field.name, type_words(field.type),
      field.text)
  end
end

local function class_page(classes, class)
  local lines, parents = {}, class.parents and (" Also has the fields of %s."):format(class.parents) or ""
  add_text(lines, (class.text ~= "" and class.text or "The class " .. class.name .. ".") .. parents)
  add(lines, "-- @%s %s", class.name == "openhands.simulator" and "module" or "classmod", class.name)
  add_fields(lines, class)
  for _, each in ipairs(functions_of(class)) do
    local is_call = class.name == "openhands.Client" or class.name == "openhands.Conversation"
    local text = each.text
    if is_call or class.name == "openhands.Agent" then
      local prefix = class.name == "openhands.Agent" and M.agent_rows[each.name]
      text = prefix and operations.description(prefix) .. "." or description(classes, each.name, each.text)
    end
    add_function(lines, classes, each.name, text, each.parameters, each.results)
  end
  return table.concat(lines, "\n") .. "\n"
end

-- The page of the module: its functions, then those of each group.
local function module_page(classes)
  local lines = {}
  add_text(lines, "Starts conversations with coding agents, and tells how they stand. Every function of this module is "
    .. "also a method of a client, with the same arguments.\n\nA call returns its value, or nil and an "
    .. "`openhands.Error`. A mistake of the caller raises an error at the caller's line.")
  add(lines, "-- @module openhands")
  local groups = {}
  local values = { "", "--- Values.", "-- @table Values" }
  for _, each in ipairs(functions_of(classes.openhands)) do
    local text = description(classes, each.name, each.text)
    if type(openhands[each.name]) == "function" then
      add_function(lines, classes, each.name, text, each.parameters, each.results)
    else
      add(values, "-- @field %s %s", each.name, (text:gsub("\n", " ")))
    end
  end
  lines[#lines + 1] = table.concat(values, "\n")
  for _, field in ipairs(classes.openhands.fields) do
    if field.type == "openhands." .. field.name then
      groups[#groups + 1] = field.name
    end
  end
  for _, group in ipairs(groups) do
    add(lines, "")
    add(lines, "--- Calls of the group `%s`.", group)
    add(lines, "-- @section %s", group)
    for _, each in ipairs(functions_of(classes["openhands." .. group])) do
      local name = group .. "." .. each.name
      add_function(lines, classes, name, description(classes, name, each.text), each.parameters, each.results)
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

-- The comments of the core's C files: those of functions of the module, and those of methods of its client.
local function core_pages()
  local of_module, of_client = {}, {}
  for _, path in ipairs(files "ls src/core.c src/lua/*.c") do
    local file = assert(io.open(path))
    for comment in file:read("*a"):gmatch "/%*%*%*(.-)%*/" do
      local name = comment:match "@function ([%w_]+)"
      if name then
        local list = core[name] and of_module or of_client
        list[#list + 1] = "/***" .. comment .. "*/\n"
      end
    end
    file:close()
  end
  local of_core = "/*** The core: one object for an account on a service, with one descriptor to poll. The module "
    .. "`openhands` is built on it; programs in C use it: see `examples/embedding.c`.\n@module openhands.core */\n\n"
  local of_clients = "/*** A client of the core.\n@classmod openhands.core.Client */\n\n"
  return of_core .. table.concat(of_module, "\n"), of_clients .. table.concat(of_client, "\n")
end

--- Returns the texts of all files, by their names.
---@return table<string, string>
function M.texts()
  local classes = {}
  for _, path in ipairs(files "find lua -name '*.lua' | LC_ALL=C sort") do
    annotations.read(path, classes, OWNERS[path])
  end
  local _, of_service = operations.collect(false)
  local _, of_agent = operations.collect(true)
  M.rows, M.agent_rows = of_service, of_agent
  local texts = { ["openhands.lua"] = module_page(classes) }
  for name in PUBLIC:gmatch "[%w_.]+" do
    texts[name .. ".lua"] = class_page(classes, classes[name] or error(name .. " has no annotations"))
  end
  texts["openhands.core.c"], texts["openhands.core.Client.c"] = core_pages()
  return texts
end

if arg and arg[0] and arg[0]:find "ldoc_sources%.lua$" then
  for name, text in pairs(M.texts()) do
    local file = assert(io.open(arg[1] .. "/" .. name, "w"))
    file:write(text)
    file:close()
  end
end

return M
