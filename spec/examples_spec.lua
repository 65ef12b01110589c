-- The example bodies that describe the service, each as the answer to the calls that get it: what comes back is the
-- value or the kind of error that is documented. And each of the good ones again with one thing in it that is not as it
-- should be, at every place: whatever comes back, it is a value or an error of ours.
local cjson = require "cjson"
local core = require "openhands.core"
local example_bodies = require "spec.support.example_bodies"
local json_spans = require "spec.support.json_spans"
local assertions = require "spec.support.assertions"
local canary = require "spec.support.canary"

local ID, OTHER_ID = example_bodies.ID, "0d1e2f3a4b5c4d6e8f901a2b3c4d5e6f"
local TASK = "c2a9e8b7d6f5443c92b1a0f9e8d7c6b5"
local PROMPT = "Fix the typo in README.md and open a pull request."

local function collected(pages, err)
  if not pages then
    return nil, err
  end
  return pages:all()
end

-- The public calls, by the names that the list of examples below gives them.
local calls = {
  start = function(client) return client:start { initial_user_msg = PROMPT, repository = "acme/widgets" } end,
  start_on_branch = function(client)
    return client:start { initial_user_msg = PROMPT, repository = "acme/widgets", selected_branch = "main" }
  end,
  resume_start = function(client)
    return client:start({ initial_user_msg = PROMPT, conversation_id = ID }, { resume = true })
  end,
  status = function(client) return client:status(ID) end,
  short_status = function(client) return client:status "abc1234" end,
  task_status = function(client) return client:status(TASK) end,
  wait = function(client) return client:wait(ID, { timeout = 60, interval = 5 }) end,
  get = function(client) return client:get { ID, OTHER_ID } end,
  list = function(client) return collected(client:list()) end,
  count = function(client) return client:count() end,
  update = function(client) return client:update(ID, { title = "Docs" }) end,
  delete = function(client) return client:delete(ID) end,
  stop = function(client) return client:stop(ID) end,
  start_again = function(client) return client:start_again(ID) end,
  pause = function(client) return client:pause(ID) end,
  resume = function(client) return client:resume(ID, nil, { deadline = 30 }) end,
  send = function(client) return client:send(ID, "Go on.") end,
  queue_message = function(client) -- the row alone: the call looks first whether the conversation still starts
    local fields = { conversation_id = ID, content = "Go on." }
    return client:_call("queue_message", fields, client:_begin "queue_message", "v1")
  end,
  events = function(client) return collected(client:events(ID)) end,
  follow = function(client)
    return collected(client:events(ID, { follow = true }, { timeout = 30, interval = 5 }))
  end,
  event_count = function(client) return client:event_count(ID) end,
  event_batch = function(client)
    return client:event_batch(ID, { "0198c6a1-0000-7a10-8000-000000000001", "unknown" })
  end,
  answer = function(client) return client:answer(ID) end,
  find_pull_requests = function(client) return client:find_pull_requests(ID) end,
  file = function(client) return client:file(ID, "/workspace/project/PLAN.md") end,
  changes = function(client) return client:changes(ID, "/workspace/project") end,
  diff = function(client) return client:diff(ID, "/workspace/project/README.md") end,
  skills = function(client) return client:skills(ID) end,
  hooks = function(client) return client:hooks(ID) end,
  me = function(client) return client:me() end,
  start_tasks_get = function(client) return client.start_tasks:get { TASK, OTHER_ID } end,
  start_tasks_list = function(client) return collected(client.start_tasks:list()) end,
  start_tasks_count = function(client) return client.start_tasks:count() end,
  sandboxes_get = function(client) return client.sandboxes:get { "6mQw1ZpT4rYxN8sVb2KcLd", "unknown" } end,
  sandboxes_list = function(client) return collected(client.sandboxes:list()) end,
  sandboxes_pause = function(client) return client.sandboxes:pause "6mQw1ZpT4rYxN8sVb2KcLd" end,
  sandboxes_resume = function(client) return client.sandboxes:resume "6mQw1ZpT4rYxN8sVb2KcLd" end,
  sandbox_specs_list = function(client) return collected(client.sandbox_specs:list()) end,
  secrets_list = function(client) return collected(client.secrets:list()) end,
  secrets_create = function(client) return client.secrets:create { name = "NAME", value = "value" } end,
  keys_current = function(client) return client.keys:current() end,
  repositories = function(client) return collected(client.git:repositories { provider = "github" }) end,
  branches = function(client)
    return collected(client.git:branches { provider = "github", repository = "acme/widgets", query = "" })
  end,
  device_authorize = function(client) return client.device:authorize() end,
  device_token = function(client) return client.device:token "made-up-code" end,
  agent_answer = function(client) return client:agent(ID):final_response() end,
  agent_events = function(client) return collected(client:agent(ID):events()) end,
  agent_execute = function(client) return client:agent(ID):execute "true" end,
  agent_run = function(client) return client:agent(ID):run() end,
}

-- ---- which example answers which calls ---------------------------------------------------------------------------

-- All that reads a conversation, V1's and V0's.
local V1_STATUS = "status wait get pause resume agent_answer find_pull_requests resume_start"
local EVENTS = "events follow answer find_pull_requests"
local V0_STATUS = "status wait get events update find_pull_requests"

-- By dialect, and by the example that answers these calls when all is well: what answers them here, which they are, and
-- the kind of error that it is.
local answers = {
  v1 = {
    ["v1_start_200.json"] = {
      { "v1_start_200.json", "start" },
      { "error_400_bad_uuid.json", "start", "invalid" },
      { "error_401_no_credentials.json", "start", "authentication" },
      { "error_401_bearer_token.json", "start", "authentication" },
      { "error_403_org.json", "start", "permission" },
      { "error_405.json", "start", "protocol" },
      { "v1_error_422.json", "start", "invalid" },
      { "error_429_user_window.json", "start", "throttled" },
      { "error_429_ip_burst.json", "start", "throttled" },
      { "error_429_concurrency.json", "start", "limit" },
      { "error_429_concurrency_flat.json", "start", "limit" },
      { "error_429_daily_quota.json", "start", "quota" },
    },
    ["v1_conversations_get_200.json"] = {
      { "v1_conversations_get_200.json", V1_STATUS },
      { "v1_conversations_get_mixed_200.json", "status get pause agent_answer" },
      { "v1_conversations_get_mixed_200.json", "wait", "timeout" },
      { "v1_conversations_get_evicted_200.json", "status wait get pause" },
      { "v1_conversations_get_evicted_200.json", "resume", "timeout" },
      { "v1_conversations_get_evicted_200.json", "agent_answer", "conflict" },
      { "v1_conversations_get_resumed_still_paused_200.json", "status wait resume agent_answer" },
      { "v1_conversations_get_error_200.json", "status wait get" },
      { "v1_conversations_get_missing_200.json", "status wait get" },
      { "v1_conversations_get_missing_200.json", "resume agent_answer", "conflict" },
      { "v1_conversations_get_transient_null_200.json", "status get" },
      { "v1_conversations_get_transient_null_200.json", "wait", "timeout" },
      { "v1_conversations_get_old_server_200.json", "status get" },
      { "v1_conversations_get_old_server_200.json", "wait", "timeout" },
      { "error_400_too_many_ids.json", "status get", "invalid" },
      { "error_400_bad_uuid.json", "status get", "invalid" },
      { "error_401_no_credentials.json", "status get", "authentication" },
      { "v1_error_422.json", "status get", "invalid" },
      { "error_429_ip_burst.json", "status get", "throttled" },
      { "error_500.txt", "status get", "server" },
      { "spa_fallback_200.html", "status get", "protocol" },
      { "maintenance_500.html", "status get", "server" },
      { "proxy_502.html", "status get", "server" },
    },
    ["v1_start_tasks_ready_200.json"] = {
      { "v1_start_tasks_ready_200.json", "start_tasks_get task_status" },
      { "v1_start_tasks_error_and_null_200.json", "start_tasks_get task_status" },
      { "v1_error_422.json", "start_tasks_get", "invalid" },
    },
    ["v1_start_tasks_search_200.json"] = { { "v1_start_tasks_search_200.json", "start_tasks_list" } },
    ["v1_start_tasks_count_200.json"] = { { "v1_start_tasks_count_200.json", "start_tasks_count" } },
    ["v1_conversations_search_last_200.json"] = {
      { "v1_conversations_search_200.json", "list" },
      { "v1_conversations_search_last_200.json", "list" },
      { "spa_fallback_200.html", "list", "protocol" },
    },
    ["v1_conversations_count_200.json"] = { { "v1_conversations_count_200.json", "count" } },
    ["v1_conversation_patch_200.json"] = {
      { "v1_conversation_patch_200.json", "update" },
      { "error_404_patch.json", "update", "not_found" },
      { "error_500.txt", "update", "server" },
    },
    ["v1_conversation_delete_200.json"] = {
      { "v1_conversation_delete_200.json", "delete" },
      { "error_404_default.json", "delete", "unsupported" },
    },
    ["v1_send_message_200.json"] = {
      { "v1_send_message_200.json", "send" },
      { "error_409_paused.json", "send", "conflict" },
      { "error_410_archived.json", "send", "not_found" },
      { "error_502_send_message.json", "send", "ambiguous" },
      { "error_404_default.json", "send", "unsupported" },
    },
    ["v1_pending_message_201.json"] = {
      { "v1_pending_message_201.json", "queue_message" },
      { "error_429_pending_queue.json", "queue_message", "limit" },
    },
    ["v1_events_search_200.json"] = {
      { "v1_events_search_200.json", EVENTS },
      { "v1_events_search_page_200.json", "events find_pull_requests" },
      { "v1_events_search_empty_more_200.json", "events" },
      { "v1_events_search_unknown_conversation_200.json", "events" },
      { "v1_events_search_unknown_conversation_200.json", "answer", "not_found" },
      { "v1_events_unknown_kind_200.json", "events find_pull_requests" },
      { "v1_events_budget_error_200.json", "events" },
      { "v1_events_budget_error_200.json", "answer", "not_found" },
      { "error_500.txt", "events follow", "server" },
    },
    ["v1_events_count_200.json"] = { { "v1_events_count_200.json", "event_count" } },
    ["v1_events_batch_200.json"] = { { "v1_events_batch_200.json", "event_batch" } },
    ["v1_file_200.json"] = { { "v1_file_200.json", "file" } },
    ["v1_git_changes_200.json"] = {
      { "v1_git_changes_200.json", "changes" },
      { "error_409_paused.json", "changes", "conflict" },
    },
    ["v1_git_diff_200.json"] = { { "v1_git_diff_200.json", "diff" } },
    ["v1_skills_200.json"] = { { "v1_skills_200.json", "skills" } },
    ["v1_hooks_200.json"] = { { "v1_hooks_200.json", "hooks" } },
    ["v1_sandboxes_get_200.json"] = { { "v1_sandboxes_get_200.json", "sandboxes_get" } },
    ["v1_sandboxes_search_200.json"] = { { "v1_sandboxes_search_200.json", "sandboxes_list" } },
    ["v1_sandbox_pause_200.json"] = {
      { "v1_sandbox_pause_200.json", "sandboxes_pause sandboxes_resume pause resume" },
      { "v1_sandbox_resume_409.json", "sandboxes_resume resume", "conflict" },
      { "error_404_default.json", "sandboxes_pause sandboxes_resume pause resume", "not_found" },
    },
    ["v1_sandbox_specs_search_200.json"] = { { "v1_sandbox_specs_search_200.json", "sandbox_specs_list" } },
    ["v1_secrets_search_200.json"] = { { "v1_secrets_search_200.json", "secrets_list" } },
    ["v1_secret_create_201.json"] = { { "v1_secret_create_201.json", "secrets_create" } },
    ["v1_users_me_200.json"] = {
      { "v1_users_me_200.json", "me" },
      { "error_401_detail.json", "me", "authentication" },
    },
    ["v1_keys_current_200.json"] = { { "v1_keys_current_200.json", "keys_current" } },
    ["v1_repositories_search_200.json"] = { { "v1_repositories_search_200.json", "repositories" } },
    ["v1_branches_search_200.json"] = { { "v1_branches_search_200.json", "branches" } },
    ["v1_device_authorize_200.json"] = { { "v1_device_authorize_200.json", "device_authorize" } },
    ["v1_device_token_pending_400.json"] = { { "v1_device_token_pending_400.json", "device_token", "invalid" } },
    ["agent_final_response_200.json"] = {
      { "agent_final_response_200.json", "agent_answer" },
      { "agent_error_401.json", "agent_answer", "authentication" },
      { "agent_error_500.json", "agent_answer", "server" },
      { "proxy_502.html", "agent_answer", "server" },
    },
    ["agent_events_search_200.json"] = { { "agent_events_search_200.json", "agent_events" } },
    ["agent_bash_execute_200.json"] = { { "agent_bash_execute_200.json", "agent_execute" } },
    ["agent_error_409_running.json"] = { { "agent_error_409_running.json", "agent_run", "conflict" } },
  },
  v0 = {
    ["v0_start_200.json"] = {
      { "v0_start_200.json", "start start_again" },
      { "v0_start_old_200.json", "start start_again" },
      { "v0_start_400_settings.json", "start", "invalid" },
      { "v0_start_400_llm_auth.json", "start", "invalid" },
      { "v0_start_400_missing_message.json", "start", "invalid" },
      { "v0_error_422_extra.json", "start", "invalid" },
      { "error_401_bare_string.json", "start", "permission" },
      { "error_500.txt", "start", "ambiguous" },
      { "v0_start_again_404.json", "start_again", "not_found" },
    },
    ["v0_conversation_running_200.json"] = {
      { "v0_conversation_running_200.json", V0_STATUS },
      { "v0_conversation_stopped_200.json", V0_STATUS },
      { "v0_conversation_archived_200.json", V0_STATUS },
      { "v0_conversation_error_200.json", V0_STATUS },
      { "v0_conversation_documented_200.json", "short_status" },
      { "v0_conversation_unknown_200.json", "status", "not_found" },
      { "maintenance_500.html", "status", "server" },
    },
    ["v0_conversations_list_200.json"] = { { "v0_conversations_list_200.json", "list" } },
    ["v0_delete_200.json"] = {
      { "v0_delete_200.json", "delete update" },
      { "v0_patch_404.json", "update", "not_found" },
    },
    ["v0_stop_200.json"] = { { "v0_stop_200.json", "stop" } },
    ["v0_events_200.json"] = {
      { "v0_events_200.json", "events wait" },
      { "v0_events_200.json", "answer", "not_found" },
    },
  },
}

-- What is no answer to a call, and where it is read.
local elsewhere = {
  ["v1_start_request.json"] = "what a start sends, below",
  ["v0_start_request.json"] = "what a start sends, below",
  ["v1_stream_start_200.wire.json"] = "a stream, below",
  ["v1_stream_start_truncated.wire.txt"] = "a stream, below",
}

-- ---- the specs ---------------------------------------------------------------------------------------------------

local statuses = example_bodies.statuses()
if not statuses then
  describe("the example bodies", function()
    pending "are not there"
  end)
  return
end

local function each_case(run)
  for api, groups in pairs(answers) do
    for instead_of, list in pairs(groups) do
      for _, entry in ipairs(list) do
        for name in entry[2]:gmatch "%S+" do
          run({ api = api, instead_of = instead_of, file = entry[1], call = name, kind = entry[3] })
        end
      end
    end
  end
end

-- Makes the call of a case; it may not raise anything.
local function make_call(case)
  local client, requests = example_bodies.client(case, statuses)
  local good, value, err = pcall(calls[case.call], client)
  client:close()
  if not good then
    error(("%s, %s: raised %s"):format(case.file, case.call, tostring(value)), 0)
  end
  return value, err, requests
end

describe("the example bodies", function()
  it("are all used", function()
    local met = {}
    each_case(function(case) met[case.file] = true end)
    for name in pairs(statuses) do
      assert.is_true(met[name] or elsewhere[name] ~= nil, name .. " is read by nobody")
    end
  end)

  each_case(function(case)
    it(("answer: %s to %s"):format(case.file, case.call), function()
      local value, err, requests = make_call(case)
      assert.is_true(requests.hit, "nobody asked for it")
      if case.kind then
        assert.is_nil(value)
        assert.equal(case.kind, assertions.assert_error(err).kind)
      else
        assert.is_nil(err, tostring(err))
        assert.is_not_nil(value)
      end
    end)
  end)

  for _, sent in ipairs {
    { "v0", "start", "v0_start_200.json", "v0_start_request.json" },
    { "v1", "start_on_branch", "v1_start_200.json", "v1_start_request.json" },
  } do
    it("are what a start sends: " .. sent[4], function()
      local _, _, requests = make_call { api = sent[1], call = sent[2], instead_of = sent[3], file = sent[3] }
      local body = cjson.decode(requests[1].body)
      body.conversation_id = nil -- our own
      assert.same(cjson.decode(example_bodies.read(sent[4])), body)
    end)
  end
end)

describe("the example of a stream", function()
  -- The statuses that are told while it arrives, and what comes at its end.
  local function streamed(name)
    local client = core.new { base_url = "https://service.example", api_key = canary.key, external = true }
    local number = assert(core.start_streaming(client, { initial_user_msg = PROMPT }, { api = "v1" }))
    client:outgoing()
    client:answer(number, { status = 200, body = example_bodies.read(name), content_type = "application/json" })
    local told, task = {}, client:take(number)
    while task do
      told[#told + 1] = task.status
      task = client:take(number)
    end
    local _, value, err = client:next()
    client:close()
    return told, value, err
  end

  it("is reported task by task", function()
    local told, value, err = streamed "v1_stream_start_200.wire.json"
    assert.is_nil(err)
    assert.equal("WORKING", told[1])
    assert.equal("READY", told[#told])
    assert.equal(#told, #value)
  end)

  it("is reported as far as it goes when it is cut off", function()
    local told, value, err = streamed "v1_stream_start_truncated.wire.txt"
    assert.is_nil(value)
    assert.equal("protocol", err.kind)
    assert.equal("WORKING", told[1])
    assert.is_true(#told > 1)
  end)
end)

-- What is wrong with what a call gives for an answer in which something was replaced; nil if nothing is.
local function wrong_with(case, text, span, other)
  case.body = text:sub(1, span[1] - 1) .. other .. text:sub(span[2] + 1)
  local good, problem = pcall(function()
    local _, err = make_call(case)
    if err ~= nil then
      assertions.assert_error(err)
    end
  end)
  if not good then
    return ("%s for %s: %s"):format(other, text:sub(span[1], math.min(span[2], span[1] + 40)), problem)
  end
end

describe("an answer with one value replaced by another", function()
  each_case(function(case)
    if statuses[case.file] >= 300 or not case.file:find "%.json$" then
      return
    end
    it(("is a value or an error: %s to %s"):format(case.file, case.call), function()
      local text = example_bodies.read(case.file)
      case.in_circles = true
      local problems = {}
      for _, span in ipairs(json_spans.of(text)) do
        for _, other in ipairs { "null", "0", '""', "[]", "{}", "true" } do
          problems[#problems + 1] = wrong_with(case, text, span, other)
        end
      end
      assert.equal("", table.concat(problems, "\n"))
    end)
  end)
end)
