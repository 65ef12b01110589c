--- Writes events of V1 and of agent servers: each has a `kind`.

local actions = require "openhands.display.event.action"
local parts = require "openhands.display.event.parts"

local field, labelled, words_in = parts.field, parts.labelled, parts.words_in

local M = {}

local function count_of(list)
  local count = 0
  while count < 10000 and rawget(list, count + 1) ~= nil do
    count = count + 1
  end
  return count
end

local function message(event)
  local body = field(event, "llm_message")
  local sender = words_in(event, "source") or words_in(body, "role") or "message"
  return labelled(sender, parts.content(field(body, "content")))
end

-- Returns what came of a command.
local function exit_of(code, is_error, output)
  local line = parts.last_line(output)
  if type(code) == "number" then
    return labelled(code == -1 and "still running" or "exit " .. parts.words(code), line)
  end
  return labelled(is_error and "error" or "output", line)
end

local is_of_terminal = { TerminalObservation = true, ExecuteBashObservation = true, BashObservation = true }

local function observation(event)
  local body = parts.table_in(event, "observation")
  local kind, content = rawget(body, "kind"), rawget(body, "content")
  content = content == nil and rawget(body, "output") or content
  local is_error = rawget(body, "is_error") == true
  if is_of_terminal[kind] then
    local code = rawget(body, "exit_code")
    if type(code) ~= "number" then
      code = field(rawget(body, "metadata"), "exit_code")
    end
    return exit_of(code, is_error, content)
  end
  local tool = words_in(event, "tool_name") or words_in(body, "tool_name")
    or type(kind) == "string" and parts.split_name(kind):gsub(" observation$", "") or "result"
  local words = parts.content(content) or words_in(body, "message", "error", "answer", "status")
  return labelled(is_error and "error in " .. tool or tool, words)
end

local function failure(label)
  return function(event)
    return labelled(label, labelled(words_in(event, "code") or "error", words_in(event, "detail")))
  end
end

local function state_update(event)
  local key, value = words_in(event, "key") or "state", field(event, "value")
  if key == "full_state" then
    key, value = "execution_status", field(value, "execution_status")
  end
  if key == "execution_status" then
    return labelled("state", parts.words(value))
  end
  local words = parts.words(value)
  return words and labelled(key, words) or parts.split_name(key) .. " changed"
end

local function condensation(event)
  local count = count_of(parts.table_in(event, "forgotten_event_ids"))
  return labelled(("history condensed (%d events forgotten)"):format(count), words_in(event, "summary"))
end

local function hook(event)
  local label = "hook " .. (words_in(event, "hook_event_type") or "")
  local outcome = field(event, "blocked") == true and "blocked" or field(event, "success") == false and "failed" or nil
  local why = words_in(event, "reason", "error", "stderr", "hook_command")
  return labelled(outcome and label .. " " .. outcome or label, why)
end

local function tool_call(event)
  local label = words_in(event, "title") or words_in(event, "tool_kind") or "tool call"
  local outcome = field(event, "is_error") == true and "error" or words_in(event, "status")
  return labelled(label, parts.content(field(event, "content")) or outcome)
end

local function fixed(words)
  return function()
    return words
  end
end

local writers = {
  MessageEvent = message,
  ActionEvent = actions.of,
  ObservationEvent = observation,
  ACPToolCallEvent = tool_call,
  ConversationErrorEvent = failure "failed",
  ServerErrorEvent = failure "server error",
  ConversationStateUpdateEvent = state_update,
  Condensation = condensation,
  CondensationRequest = fixed "condense the history",
  CondensationSummaryEvent = function(event) return labelled("summary of the history", words_in(event, "summary")) end,
  HookExecutionEvent = hook,
  PauseEvent = fixed "paused",
  InterruptEvent = fixed "interrupted",
  AgentErrorEvent = function(event)
    return labelled("error in " .. (words_in(event, "tool_name") or "a step"), words_in(event, "error"))
  end,
  UserRejectObservation = function(event)
    return labelled("rejected " .. (words_in(event, "tool_name") or "a step"), words_in(event, "rejection_reason"))
  end,
  SystemPromptEvent = function(event)
    return ("system prompt, %d tools"):format(count_of(parts.table_in(event, "tools")))
  end,
  TokenEvent = function(event)
    return ("tokens: %d in, %d out"):format(count_of(parts.table_in(event, "prompt_token_ids")),
      count_of(parts.table_in(event, "response_token_ids")))
  end,
  StreamingDeltaEvent = function(event)
    return labelled("agent", words_in(event, "content", "reasoning_content"))
  end,
  LLMCompletionLogEvent = function(event) return labelled("model call logged", words_in(event, "model_name")) end,
  BashCommand = function(event) return "$ " .. (words_in(event, "command") or "") end,
  BashOutput = function(event)
    local output = parts.words(field(event, "stdout")) and field(event, "stdout") or field(event, "stderr")
    return exit_of(field(event, "exit_code"), false, output)
  end,
}

--- Returns the words of an event.
---@param event table
---@param kind string
---@return string? words nil: the kind is not known
function M.of(event, kind)
  local writer = writers[kind] or writers[kind:sub(-100):match "[^.]*$"]
  return writer and writer(event)
end

--- The kinds that are known.
---@type table<string, boolean>
M.kinds = {}
for kind in pairs(writers) do
  M.kinds[kind] = true
end

return M
