--- Checks the library on an agent server without an app server. app_stub.py tells the library its address.
--   agent.lua STUB_ADDRESS MODEL_ADDRESS WORKSPACE
local openhands = require "openhands"
local checks = require "spec.real.checks"
local must, same, holds = checks.must, checks.same, checks.holds

local address, model_address, workspace = arg[1], arg[2], arg[3]

local TURN_TIMEOUT = 300 -- seconds for a turn

local client = openhands.new { base_url = address, api_key = "any", api = "v1" }
local agent_checks = checks.new "agent"
local id = openhands.uuid()
local agent = client:agent(id)
local README = workspace .. "/README.md"

local function check(what, try)
  agent_checks:check(what, try)
end

local function finished()
  local done = must(client:wait(id, { timeout = TURN_TIMEOUT }))
  same("finished", done.state, "state")
  return done
end

-- The library starts conversations at the service only.
local function begin(text, as)
  return client:agent(as):request {
    method = "POST",
    path = "/api/conversations",
    body = {
      conversation_id = as,
      agent = {
        kind = "Agent",
        llm = { model = "openai/stub", base_url = model_address, api_key = "stub", usage_id = "agent" },
        tools = openhands.array { { name = "terminal" }, { name = "file_editor" } },
      },
      workspace = { kind = "LocalWorkspace", working_dir = workspace },
      initial_message = {
        role = "user",
        content = openhands.array { { type = "text", text = text } },
        run = true,
      },
    },
  }
end

check("request starts a conversation", function()
  must(begin("Make a file. [run echo hello > README.md] [sleep 1]", id))
end)

check("wait", function()
  holds(finished().answer, "Done: Make a file", "answer")
end)

check("server_info, alive, health, ready", function()
  local info = must(agent:server_info())
  must(agent:alive())
  must(agent:health())
  must(agent:ready())
  return info.version
end)

check("info, get, list, count", function()
  same(id, must(agent:info()).id, "id")
  must(agent:get(id))
  local found
  for each in agent:list() do
    found = found or each.id == id
  end
  same(true, found, "listed")
  same(true, must(agent:count()) >= 1, "count")
end)

check("final_response", function()
  holds(must(agent:final_response()).response, "Done: Make a file", "response")
end)

check("events, and how many", function()
  local list = must(agent:events():all())
  same(#list, must(agent:event_count()), "events")
  same(list[1].id, must(agent:event(list[1].id)).id, "the first one by its id")
end)

check("events of one kind, by one source", function()
  local list = must(agent:events({ kind = "MessageEvent" }):all())
  same(1, #list, "messages")
  same("user", list[1].source, "source")
  same(1, #must(agent:events({ source = "user" }):all()), "events of the user")
end)

check("events are followed to the end", function()
  local kinds = {}
  for event in agent:events { follow = true, timeout = TURN_TIMEOUT } do
    kinds[event.kind] = true
  end
  same(true, kinds.ActionEvent and kinds.MessageEvent, "kinds")
end)

check("execute", function()
  local output = must(agent:execute { command = "cat README.md; exit 3", cwd = workspace })
  same(3, output.exit_code, "exit code")
  same("hello\n", output.stdout, "output")
end)

check("bash returns output as it appears", function()
  local text, code = "", nil
  for piece in must(agent:bash({ command = "echo one; sleep 1; echo two", cwd = workspace }, { interval = 0.2 })) do
    text, code = text .. (piece.stdout or ""), piece.exit_code or code
  end
  same("one\ntwo\n", text, "output")
  same(0, code, "exit code")
end)

check("upload, download", function()
  must(agent:upload(workspace .. "/data.csv", "1,2,3\n"))
  local path = os.tmpname()
  local file = must(agent:download(workspace .. "/data.csv", path))
  os.remove(path)
  same(6, file.bytes, "bytes")
end)

check("changes, diff", function()
  local found
  for _, change in ipairs(must(agent:changes(workspace))) do
    found = found or change.path == "README.md"
  end
  same(true, found, "README.md among the changes")
  holds(must(agent:diff(README)).modified, "hello", "diff")
end)

check("events after a known one, and several events by their ids", function()
  local list = must(agent:events():all())
  same(#list - 2, #must(agent:events({ after = list[2].id }):all()), "events after the second")
  local _, err = agent:events({ after = "nobody" }):page()
  same("not_found", err and err.kind, "kind")
  local some = must(agent:event_batch { list[1].id, "nobody" })
  same(list[1].id, some[list[1].id] and some[list[1].id].id, "the first")
  same(nil, some.nobody, "nobody")
end)

check("a command is stopped", function()
  local pieces = must(agent:bash({ command = "sleep 60", cwd = workspace }, { interval = 0.2 }))
  must(agent:stop_command(pieces.command_id))
  local code
  for piece in pieces do
    code = piece.exit_code or code
  end
  same(true, code ~= nil and code ~= 0, "ended by that")
end)

check("archive, create_directory, commits, diff of a commit", function()
  local commit_all = "git add -A; git -c user.name=a -c user.email=a@b.c commit -qm Rows"
  must(agent:execute { command = commit_all, cwd = workspace })
  local path = os.tmpname()
  local file = must(agent:archive({ path = workspace, format = "tar.gz", exclude = { "*.csv", "*.o" } }, path))
  os.remove(path)
  same(true, file.bytes > 0, "bytes")
  must(agent:create_directory(workspace .. "/deep/er"))
  local commit = must(agent:commits(workspace)).commits[1]
  same("Rows", commit.subject, "subject")
  same(true, #must(agent:commit_changes(commit.sha, workspace)) > 0, "changes of the commit")
  holds(must(agent:diff { path = README, commit = commit.sha }).modified, "hello", "diff of the commit")
end)

check("the conversation's own runtime", function()
  same("available", must(agent.runtime:info()).runtime_status, "runtime")
  local output = must(agent.runtime:execute "pwd")
  same(workspace, output.stdout:match "^[^\n]*", "directory")
  must(agent.runtime:upload(workspace .. "/own.txt", "own"))
  same(true, #must(agent.runtime:changes(workspace)) > 0, "changes")
end)

check("tags, another model, a fork", function()
  must(agent:update { tags = { team = "docs" } })
  local info = must(agent:info())
  same("docs", info.tags and info.tags.team, "tag")
  must(agent:switch_llm {
    model = "openai/stub",
    base_url = model_address,
    api_key = "stub",
    usage_id = "agent",
  })
  local other = must(agent:fork { title = "Another way" })
  same("Another way", other.title, "title")
  must(client:agent(other.id):delete())
end)

check("send, wait", function()
  must(agent:send "Again. [sleep 1]")
  holds(finished().answer, "Done: Again.", "answer")
end)

check("pause and run", function()
  must(agent:send "Slowly. [run sleep 5] [run echo on > on.txt]")
  must(agent:pause())
  same("paused", must(client:wait(id, { timeout = TURN_TIMEOUT })).state, "state")
  must(agent:run())
  holds(finished().answer, "Done: Slowly.", "answer")
end)

check("update", function()
  must(agent:update { title = "The checks" })
  same("The checks", must(agent:info()).title, "title")
end)

check("a confirmation is waited for, and given", function()
  must(agent:set_confirmation_policy "AlwaysConfirm")
  must(agent:send "Carefully. [run echo careful]")
  same("waiting", must(client:wait(id, { timeout = TURN_TIMEOUT })).state, "state")
  must(agent:confirm(true))
  local state = must(client:wait(id, { timeout = TURN_TIMEOUT })).state
  if state == "waiting" then -- the tool `finish` is asked about, too, by some releases
    must(agent:confirm(true))
    state = must(client:wait(id, { timeout = TURN_TIMEOUT })).state
  end
  same("finished", state, "state")
end)

check("why it failed", function()
  local other = openhands.uuid()
  must(begin("Fail, please. [refuse]", other))
  local failed = must(client:wait(other, { timeout = TURN_TIMEOUT }))
  same("failed", failed.state, "state")
  -- Some releases tell it twice, once in words for people.
  local words = tostring(failed.detail)
  same(true, words:find("budget is spent", 1, true) ~= nil or words:find("LLM API key", 1, true) ~= nil, words)
  same("auth", failed.classification and failed.classification.kind, "classification")
  return failed.detail
end)

check("a path that this server has not", function()
  local answer, err = agent:request { method = "GET", path = "/api/nothing" }
  same(nil, answer, "answer")
  same(404, err.status, "status")
  return tostring(err)
end)

check("an unknown conversation, and an unknown command", function()
  local _, err = client:agent(openhands.uuid()):final_response()
  same("not_found", err and err.kind, "kind")
  _, err = agent:stop_command(openhands.uuid())
  same("not_found", err and err.kind, "kind")
end)

check("a file that is not there", function()
  local path = os.tmpname()
  os.remove(path)
  local file, err = agent:download(workspace .. "/nothing", path)
  same(nil, file, "file")
  same("not_found", err.kind, "kind")
  return tostring(err)
end)

check("delete", function()
  must(agent:delete())
  local answer, err = agent:info()
  same(nil, answer, "answer")
  same("not_found", err.kind, "kind")
  return tostring(err)
end)

client:close()
os.exit(agent_checks:close() and 0 or 1, true)
