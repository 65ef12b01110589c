--- Writes events of V0: each is an `action` or an `observation`.

local parts = require "openhands.display.event.parts"

local field, labelled, words_in = parts.field, parts.labelled, parts.words_in

local M = {}

-- Writes an action as some words and the first of the named arguments that it has.
local function phrase(verb, name, other)
  return function(event, arguments)
    local words = words_in(arguments, name, other) or words_in(event, "message")
    return words and verb .. " " .. words or verb
  end
end

local function message(event, arguments)
  local words = words_in(arguments, "content") or words_in(event, "message")
  if not words and field(arguments, "image_urls") ~= nil then
    words = "[image]"
  end
  return labelled(words_in(event, "source") or "message", words)
end

local function command(_, arguments)
  local line = words_in(arguments, "command")
  return line and (rawget(arguments, "is_input") == true and "type: " or "$ ") .. line or "wait for the command"
end

local function finish(event, arguments)
  local outputs = parts.table_in(arguments, "outputs")
  return labelled("finish", words_in(arguments, "final_thought") or words_in(outputs, "content")
    or words_in(event, "message"))
end

local function reject(event, arguments)
  local outputs = parts.table_in(arguments, "outputs")
  return labelled("reject", words_in(outputs, "reason") or words_in(event, "message"))
end

local actions = {
  message = message,
  run = command,
  finish = finish,
  reject = reject,
  run_ipython = phrase("python:", "code"),
  read = phrase("read", "path"),
  write = phrase("write", "path"),
  edit = phrase("edit", "path"),
  browse = phrase("browse", "url"),
  browse_interactive = phrase("browse:", "browser_actions"),
  think = phrase("think:", "thought"),
  delegate = phrase("delegate to", "agent"),
  recall = phrase("recall:", "query"),
  call_tool_mcp = phrase("use", "name"),
  change_agent_state = phrase("state:", "agent_state"),
  system = function() return "system prompt" end,
  condensation = function(_, arguments) return labelled("history condensed", words_in(arguments, "summary")) end,
  condensation_request = function() return "condense the history" end,
  task_tracking = phrase("plan:", "command"),
}

local function agent_state(event, extras)
  local state = words_in(extras, "agent_state")
  local reason = words_in(extras, "reason") or parts.content(rawget(event, "content"))
  return labelled("state", state and reason and state .. ", " .. reason or state)
end

local function output(event, extras)
  local code = field(rawget(extras, "metadata"), "exit_code")
  if type(code) ~= "number" then
    code = rawget(extras, "exit_code")
  end
  local line = parts.last_line(rawget(event, "content"))
  if type(code) ~= "number" then
    return labelled("output", line or words_in(event, "message"))
  end
  return labelled(code == -1 and "still running" or "exit " .. parts.words(code), line)
end

local observations = {
  agent_state_changed = agent_state,
  run = output,
  run_ipython = function(event) return labelled("python", parts.last_line(rawget(event, "content"))) end,
  error = function(event)
    return labelled("error", parts.content(rawget(event, "content")) or words_in(event, "message"))
  end,
  user_rejected = function(event) return labelled("rejected", parts.content(rawget(event, "content"))) end,
}

--- Returns the words of an action or an observation.
---@param event table
---@return string? words nil: it is neither
function M.of(event)
  local action, observation = rawget(event, "action"), rawget(event, "observation")
  if type(action) == "string" then
    local arguments, writer = parts.table_in(event, "args"), actions[action]
    ---@type any
    local words = writer and writer(event, arguments)
      or labelled(parts.split_name(action), words_in(arguments, "content", "path", "query", "name")
        or words_in(event, "message"))
    return rawget(arguments, "confirmation_state") == "awaiting_confirmation" and "asks to " .. words or words
  elseif type(observation) == "string" then
    local writer = observations[observation]
    return writer and writer(event, parts.table_in(event, "extras"))
      or labelled(parts.split_name(observation), parts.content(rawget(event, "content")) or words_in(event, "message"))
  end
end

--- The actions and observations that are known.
---@type table<string, boolean>
M.kinds = {}
for _, known in ipairs { actions, observations } do
  for name in pairs(known) do
    M.kinds[name] = true
  end
end

return M
