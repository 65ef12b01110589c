--- Scripts of conversations as data: lists of steps. Each step has a time in seconds, the fields that change at that
-- time, and the builder of events.lua that runs then. progress.lua applies the steps when they are due.
--
-- In the changes, false means null. Seconds are given for `pace` 1, at which a whole conversation takes one minute.
local M = {}

local running = { sandbox_status = "RUNNING", execution_status = "running" }

local start_tasks = {
  { 0, { task_status = "WORKING" } },
  { 1, { task_status = "WAITING_FOR_SANDBOX", sandbox_status = "STARTING" } },
  { 6, { task_status = "PREPARING_REPOSITORY", sandbox_status = "RUNNING" } },
  { 8, { task_status = "RUNNING_SETUP_SCRIPT" } },
  { 10, { task_status = "SETTING_UP_GIT_HOOKS" } },
  { 11, { task_status = "SETTING_UP_SKILLS" } },
  { 12, { task_status = "STARTING_CONVERSATION" } },
  { 14, { task_status = "READY", execution_status = "idle" }, { "message" } },
}

local work = {
  { 16, { execution_status = "running" } },
  { 20, { cost = 0.0142 }, { "work", 1 } },
  { 24, { titled = true } },
  { 32, { cost = 0.0391 }, { "work", 2 } },
  { 44, { cost = 0.0667 }, { "work", 3 } },
}

local finish = { 60, { execution_status = "finished", cost = 0.0831, pr_number = { 7 } }, { "finish" } }

-- The endings of a V1 conversation, by outcome. The steps of `work` above run until the first step of the ending, or
-- until the time in its field `work`. `transient_statuses` replace the statuses in the next reads, one per request,
-- so that no poller misses them.
local endings = {
  finished = { finish },
  flap = { work = 60, { 26, { transient_statuses = { "null", "missing", "null" } } }, finish },
  error = { { 30, { execution_status = "error" }, { "failure", "LLMAuthenticationError",
    "the model provider refused the key" } } },
  budget = { { 18, { execution_status = "error" }, { "failure", "LLMBudgetExceeded",
    "429 budget_exceeded - Current cost: 12.34, Max budget: 10.0" } } },
  stuck = { { 50, { execution_status = "stuck" } } },
  waiting = { { 30, { execution_status = "waiting_for_confirmation" }, { "proposal" } } },
  paused = { { 30, { sandbox_status = "PAUSED", execution_status = false } } },
  missing = { { 30, { sandbox_status = "MISSING", execution_status = false } } },
  idle = { { 60, { execution_status = "idle", cost = 0.0831 }, { "answer" } } },
  unknown = { { 28, { sandbox_status = "HIBERNATING", execution_status = "daydreaming" } }, { 45, running }, finish },
}

-- The details of start tasks that fail, by outcome.
local failed_starts = {
  ["start-error"] = "500: Sandbox failed to start within 120s: {sandbox}",
  ["start-limit"] = "CONCURRENCY_LIMIT_REACHED: You have reached your limit of 3 concurrent conversations.",
  ["start-repository"] = "Unable to access repo {repository}",
}

local v0_start = {
  { 0, { status = "STOPPED" } },
  { 1, { status = "STARTING" } },
  { 11, {}, { "agent_state", "loading" } },
  { 12, { status = "RUNNING", runtime_status = "STATUS$READY" }, { "message" } },
  { 16, {}, { "agent_state", "running" } },
  { 20, {}, { "work", 1 } },
  { 24, { titled = true } },
  { 32, {}, { "work", 2 } },
}

local function agent_state(second, state, runtime_status)
  return { second, { runtime_status = runtime_status }, { "agent_state", state } }
end

local function stopped(second)
  return { second, { status = "STOPPED", runtime_status = false }, { "agent_state", "stopped" } }
end

-- In V0 the status stays RUNNING long after the work has ended: it only means that the runtime is up.
local v0_endings = {
  finished = { { 44, { pr_number = { 7 } }, { "finish" } }, agent_state(44.1, "finished"), stopped(60) },
  idle = { { 44, {}, { "answer" } }, agent_state(44.1, "awaiting_user_input"), stopped(60) },
  error = { agent_state(30, "error", "STATUS$ERROR"), { 45, { status = "ERROR" } } },
  budget = { agent_state(18, "error", "STATUS$ERROR_LLM_OUT_OF_CREDITS"), { 33, { status = "ERROR" } } },
  rejected = { agent_state(30, "rejected"), stopped(45) },
  stuck = { agent_state(50, "error"), stopped(60) },
  waiting = { { 30, {}, { "proposal" } }, agent_state(30.1, "awaiting_user_confirmation") },
  paused = { agent_state(22, "paused"), stopped(30) },
  missing = { { 30, { status = "ARCHIVED", runtime_status = false } } },
  unknown = { { 28, { status = "HIBERNATING" } }, { 45, { status = "RUNNING" } }, agent_state(46, "finished"),
    stopped(60) },
  ["start-error"] = { { 10, { status = "ERROR", runtime_status = "STATUS$ERROR_RUNTIME_DISCONNECTED" },
    { "agent_state", "error" } } },
}

--- The names of all outcomes, for `[simulate: NAME]` in a prompt and for the option `outcome`.
M.outcomes = {}
for _, group in ipairs { endings, failed_starts, v0_endings } do
  for name in pairs(group) do
    M.outcomes[name] = true
  end
end
M.outcomes.slow, M.outcomes["never-ready"] = true, true

--- Returns the outcome that a prompt asks for.
---@param prompt string
---@return string? outcome
function M.outcome_of(prompt)
  local name = prompt:match("%[simulate:[ \t]*([A-Za-z0-9-]+)[ \t]*%]")
  return M.outcomes[name] and name or nil
end

local function append_steps_before(limit, group, steps)
  for _, step in ipairs(group) do
    if step[1] < limit then
      steps[#steps + 1] = step
    end
  end
end

local function v1_steps(outcome, repository, sandbox_id)
  local steps = {}
  if outcome == "never-ready" then
    return { start_tasks[1] }
  end
  local detail = failed_starts[outcome]
  if detail then
    append_steps_before(8, start_tasks, steps)
    detail = detail:gsub("{([a-z]+)}", { sandbox = sandbox_id, repository = repository })
    steps[#steps + 1] = { 12, { task_status = "ERROR", task_detail = detail, sandbox_status = "ERROR" } }
    return steps
  end
  local ending = endings[outcome] or endings.finished
  append_steps_before(15, start_tasks, steps)
  if outcome == "unknown" then
    steps[#steps + 1] = { 4, { task_status = "WARMING_UP_POOL" } }
  end
  append_steps_before(ending.work or ending[1][1], work, steps)
  for _, step in ipairs(ending) do
    steps[#steps + 1] = step
  end
  table.sort(steps, function(one, other) return one[1] < other[1] end)
  return steps
end

local function v0_steps(outcome)
  local steps = {}
  if outcome == "never-ready" then
    return { v0_start[1] }
  end
  if failed_starts[outcome] then
    outcome = "start-error"
  end
  local ending = v0_endings[outcome] or v0_endings.finished
  append_steps_before(ending[1][1], v0_start, steps)
  for _, step in ipairs(ending) do
    steps[#steps + 1] = step
  end
  return steps
end

--- Returns the script of a new conversation.
---@param conversation openhands.simulator.Conversation
---@return table[] steps `{ second, changes, { event name, arguments... }? }`, sorted by second from 0
function M.of(conversation)
  local outcome = conversation.outcome
  local steps = conversation.api == "v0" and v0_steps(outcome)
    or v1_steps(outcome, conversation.repository, conversation.sandbox_id)
  if outcome ~= "slow" then
    return steps
  end
  local slow = {}
  for index, step in ipairs(steps) do
    slow[index] = { step[1] * 10, step[2], step[3] }
  end
  return slow
end

--- Returns the script after a message to an existing conversation.
---@param api? "v0"|"v1" default "v1"
---@return table[] steps
function M.after_message(api)
  if api == "v0" then
    return { agent_state(1, "running"), { 8, {}, { "work", 2 } }, { 20, {}, { "finish" } },
      agent_state(20.1, "finished"), stopped(40) }
  end
  return {
    { 1, running },
    { 8, { cost = 0.0994 }, { "work", 2 } },
    { 20, { execution_status = "finished", cost = 0.1202 }, { "finish" } },
  }
end

--- Returns the script after a V0 client has asked for another state of the agent.
---@param state any "running", "paused", "stopped", "user_confirmed", "user_rejected"
---@return table[]? steps nil if nothing changes
function M.after_agent_state(state)
  if state == "paused" or state == "stopped" then
    return { agent_state(0, state), stopped(30) }
  end
  if state == "user_rejected" then
    return { agent_state(0, state), agent_state(0.1, "awaiting_user_input"), stopped(30) }
  end
  if state ~= "running" and state ~= "user_confirmed" then
    return nil
  end
  local steps = M.after_message("v0")
  if state == "user_confirmed" then
    table.insert(steps, 1, agent_state(0, state))
  end
  return steps
end

--- Returns the script of a V0 conversation that is stopped on request.
---@return table[] steps
function M.after_stop()
  return { stopped(0) }
end

--- Returns the script of a sandbox without a conversation.
---@return table[] steps
function M.of_sandbox()
  return { { 0, { sandbox_status = "STARTING" } }, { 5, { sandbox_status = "RUNNING" } } }
end

--- Returns the script of a resumed sandbox: the agent stays paused until it gets a message.
---@return table[] steps
function M.after_resume()
  return {
    { 0, { sandbox_status = "STARTING", execution_status = false } },
    { 5, { sandbox_status = "RUNNING", execution_status = "paused" } },
  }
end

return M
