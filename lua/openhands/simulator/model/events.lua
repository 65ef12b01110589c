--- The events of a conversation, in the shapes of both dialects. A teller gets the job and the words of its step and
-- returns the events to store; model.lua adds id, time and parent.
local json = require "openhands.simulator.encoding.json"

local M = {}

local array, null = json.array, json.null

local function text_blocks(text)
  return array { { type = "text", text = text, cache_prompt = false } }
end

-- What the agent of the simulator does all day: command, what it prints, what it is for.
local chores = {
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

function M.v1.message(job, text)
  return { message("user", text or job.prompt) }
end

function M.v1.work(job, number)
  local chore = chores[number]
  local call_id = ("toolu_%s%02d"):format(job.id:sub(1, 6), #job.events)
  return {
    action("terminal", call_id, { command = chore[1] },
      { command = chore[1], is_input = false, timeout = null, reset = false }, "Next: " .. chore[3] .. ".", chore[3]),
    observation(call_id, chore[1], chore[2]),
  }
end

function M.v1.finish(job)
  local answer = "Done. Opened pull request 7."
  return { action("finish", ("toolu_%s%02d"):format(job.id:sub(1, 6), #job.events), { message = answer },
    { message = answer }) }
end

--- An action that the agent may not perform before somebody has agreed to it.
function M.v1.proposal(job)
  return { (M.v1.work(job, 3)[1]) }
end

-- The action that still waits to be performed: the last one that was told.
local function proposed(job)
  for index = #job.events, 1, -1 do
    if job.events[index].kind == "ActionEvent" then return job.events[index] end
  end
end

function M.v1.accepted(job)
  local waiting = proposed(job)
  local outcome = observation(waiting.tool_call_id, chores[3][1], chores[3][2])
  outcome.action_id = waiting.id
  return { outcome }
end

function M.v1.rejected(job, reason)
  local waiting = proposed(job)
  return { {
    kind = "UserRejectObservation", source = "environment", tool_name = waiting.tool_name,
    tool_call_id = waiting.tool_call_id, action_id = waiting.id, rejection_reason = reason, rejection_source = "user",
  } }
end

function M.v1.pause() return { { kind = "PauseEvent", source = "user" } } end

function M.v1.interrupt() return { { kind = "InterruptEvent", source = "user" } } end

function M.v1.condensation_request() return { { kind = "CondensationRequest", source = "environment" } } end

function M.v1.answer()
  return { message("agent", "There was nothing to change.") }
end

-- What newer agent servers make of a failure, by its code; and they word it once more for people.
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

--- Told by itself whenever `execution_status` changes.
function M.v1.state(_, status)
  return { { kind = "ConversationStateUpdateEvent", source = "environment", key = "execution_status", value = status } }
end

M.v0 = {}

function M.v0.message(job, text)
  local content = text or job.prompt
  return { {
    source = "user", message = content, action = "message",
    args = { content = content, image_urls = array(), wait_for_response = false },
  } }
end

function M.v0.work(job, number)
  local chore = chores[number]
  return {
    {
      source = "agent", message = "Running command: " .. chore[1], action = "run",
      args = { command = chore[1], thought = "", blocking = false, is_input = false, confirmation_state = "confirmed" },
    },
    {
      source = "agent", message = "Command `" .. chore[1] .. "` executed with exit code 0.", observation = "run",
      content = chore[2], cause = #job.events, extras = { command = chore[1], metadata = { exit_code = 0 } },
    },
  }
end

--- An action that the agent may not perform before somebody has agreed to it.
function M.v0.proposal(job)
  local waiting = M.v0.work(job, 3)[1]
  waiting.args.confirmation_state = "awaiting_confirmation"
  return { waiting }
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
