--- Says what may have been meant by a command line that argparse refuses. Its own suggestions are names that differ in
--- one letter: all short options for `-5`, and none for `--repository`.

local spelling = require "openhands.spelling"

local M = {}

-- The commands whose last argument is a text that people write without quotes.
local takes_text = { start = "MESSAGE", send = "TEXT" }

-- Returns the options of the parser, and of the command that was named, by their names.
local function options_of(parser, command)
  local options = {}
  local function add(owner)
    for _, option in ipairs(owner._options) do
      for _, name in ipairs(option._aliases) do
        options[name] = option
      end
    end
  end
  add(parser)
  for word in command:gmatch "[^ ]+" do
    for _, each in ipairs(parser._commands) do
      if each._name == word then
        parser = each
        add(parser)
        break
      end
    end
  end
  return options
end

local function long_names(options)
  local names = {}
  for name, option in pairs(options) do
    names[name] = name:find "^%-%-" and option or nil
  end
  return names
end

-- Returns the word that was taken for the option, and the one before it.
local function word_of(words, name)
  for place, word in ipairs(words) do
    if word:sub(1, #name) == name then
      return word, words[place - 1]
    end
  end
end

-- Returns the message about an unknown option.
local function about_option(name, words, options, text)
  local word, before = word_of(words, name)
  local owner, shown, nearest = options[before], name, nil
  if word and word:find "^%-[0-9.]" then
    if owner and owner._maxargs > 0 then
      return ("%s: '%s' is less than 0"):format(before, word)
    end
    shown = word
  elseif #name > 2 then
    nearest = spelling.nearest(name, long_names(options))
  elseif word and options["-" .. word] then -- `-word`, read as several short options
    shown, nearest = word, "-" .. word
  end
  return ("unknown option '%s'%s%s"):format(shown, nearest and ("\nDid you mean '%s'?"):format(nearest) or "",
    text and not nearest and ("; put -- before a %s that begins with -"):format(text) or "")
end

--- Returns the message about a command line that argparse has refused.
---@param message string of argparse
---@param words string[] the command line
---@param parser table of argparse
---@param command string the names of the command and its subcommand, as far as they are known
---@return string
function M.explained(message, words, parser, command)
  local name = message:match "^unknown option '([^\n]*)'"
  local text = takes_text[command]
  if name then
    return about_option(name, words, options_of(parser, command), text)
  elseif message == "too many arguments" and text then
    return ("%s: put %s in quotes if it has several words"):format(message, text)
  end
  return message
end

return M
