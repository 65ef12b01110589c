--- The configuration of the plugin: defaults, then `vim.g.openhands`, then what `setup` was given. It is read when it
--- is first needed, not at startup.

local M = {}

--- `vim.g.openhands`, or the argument of `setup`. Every field is optional.
---@class openhands.nvim.Configuration
---@field api_key? string|string[]|fun(): string|string[] the key; a command whose first line of output is the key, such
--- as `{ "pass", "show", "openhands" }`; or a function that returns one of both. By default the environment has it
---@field base_url? string URL of the service
---@field client? openhands.Settings further settings of the client, e.g. `organization`, `ca_file` or `proxy`
---@field repository? string|false "owner/name" for all starts; false: none; by default that of the file's directory
---@field branch? string|false the branch for all starts; false: the repository's own default; by default the one that
--- the current branch follows
---@field interval? number seconds between polls of a conversation; by default growing from 2 to 30
---@field notify? boolean whether ends and failures are told by `vim.notify`
---@field progress? boolean whether Neovim 0.12 and later shows progress messages
---@field ascii? boolean whether the plugin draws with ASCII only
---@field board? { open: string?, refresh: number?, limit: integer? } the command that opens its window; seconds
--- between readings of the list; conversations in that list
---@field follow? { open: string?, lines: integer? } the command that opens its window; lines that are kept
---@field diff? { open: string? } the command that opens its window
---@field log? { open: string?, lines: integer? } the same for the log

--- The same with the defaults, and what is wrong with it.
---@class openhands.nvim.WholeConfiguration: openhands.nvim.Configuration
---@field board { open: string, refresh: number, limit: integer }
---@field follow { open: string, lines: integer }
---@field diff { open: string }
---@field log { open: string, lines: integer }
---@field problem string?

local defaults = {
  notify = true,
  progress = true,
  ascii = false,
  board = { open = "botright 15split", refresh = 15, limit = 30 },
  follow = { open = "botright vertical split", lines = 5000 },
  diff = { open = "tab split" },
  log = { open = "botright split", lines = 1000 },
}

-- The types that each field may have.
local kinds = {
  api_key = "string table function",
  base_url = "string",
  client = "table",
  repository = "string boolean",
  branch = "string boolean",
  interval = "number",
  notify = "boolean",
  progress = "boolean",
  ascii = "boolean",
  board = { open = "string", refresh = "number", limit = "number" },
  follow = { open = "string", lines = "number" },
  diff = { open = "string" },
  log = { open = "string", lines = "number" },
}

local from_setup
local current

-- Copies fields into a table. Returns what is wrong with them, if anything is.
local function take(target, given, rules, source, path)
  for name, value in pairs(given) do
    local rule, field = rules[name], path .. tostring(name)
    if not rule then
      return ("%sthere is no field '%s'"):format(source, field)
    elseif type(rule) == "table" then
      if type(value) ~= "table" then
        return ("%s'%s' must be a table, not a %s"):format(source, field, type(value))
      end
      target[name] = target[name] or {}
      local problem = take(target[name], value, rule, source, field .. ".")
      if problem then
        return problem
      end
    elseif not rule:find(type(value), 1, true) then
      return ("%s'%s' must be a %s, not a %s"):format(source, field, (rule:gsub(" ", " or ")), type(value))
    else
      target[name] = value
    end
  end
end

-- Returns the whole configuration; its field `problem` says what is wrong with it.
local function read()
  local whole = vim.deepcopy(defaults)
  local from_global = vim.g.openhands
  if from_global ~= nil and type(from_global) ~= "table" then
    whole.problem = ("vim.g.openhands must be a table, not a %s"):format(type(from_global))
    from_global = nil
  end
  local problem = take(whole, from_global or {}, kinds, "vim.g.openhands: ", "")
    or take(whole, from_setup or {}, kinds, "setup: ", "")
  whole.problem = whole.problem or problem
  return whole
end

--- Returns the configuration. What is wrong with it is in its field `problem`, and has no effect.
---@return openhands.nvim.WholeConfiguration
function M.get()
  current = current or read()
  return current
end

--- Takes the argument of `setup`. Raises if it is no table.
---@param given openhands.nvim.Configuration?
function M.set(given)
  if given ~= nil and type(given) ~= "table" then
    error(("openhands.nvim: setup needs a table, not a %s"):format(type(given)), 3)
  end
  from_setup, current = given, nil
end

--- Returns the names of all fields; those of a field that is a table are `name.field`.
---@return string[]
function M.names()
  local names = {}
  for name, rule in pairs(kinds) do
    names[#names + 1] = name
    for inner in pairs(type(rule) == "table" and rule or {}) do
      names[#names + 1] = name .. "." .. inner
    end
  end
  table.sort(names)
  return names
end

return M
