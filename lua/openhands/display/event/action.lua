--- Writes what the agent is about to do, for the actions of V1 and of agent servers.

local parts = require "openhands.display.event.parts"

local unpack = table.unpack or unpack -- luacheck: ignore 143
local words_in, labelled = parts.words_in, parts.labelled

local M = {}

local MOST_STEPS = 200 -- of a plan

local file_verbs = {
  view = "view", create = "create", str_replace = "edit", insert = "edit", undo_edit = "undo edit of",
}

local function command(action)
  local line = words_in(action, "command")
  if not line then
    return "wait for the command"
  end
  return (rawget(action, "is_input") == true and "type: " or "$ ") .. line
end

local function edit(action)
  local path = words_in(action, "path", "file_path")
  local verb = file_verbs[rawget(action, "command")] or "edit"
  return verb .. " " .. (path or "a file")
end

-- Tells how far a plan has come, and what is done now.
local function plan(action)
  local list, count, done, current = parts.table_in(action, "task_list"), 0, 0, nil
  for place = 1, MOST_STEPS do
    local step = rawget(list, place)
    local status = parts.field(step, "status")
    count = count + (step ~= nil and 1 or 0)
    done = done + (status == "done" and 1 or 0)
    current = current or status == "in_progress" and words_in(step, "title") or nil
  end
  if count == 0 then
    return "look at the plan"
  end
  return labelled(("plan, %d of %d done"):format(done, count), current)
end

local function patch(action)
  local text = words_in(action, "patch")
  local path = text and text:match "%*%*%* [A-Z][a-z]+ File: ([^\r\n]+)"
  return labelled("apply a patch", path)
end

-- Writes an action as some words and the first of the named fields that it has.
local function phrase(verb, ...)
  local names = { ... }
  return function(action)
    local words = words_in(action, unpack(names) --[[@as string]])
    return words and verb .. " " .. words or verb
  end
end

local writers = {
  TerminalAction = command,
  ExecuteBashAction = command,
  BashAction = command,
  FileEditorAction = edit,
  PlanningFileEditorAction = edit,
  StrReplaceEditorAction = edit,
  ApplyPatchAction = patch,
  TaskTrackerAction = plan,
  EditAction = phrase("edit", "file_path"),
  WriteFileAction = phrase("write", "file_path"),
  ReadFileAction = phrase("read", "file_path"),
  ListDirectoryAction = phrase("list", "dir_path"),
  GlobAction = phrase("find", "pattern"),
  GrepAction = phrase("search", "pattern"),
  BrowserNavigateAction = phrase("browse", "url"),
  BrowserClickAction = phrase("click element", "index"),
  BrowserTypeAction = phrase("type:", "text"),
  ThinkAction = phrase("think:", "thought"),
  FinishAction = phrase("finish:", "message"),
  TaskAction = phrase("delegate:", "description", "prompt"),
  DelegateAction = phrase("delegate:", "command"),
  InvokeSkillAction = phrase("use skill", "name"),
  SwitchLLMAction = phrase("switch to model", "profile_name"),
  VisionInspectAction = phrase("look at an image:", "question"),
  WorkflowAction = phrase("run workflow", "name"),
}

-- Actions whose words say all: the agent's summary of them would say the same again.
local is_complete = { ThinkAction = true, FinishAction = true, TaskTrackerAction = true }

-- Writes an action of a kind that is not known here, e.g. of a tool that the user has added.
local function unknown(event, action, kind)
  local name = kind and kind ~= "MCPToolAction" and parts.split_name(kind):gsub(" action$", "")
    or words_in(event, "tool_name") or "act"
  local arguments = words_in(action, "command", "path", "file_path", "url", "query", "pattern", "name", "prompt",
    "message", "reason") or words_in(parts.field(event, "tool_call"), "arguments")
  return labelled(name, arguments ~= "{}" and arguments or nil)
end

--- Returns what an event says about the agent's next step.
---@param event table
---@return string
function M.of(event)
  local action = parts.table_in(event, "action")
  local kind = rawget(action, "kind")
  kind = type(kind) == "string" and kind or nil
  local writer = kind and writers[kind]
  ---@type any
  local words = writer and writer(action) or unknown(event, action, kind)
  local summary = not is_complete[kind or ""] and words_in(event, "summary")
  return summary and summary .. ": " .. words or words
end

return M
