--- Builds the events of a conversation in the form of each dialect. A builder gets the conversation and the arguments
-- of its step in script.lua. It returns events without id, time and parent, which progress.lua and history.lua add.
local json = require "openhands.simulator.encoding.json"

local M = {}

local array, null = json.array, json.null

local function text_blocks(text)
  return array { { type = "text", text = text, cache_prompt = false } }
end

-- The commands of the simulated agent: each with its output and its purpose.
local tasks = {
  { "sed -n 1,40p README.md", "# Widgets\nA libary for widgets.", "read the start of README.md" },
  { "sed -i s/libary/library/ README.md", "", "fix the typo" },
  { "git push -u origin fix-typo", "branch 'fix-typo' set up to track 'origin/fix-typo'.", "publish the branch" },
}

local function message(source, text)
  return {
    kind = "MessageEvent", source = source,
    llm_message = { role = source == "user" and "user" or "assistant", content = text_blocks(text) },
    llm_response_id = null, activated_skills = array(), extended_content = array(), sender = null,
    critic_result = null,
  }
end

local function action(tool, call_id, arguments, body, thought, summary)
  body.kind = tool == "finish" and "FinishAction" or "TerminalAction"
  return {
    kind = "ActionEvent", source = "agent", thought = thought and text_blocks(thought) or array(),
    reasoning_content = null, thinking_blocks = array(), responses_reasoning_item = null, action = body,
    tool_name = tool, tool_call_id = call_id,
    tool_call = { id = call_id, name = tool, arguments = json.encode(arguments), origin = "completion" },
    llm_response_id = "chatcmpl-simulated", security_risk = tool == "finish" and "UNKNOWN" or "LOW",
    critic_result = null, summary = summary or null,
  }
end

local function observation(call_id, command, output)
  return {
    kind = "ObservationEvent", source = "environment", tool_name = "terminal", tool_call_id = call_id,
    observation = {
      kind = "TerminalObservation", content = text_blocks(output), is_error = false, command = command,
      exit_code = 0, timeout = false, full_output_save_dir = null,
    },
    extended_content = array(),
  }
end

M.v1 = {}

function M.v1.message(conversation, text)
  return { message("user", text or conversation.prompt) }
end

function M.v1.work(conversation, number)
  local task = tasks[number]
  local call_id = ("toolu_%s%02d"):format(conversation.id:sub(1, 6), #conversation.events)
  return {
    action("terminal", call_id, { command = task[1] },
      { command = task[1], is_input = false, timeout = null, reset = false }, "Next: " .. task[3] .. ".", task[3]),
    observation(call_id, task[1], task[2]),
  }
end

function M.v1.finish(conversation)
  local answer = "Done. Opened pull request 7."
  local call_id = ("toolu_%s%02d"):format(conversation.id:sub(1, 6), #conversation.events)
  return { action("finish", call_id, { message = answer }, { message = answer }) }
end

--- Builds an action that waits for confirmation.
function M.v1.proposal(conversation)
  return { (M.v1.work(conversation, 3)[1]) }
end

-- Returns the action that waits for confirmation: the last one that was emitted.
local function proposed(conversation)
  for index = #conversation.events, 1, -1 do
    if conversation.events[index].kind == "ActionEvent" then
      return conversation.events[index]
    end
  end
end

function M.v1.accepted(conversation)
  local proposal = proposed(conversation)
  local result = observation(proposal.tool_call_id, tasks[3][1], tasks[3][2])
  result.action_id = proposal.id
  return { result }
end

function M.v1.rejected(conversation, reason)
  local proposal = proposed(conversation)
  return { {
    kind = "UserRejectObservation", source = "environment", tool_name = proposal.tool_name,
    tool_call_id = proposal.tool_call_id, action_id = proposal.id, rejection_reason = reason,
    rejection_source = "user",
  } }
end

function M.v1.pause()
  return { { kind = "PauseEvent", source = "user" } }
end

function M.v1.interrupt()
  return { { kind = "InterruptEvent", source = "user" } }
end

function M.v1.condensation_request()
  return { { kind = "CondensationRequest", source = "environment" } }
end

function M.v1.answer()
  return { message("agent", "There was nothing to change.") }
end

-- The classification of a failure in newer agent servers, by the code of the failure.
local classes = {
  LLMAuthenticationError = { kind = "auth", retryable = false, user_action = "settings", error_id = null },
  LLMBudgetExceeded = { kind = "quota", retryable = false, user_action = "settings", error_id = null },
}

function M.v1.failure(_, code, detail)
  return { {
    kind = "ConversationErrorEvent", source = "environment", code = code, detail = detail,
    classification = classes[code] or null,
  } }
end

--- Builds the event of a change of `execution_status`; progress.lua emits it.
function M.v1.state(_, status)
  return { { kind = "ConversationStateUpdateEvent", source = "environment", key = "execution_status", value = status } }
end

M.v0 = {}

function M.v0.message(conversation, text)
  local content = text or conversation.prompt
  return { {
    source = "user", message = content, action = "message",
    args = { content = content, image_urls = array(), wait_for_response = false },
  } }
end

function M.v0.work(conversation, number)
  local task = tasks[number]
  return {
    {
      source = "agent", message = "Running command: " .. task[1], action = "run",
      args = { command = task[1], thought = "", blocking = false, is_input = false, confirmation_state = "confirmed" },
    },
    {
      source = "agent", message = "Command `" .. task[1] .. "` executed with exit code 0.", observation = "run",
      content = task[2], cause = #conversation.events, extras = { command = task[1], metadata = { exit_code = 0 } },
    },
  }
end

--- Builds an action that waits for confirmation.
function M.v0.proposal(conversation)
  local action_event = M.v0.work(conversation, 3)[1]
  action_event.args.confirmation_state = "awaiting_confirmation"
  return { action_event }
end

function M.v0.finish()
  local answer = "Done. Opened pull request 7."
  return { { source = "agent", message = answer, action = "finish",
    args = { final_thought = answer, outputs = {}, thought = "" } } }
end

function M.v0.answer()
  local content = "There was nothing to change."
  return { { source = "agent", message = content, action = "message",
    args = { content = content, image_urls = array(), wait_for_response = true } } }
end

function M.v0.agent_state(_, state)
  return { {
    source = "environment", message = "", observation = "agent_state_changed", content = "",
    extras = { agent_state = state, reason = "" },
  } }
end

return M
