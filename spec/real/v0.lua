--- A server of V0's last days, which has the beginnings of V1, too.
--   v0.lua ADDRESS MODEL_ADDRESS
local openhands = require "openhands"
local rows = require "spec.real.table"
local must, same, holds = rows.must, rows.same, rows.holds

local address, model_address = arg[1], arg[2]
local PATIENCE = 180 -- seconds for a turn, sandbox included

-- With its settings stored this server answers to V1's names, too, for conversations of another kind.
local client = openhands.new { base_url = address, api_key = "any", api = "v0" }
local V0 = rows.new "v0"
local started, done

local function row(what, try)
  V0:row(what, try)
end

row("a fresh server, without settings, is V0", function()
  local fresh = openhands.new { base_url = address, api_key = "any", deadline = 60 }
  local answer, err = fresh:start { initial_user_msg = "Hello." }
  fresh:close()
  same(nil, answer, "answer")
  holds(tostring(err), "Settings not found", "error")
  return tostring(err)
end)

row("request stores its settings", function()
  must(client:request {
    method = "POST",
    path = "/api/settings",
    body = {
      llm_model = "openai/stub",
      llm_base_url = model_address,
      llm_api_key = "stub",
      agent = "CodeActAgent",
      language = "en",
    },
  })
end)

row("start", function()
  started = must(client:start { initial_user_msg = "Make a file. [run echo hello > README.md] [sleep 1]" })
  same("v0", started.api, "api")
  same("starting", started.state, "state")
end)

row("wait", function()
  done = must(client:wait(started, { timeout = PATIENCE }))
  same("finished", done.state, "state")
  same(started.conversation_id, done.conversation_id, "id")
  return done.answer
end)

row("answer", function()
  holds(must(done:fetch_answer()), "Done: Make a file", "answer")
end)

row("events, and how many", function()
  local list = must(client:events(done):all())
  same(true, #list > 3, "some")
  return #list .. " events"
end)

row("file, files", function()
  same("hello", (must(client:file(done, "README.md")):gsub("%s+$", "")), "contents")
  local found
  for _, name in ipairs(must(client:files(done))) do
    found = found or name == "README.md"
  end
  same(true, found, "README.md among the files")
end)

row("send, wait again", function()
  must(client:send(done, "Again."))
  local after = must(client:wait(done, { timeout = PATIENCE }))
  same("finished", after.state, "state")
  holds(after.answer, "Done: Again.", "answer")
end)

row("update, list", function()
  must(client:update(done, { title = "The rows" }))
  for each in client:list() do
    if each.conversation_id == done.conversation_id and each.title == "The rows" then
      return
    end
  end
  error "it is not listed under its title"
end)

row("another client learns of the end", function()
  local other = openhands.new { base_url = address, api_key = "any" }
  local seen = must(other:wait(done.conversation_id, { timeout = 60 }))
  other:close()
  same("finished", seen.state, "state")
end)

row("a client that has to find out reads the events, too", function()
  local other = openhands.new { base_url = address, api_key = "any" }
  local list, err = other:events(done.conversation_id):all()
  other:close()
  same(true, #must(list, err) > 3, "some")
end)

row("trajectory", function()
  must(client:trajectory(done))
end)

row("stop", function()
  must(client:stop(done))
  local state = must(client:status(done)).state -- how the work ended, where the events still tell
  same(true, state == "stopped" or state == "finished", state)
end)

row("an unknown conversation", function()
  local answer, err = client:status(("0"):rep(32))
  same(nil, answer, "answer")
  same("not_found", err.kind, "kind")
end)

row("delete", function()
  must(client:delete(done))
end)

client:close()
os.exit(V0:close() and 0 or 1, true)
