--- Checks the library on one of the last V0 servers, which also has parts of V1.
--   v0.lua ADDRESS MODEL_ADDRESS
local openhands = require "openhands"
local checks = require "spec.real.checks"
local must, same, holds = checks.must, checks.same, checks.holds

local address, model_address = arg[1], arg[2]
local TURN_TIMEOUT = 180 -- seconds for a turn, sandbox included

-- Once its settings are stored, this server also answers V1 requests, about conversations of another kind.
local client = openhands.new { base_url = address, api_key = "any", api = "v0" }
local V0 = checks.new "v0"
local started, done

local function check(what, try)
  V0:check(what, try)
end

check("a fresh server, without settings, is V0", function()
  local fresh = openhands.new { base_url = address, api_key = "any", deadline = 60 }
  local answer, err = fresh:start { initial_user_msg = "Hello." }
  fresh:close()
  same(nil, answer, "answer")
  holds(tostring(err), "Settings not found", "error")
  return tostring(err)
end)

check("request stores its settings", function()
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

check("start", function()
  started = must(client:start { initial_user_msg = "Make a file. [run echo hello > README.md] [sleep 1]" })
  same("v0", started.api, "api")
  same("starting", started.state, "state")
end)

check("wait", function()
  done = must(client:wait(started, { timeout = TURN_TIMEOUT }))
  same("finished", done.state, "state")
  same(started.conversation_id, done.conversation_id, "id")
  return done.answer
end)

check("answer", function()
  holds(must(done:fetch_answer()), "Done: Make a file", "answer")
end)

check("events, and how many", function()
  local list = must(client:events(done):all())
  same(true, #list > 3, "some")
  return #list .. " events"
end)

check("file, files", function()
  same("hello", (must(client:file(done, "README.md")):gsub("%s+$", "")), "contents")
  local found
  for _, name in ipairs(must(client:files(done))) do
    found = found or name == "README.md"
  end
  same(true, found, "README.md among the files")
end)

check("send, wait again", function()
  must(client:send(done, "Again."))
  local after = must(client:wait(done, { timeout = TURN_TIMEOUT }))
  same("finished", after.state, "state")
  holds(after.answer, "Done: Again.", "answer")
end)

check("update, list", function()
  must(client:update(done, { title = "The checks" }))
  for each in client:list() do
    if each.conversation_id == done.conversation_id and each.title == "The checks" then
      return
    end
  end
  error "it is not listed under its title"
end)

check("another client learns of the end", function()
  local other = openhands.new { base_url = address, api_key = "any" }
  local seen = must(other:wait(done.conversation_id, { timeout = 60 }))
  other:close()
  same("finished", seen.state, "state")
end)

check("a client that is not told the dialect reads the events, too", function()
  local other = openhands.new { base_url = address, api_key = "any" }
  local list, err = other:events(done.conversation_id):all()
  other:close()
  same(true, #must(list, err) > 3, "some")
end)

check("trajectory", function()
  must(client:trajectory(done))
end)

check("stop", function()
  must(client:stop(done))
  local state = must(client:status(done)).state -- how the work ended, where the events still tell
  same(true, state == "stopped" or state == "finished", state)
end)

check("an unknown conversation", function()
  local answer, err = client:status(("0"):rep(32))
  same(nil, answer, "answer")
  same("not_found", err.kind, "kind")
end)

check("delete", function()
  must(client:delete(done))
end)

client:close()
os.exit(V0:close() and 0 or 1, true)
