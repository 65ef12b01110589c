--- Options that several commands have, and how their values are read.

local core = require "openhands.core"
local identifiers = require "openhands.command_line.identifier"
local repositories = require "openhands.api.repository"
local spelling = require "openhands.spelling"

local M = {}

local units = { s = 1, m = 60, h = 3600, d = 86400 }

-- Returns a number with a point, in every locale.
local function decimal(given)
  local whole, fraction = given:match "^([0-9]+)%.?([0-9]*)$"
  if not whole then
    whole, fraction = "0", given:match "^%.([0-9]+)$"
  end
  return fraction and tonumber(whole) + (fraction ~= "" and tonumber(fraction) / 10 ^ #fraction or 0)
end

--- Reads a time: seconds, or a number with a unit such as `90s`, `10m`, `2h`.
---@param given string
---@return number? seconds
---@return string? problem
function M.seconds(given)
  local digits, unit = given:match "^([0-9.]+)([smhd]?)$"
  local number = digits and decimal(digits)
  if not number then
    return nil, ("'%s' is no time: give seconds, or a number with s, m, h or d"):format(given)
  end
  return number * (units[unit] or 1)
end

--- Reads a number of at least 0.
---@param given string
---@return number?
---@return string? problem
function M.number(given)
  local number = decimal(given)
  if not number then
    return nil, ("'%s' is no number of at least 0"):format(given)
  end
  return number
end

--- Reads a whole number of at least 0.
---@param given string
---@return number?
---@return string? problem
function M.count(given)
  local number = given:find "^[0-9]+$" and tonumber(given)
  if not number or number > 2 ^ 31 then
    return nil, ("'%s' is no whole number of at least 0"):format(given)
  end
  return number
end

--- Reads a whole number of at least 1.
---@param given string
---@return number?
---@return string? problem
function M.positive_count(given)
  local number = M.count(given)
  if not number or number < 1 then
    return nil, ("'%s' is no whole number of at least 1"):format(given)
  end
  return number
end

--- Reads the name of a fleet.
---@param given string
---@return string?
---@return string? problem
function M.fleet_name(given)
  if given == "" then
    return nil, "'' is no name of a fleet"
  end
  return given
end

--- Reads the name of a repository, or its address.
---@param given string
---@return string?
---@return string? problem
function M.repository(given)
  if not repositories.take_apart(given) then
    return nil, ("'%s' is no repository: give owner/name, or its address"):format(core.redact_line(given, 200))
  end
  return given
end

-- The words of options and arguments that take one of a few.
---@type table<table, string[]>
local words_of = setmetatable({}, { __mode = "k" })

--- Lets an option or argument take one of a few words. A refusal names the nearest, which argparse does not.
---@param element table of argparse
---@param words string[]
---@return table element
function M.one_of(element, words)
  words_of[element] = words
  return element:convert(M.reader_of(words))
end

--- Returns a function that reads one of a few words.
---@param words string[]
---@return fun(given: string): string?, string?
function M.reader_of(words)
  local known = {}
  for _, word in ipairs(words) do
    known[word] = true
  end
  return function(given)
    if known[given] then
      return given
    end
    local nearest = spelling.nearest(core.lower(given), known, math.max(1, math.floor(#given / 3)))
    return nil, ("'%s' must be one of '%s'%s"):format(given, table.concat(words, "', '"),
      nearest and (" (did you mean '%s'?)"):format(nearest) or "")
  end
end

--- Has all parsers know the words, for scripts of completion. A parser that reads a command line would refuse others by
--- itself then.
function M.tell_words()
  for element, words in pairs(words_of) do
    element:choices(words)
  end
end

--- Adds the options of a wait.
---@param command table of argparse
function M.add_waiting(command)
  command:option("--timeout", "Seconds to wait, or a time such as 30m or 2h; the conversations go on."):argname "TIME"
    :convert(M.seconds)
  command:option("--interval", "Seconds between two polls of a conversation."):argname "TIME":convert(M.seconds)
end

--- Adds the choice between waiting and following.
---@param command table of argparse
function M.add_follow_or_wait(command)
  command:mutex(
    command:flag("-w --wait", "Wait until the conversation has settled, and print its answer."),
    command:flag("-f --follow", "Print the events as they come, until the conversation has settled.")
  )
  M.add_waiting(command)
end

--- Adds the argument of one conversation.
---@param command table of argparse
function M.add_id(command)
  command:argument("ID", "Id of the conversation, or the address of its page."):argname "ID":target "id"
    :convert(identifiers.read)
end

--- Adds the argument of one or more conversations.
---@param command table of argparse
function M.add_ids(command)
  command:argument("ID", "Ids of conversations, or the addresses of their pages."):argname "ID":target "ids":args "+"
    :convert(identifiers.read)
end

return M
