--- A step of CI: prints what an agent does while it does it, and ends with 0 only if it has finished.
--
--   lua examples/cookbook/ci_step.lua PROMPT [REPOSITORY]
local openhands = require "openhands"

assert(arg[1], "usage: lua ci_step.lua PROMPT [REPOSITORY]")
io.stdout:setvbuf "line" -- or a log would get the lines at the end, all at once
local conversation = assert(openhands.start { initial_user_msg = arg[1], repository = arg[2] })
print(conversation.url)
for event in conversation:events { follow = true } do
  print(event.text)
end
local done = assert(conversation:wait())
print(done.state, done.answer or done.detail)
os.exit(done.state == "finished" and 0 or 1)
