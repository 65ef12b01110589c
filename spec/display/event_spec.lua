-- Events as one line for people: of every kind, and of no kind at all.
local core = require "openhands.core"
local displays = require "openhands.display.event"
local texts = require "openhands.display.text"
local v0 = require "openhands.display.event.v0"
local v1 = require "openhands.display.event.v1"

local function text(words)
  return { { type = "text", text = words } }
end

local function action(fields, more)
  local event = { kind = "ActionEvent", source = "agent", action = fields, tool_name = "a_tool" }
  for name, value in pairs(more or {}) do event[name] = value end
  return event
end

local function observation(fields)
  return { kind = "ObservationEvent", source = "environment", observation = fields, tool_name = "a_tool" }
end

local function state(key, value)
  return { kind = "ConversationStateUpdateEvent", key = key, value = value }
end

local of_v1 = {
  { "user: Fix the typo.", { kind = "MessageEvent", source = "user",
    llm_message = { content = text "Fix the\ntypo." } } },
  { "agent: one two", { kind = "MessageEvent", source = "agent",
    llm_message = { content = { text("one")[1], text("two")[1] } } } },
  { "user: [image]", { kind = "MessageEvent", source = "user",
    llm_message = { content = { { type = "image", image_urls = { "data:x" } } } } } },
  { "user", { kind = "MessageEvent", source = "user", llm_message = { content = {} } } },
  { "assistant: hello", { kind = "MessageEvent", llm_message = { role = "assistant", content = "hello" } } },
  { "$ make test", action { kind = "TerminalAction", command = "make test" } },
  { "run the tests: $ make test", action({ kind = "TerminalAction", command = "make test" },
    { summary = "run the tests" }) },
  { "type: y", action { kind = "TerminalAction", command = "y", is_input = true } },
  { "wait for the command", action { kind = "TerminalAction", command = "", is_input = true } },
  { "$ ls", action { kind = "ExecuteBashAction", command = "ls" } },
  { "view README.md", action { kind = "FileEditorAction", command = "view", path = "README.md" } },
  { "edit README.md", action { kind = "FileEditorAction", command = "str_replace", path = "README.md" } },
  { "undo edit of a.c", action { kind = "StrReplaceEditorAction", command = "undo_edit", path = "a.c" } },
  { "create PLAN.md", action { kind = "PlanningFileEditorAction", command = "create", path = "PLAN.md" } },
  { "edit a.c", action { kind = "EditAction", file_path = "a.c" } },
  { "write a.c", action { kind = "WriteFileAction", file_path = "a.c" } },
  { "read a.c", action { kind = "ReadFileAction", file_path = "a.c" } },
  { "list src", action { kind = "ListDirectoryAction", dir_path = "src" } },
  { "find *.c", action { kind = "GlobAction", pattern = "*.c" } },
  { "search TODO", action { kind = "GrepAction", pattern = "TODO" } },
  { "apply a patch: src/a.c", action { kind = "ApplyPatchAction",
    patch = "*** Begin Patch\n*** Update File: src/a.c\n@@" } },
  { "browse https://a.test", action { kind = "BrowserNavigateAction", url = "https://a.test" } },
  { "click element 3", action { kind = "BrowserClickAction", index = 3 } },
  { "type: hello", action { kind = "BrowserTypeAction", text = "hello", index = 3 } },
  { "browser go back", action { kind = "BrowserGoBackAction" } },
  { "think: It may be the cache.", action({ kind = "ThinkAction", thought = "It may be the cache." },
    { summary = "think about the cache" }) },
  { "finish: All done.", action { kind = "FinishAction", message = "All done." } },
  { "plan, 1 of 3 done: write it", action { kind = "TaskTrackerAction", command = "plan", task_list = {
    { title = "read it", status = "done" }, { title = "write it", status = "in_progress" }, { title = "test it" } } } },
  { "look at the plan", action { kind = "TaskTrackerAction", command = "view", task_list = {} } },
  { "delegate: count the files", action { kind = "TaskAction", description = "count the files" } },
  { "use skill github", action { kind = "InvokeSkillAction", name = "github" } },
  { "switch to model large", action { kind = "SwitchLLMAction", profile_name = "large" } },
  { "run workflow release", action { kind = "WorkflowAction", name = "release" } },
  { 'a_tool: {"title": "x"}', action({ kind = "MCPToolAction", data = { title = "x" } },
    { tool_call = { arguments = '{"title": "x"}' } }) },
  { "some new tool: x", action { kind = "SomeNewToolAction", query = "x" } },
  { "a_tool", action(nil, { tool_call = { arguments = "{}" } }) },
  { "exit 0: ok 3", observation { kind = "TerminalObservation", exit_code = 0, content = text "ok 1\nok 2\nok 3\n" } },
  { "exit 2: no such file", observation { kind = "ExecuteBashObservation", metadata = { exit_code = 2 },
    output = "no such file" } },
  { "exit 0", observation { kind = "TerminalObservation", exit_code = 0, content = {} } },
  { "still running: 50 %", observation { kind = "TerminalObservation", exit_code = -1, content = text "50 %" } },
  { "output: 50 %", observation { kind = "TerminalObservation", content = text "50 %" } },
  { "a_tool: 3 files", observation { kind = "GlobObservation", content = text "3 files" } },
  { "error in a_tool: no such file", observation { kind = "FileEditorObservation", is_error = true,
    content = text "no such file" } },
  { "a_tool", observation {} },
  { "tool title: done", { kind = "ACPToolCallEvent", title = "tool title", content = text "done" } },
  { "tool title: completed", { kind = "ACPToolCallEvent", title = "tool title", status = "completed" } },
  { "failed: LLMBudgetExceeded: too much", { kind = "ConversationErrorEvent", code = "LLMBudgetExceeded",
    detail = "too much" } },
  { "server error: Oops: gone", { kind = "ServerErrorEvent", code = "Oops", detail = "gone" } },
  { "error in terminal: no such tool", { kind = "AgentErrorEvent", tool_name = "terminal", error = "no such tool" } },
  { "state: finished", state("execution_status", "finished") },
  { "state: running", state("full_state", { execution_status = "running", agent = {} }) },
  { "state", state("full_state", {}) },
  { "stats changed", state("stats", { cost = {} }) },
  { "max_iterations: 500", state("max_iterations", 500) },
  { "history condensed (2 events forgotten): short", { kind = "Condensation", forgotten_event_ids = { "a", "b" },
    summary = "short" } },
  { "condense the history", { kind = "CondensationRequest" } },
  { "summary of the history: short", { kind = "CondensationSummaryEvent", summary = "short" } },
  { "hook Stop blocked: not tested", { kind = "HookExecutionEvent", hook_event_type = "Stop", blocked = true,
    success = true, reason = "not tested", hook_command = "check.sh" } },
  { "hook Stop: check.sh", { kind = "HookExecutionEvent", hook_event_type = "Stop", success = true,
    hook_command = "check.sh" } },
  { "model call logged: large", { kind = "LLMCompletionLogEvent", model_name = "large", log_data = "{}" } },
  { "rejected terminal: not that", { kind = "UserRejectObservation", tool_name = "terminal",
    rejection_reason = "not that" } },
  { "system prompt, 2 tools", { kind = "SystemPromptEvent", system_prompt = text "You are", tools = { {}, {} } } },
  { "agent: Hel", { kind = "StreamingDeltaEvent", content = "Hel" } },
  { "tokens: 2 in, 1 out", { kind = "TokenEvent", prompt_token_ids = { 1, 2 }, response_token_ids = { 3 } } },
  { "interrupted", { kind = "InterruptEvent" } },
  { "paused", { kind = "PauseEvent" } },
  { "paused", { kind = "openhands.sdk.event.user_action.PauseEvent" } },
  { "$ ls", { kind = "BashCommand", command = "ls" } },
  { "exit 1: bad", { kind = "BashOutput", exit_code = 1, stderr = "bad" } },
  { "some future event: x", { kind = "SomeFutureEvent", message = "x" } },
  { "some future event", { kind = "SomeFutureEvent", payload = { 1 } } },
}

local of_v0 = {
  { "user: Fix it", { action = "message", source = "user", args = { content = "Fix it" } } },
  { "user: Fix it", { action = "message", source = "user", message = "Fix it" } },
  { "$ ls", { action = "run", source = "agent", args = { command = "ls" } } },
  { "asks to $ ls", { action = "run", args = { command = "ls", confirmation_state = "awaiting_confirmation" } } },
  { "python: 1 + 1", { action = "run_ipython", args = { code = "1 + 1" } } },
  { "read a.c", { action = "read", args = { path = "a.c" } } },
  { "write a.c", { action = "write", args = { path = "a.c" } } },
  { "edit a.c", { action = "edit", args = { path = "a.c" } } },
  { "browse https://a.test", { action = "browse", args = { url = "https://a.test" } } },
  { "browse: noop()", { action = "browse_interactive", args = { browser_actions = "noop()" } } },
  { "think: hm", { action = "think", args = { thought = "hm" } } },
  { "finish: Done.", { action = "finish", args = { final_thought = "Done." } } },
  { "finish: Done.", { action = "finish", args = { outputs = { content = "Done." } } } },
  { "reject: no", { action = "reject", args = { outputs = { reason = "no" } } } },
  { "delegate to Browser", { action = "delegate", args = { agent = "Browser" } } },
  { "recall: x", { action = "recall", args = { query = "x" } } },
  { "use fetch", { action = "call_tool_mcp", args = { name = "fetch" } } },
  { "state: paused", { action = "change_agent_state", args = { agent_state = "paused" } } },
  { "system prompt", { action = "system", args = { content = "You are" } } },
  { "history condensed: short", { action = "condensation", args = { summary = "short" } } },
  { "condense the history", { action = "condensation_request", args = {} } },
  { "plan: view", { action = "task_tracking", args = { command = "view" } } },
  { "loop recovery", { action = "loop_recovery", args = {} } },
  { "exit 0: done", { observation = "run", content = "a\ndone\n", extras = { metadata = { exit_code = 0 } } } },
  { "exit 1", { observation = "run", content = "", extras = { exit_code = 1 } } },
  { "output: a", { observation = "run", content = "a" } },
  { "python: 2", { observation = "run_ipython", content = "2\n" } },
  { "state: error, no money", { observation = "agent_state_changed", extras = { agent_state = "error",
    reason = "no money" } } },
  { "error: bad", { observation = "error", content = "bad" } },
  { "rejected: no", { observation = "user_rejected", content = "no" } },
  { "browse: a page", { observation = "browse", content = "a page" } },
  { "null: nothing", { observation = "null", message = "nothing" } },
}

describe("the text of an event of", function()
  for dialect, cases in pairs { V1 = of_v1, V0 = of_v0 } do
    for _, case in ipairs(cases) do
      it(("%s: %s"):format(dialect, case[1]), function() assert.equal(case[1], displays.text(case[2])) end)
    end
  end

  it("every known kind is shown here", function()
    local shown = {}
    for _, case in ipairs(of_v1) do shown[case[2].kind] = true end
    for _, case in ipairs(of_v0) do shown[case[2].action or case[2].observation] = true end
    for kind in pairs(v1.kinds) do assert.is_true(shown[kind], kind) end
    for kind in pairs(v0.kinds) do assert.is_true(shown[kind], kind) end
  end)

  it("nothing at all is a line, too", function()
    for _, odd in ipairs { {}, { kind = "" }, { kind = "..." }, { kind = 7 }, { action = {} }, "", " \n", 7, false,
      { kind = "MessageEvent" }, { kind = "ActionEvent" }, { kind = "ObservationEvent" } } do
      assert.truthy(displays.text(odd):find "%S")
    end
    assert.equal("event", displays.text(nil))
    assert.equal("event", displays.text {})
    assert.equal("hello", displays.text "hello")
  end)
end)

describe("the text of a hostile event", function()
  local function words_of(words)
    return displays.text { kind = "MessageEvent", source = "user", llm_message = { content = text(words) } }
  end

  it("cannot move the cursor, set the title, or hide what it says", function()
    assert.equal("user: red", words_of "\27[31mred\27[0m")
    assert.equal("user: ab", words_of "a\27]0;owned\7b")
    assert.equal("user: a[2J b", words_of "a\194\155[2J\8\127 b\0")
    assert.equal("user: abc", words_of "a\226\128\174b\226\129\166c\239\187\191")
    assert.equal("user: a b c", words_of "a\r\nb\226\128\168c")
    assert.equal("user: a\239\191\189b", words_of "a\255b")
    assert.equal("user: e" .. ("\204\129"):rep(3), words_of("e" .. ("\204\129"):rep(50)))
  end)

  it("is short, however long the event is, and takes no long time", function()
    for _, piece in ipairs { "x", " ", "\27[", "\n", "\228\184\173", "a\n", "\255" } do
      local before = os.clock()
      for _, event in ipairs {
        { kind = "MessageEvent", llm_message = { content = text(piece:rep(100000)) } },
        observation { kind = "TerminalObservation", exit_code = 0, content = text(piece:rep(100000)) },
        { kind = piece:rep(100000) },
        { observation = piece:rep(100000), content = piece:rep(100000) },
        action({ kind = "TerminalAction", command = piece:rep(100000) }, { summary = piece:rep(100000) }),
      } do
        local line = displays.text(event)
        assert.is_true(#line <= 500)
        assert.equal(line, texts.line(line))
        assert.equal(line, texts.well_formed(line))
      end
      assert.is_true(os.clock() - before < 2, piece)
    end
  end)

  it("keeps secrets to itself", function()
    local secrets = {
      words_of "session_api_key: s3cr3t-s3cr3t", words_of "https://a.test/?tkn=s3cr3t-s3cr3t",
      words_of "Authorization: Bearer s3cr3t-s3cr3t", displays.text(state("session_api_key", "s3cr3t-s3cr3t")),
      words_of "https://user:s3cr3t-s3cr3t@a.test",
      displays.text(action({ kind = "MCPToolAction" }, { tool_call = { arguments = '{"api_key": "s3cr3t-s3cr3t"}' } })),
      displays.text { kind = "New", message = "password=s3cr3t-s3cr3t" },
      words_of((" "):rep(20000 - 100) .. "session_api_key: " .. ("s3cr3t-"):rep(100)),
    }
    for place, line in ipairs(secrets) do
      assert.is_nil(line:find("s3cr3t", 1, true), place .. ": " .. line)
    end
  end)

  it("never raises, whatever its fields are", function()
    local seed = 12345
    local function random(most)
      seed = (seed * 1103515245 + 12345) % 2147483648
      return math.floor(seed / 65536) % most + 1
    end
    local raising = setmetatable({}, {
      __index = function() error "read" end, __tostring = function() error "written" end,
      __len = function() error "counted" end, __metatable = "none",
    })
    local names = { "kind", "action", "observation", "args", "extras", "content", "message", "llm_message", "text",
      "type", "command", "path", "value", "key", "metadata", "exit_code", "tool_name", "source", "detail", "code",
      "error", "summary", "task_list", "tools", "outputs", "agent_state", "stdout", "is_error", 1, 2, "status" }
    local kinds = {}
    for kind in pairs(v1.kinds) do kinds[#kinds + 1] = kind end
    for kind in pairs(v0.kinds) do kinds[#kinds + 1] = kind end
    for _, kind in ipairs { "TerminalAction", "TaskTrackerAction", "FileEditorAction", "TerminalObservation" } do
      kinds[#kinds + 1] = kind
    end
    table.sort(kinds)
    local function value(depth)
      local choice = random(depth > 3 and 9 or 14)
      if choice <= 3 then return kinds[random(#kinds)] end
      if choice == 4 then return ({ "", " ", "\27[1m", "\255\254", "a\nb", "execution_status" })[random(6)] end
      if choice == 5 then return ({ 0, -1, 1.5, 0 / 0, 1 / 0, 2 ^ 60 })[random(6)] end
      if choice == 6 then return random(2) == 1 end
      if choice == 7 then return core.null end
      if choice == 8 then return print end
      if choice == 9 then return raising end
      local made = {}
      for _ = 1, random(6) do made[names[random(#names)]] = value(depth + 1) end
      return made
    end
    for _ = 1, 6000 do
      local event = value(0)
      local line = displays.text(event)
      assert.is_true(#line > 0 and #line <= 500)
      assert.equal(line, texts.line(line))
    end
    assert.equal("event", displays.text(raising))
  end)
end)
