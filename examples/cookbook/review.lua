--- Has a pull request reviewed, and prints the review and a link to the conversation.
--
--   lua examples/cookbook/review.lua REPOSITORY NUMBER
local openhands = require "openhands"

assert(arg[2], "usage: lua review.lua REPOSITORY NUMBER")
local done = assert(openhands.run {
  repository = arg[1],
  initial_user_msg = ("Review pull request #%s: look for mistakes, missing tests and unclear names. Comment on the "
    .. "lines concerned, and end with a summary. Change nothing."):format(arg[2]),
})
print(done.answer or done.detail)
print(done.url)
os.exit(done.state == "finished" and 0 or 1)
