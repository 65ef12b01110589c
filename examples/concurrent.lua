--- Runs several conversations at once, in plain Lua and without any other library.
--
--   lua examples/concurrent.lua REPOSITORY...        for example: owner/one owner/two
--
-- Starts a conversation in each repository, two at a time, and prints each change of state. After an hour it stops
-- waiting for a conversation, which continues on the service; the address of its page was printed at its start.
--
-- Needs OPENHANDS_API_KEY; set OPENHANDS_BASE_URL for a service other than the cloud.
local openhands = require "openhands"

if #arg == 0 then
  io.stderr:write "usage: lua examples/concurrent.lua REPOSITORY...\n"
  os.exit(2)
end

local function fix_typos(repository)
  local conversation = assert(openhands.start {
    initial_user_msg = "Fix the typos in the documentation and open a pull request.",
    repository = repository,
  })
  print(("%-20s %s"):format(repository, conversation.url))
  return assert(openhands.wait(conversation, {
    timeout = 3600,
    on_change = function(now) print(("%-20s %s"):format(repository, now.state)) end,
  }))
end

local work = {}
for i, repository in ipairs(arg) do
  work[i] = function() return fix_typos(repository) end
end

-- A task of our own runs at the same time.
local clock = openhands.spawn(function()
  local minutes = 0
  while openhands.sleep(60) do
    minutes = minutes + 1
    print(("%d min"):format(minutes))
  end
end)

local results, err = openhands.all(work, { concurrency = 2 })
clock:cancel()
for i, repository in ipairs(arg) do
  local done, problem = (results or err.results)[i], err and err.errors[i]
  print(("%-20s %s"):format(repository, done and (done.answer or done.state) or tostring(problem)))
end
openhands.close()
os.exit(results and 0 or 1)
