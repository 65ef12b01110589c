--- Has a repository explained to somebody new to it, and prints the explanation.
--
--   lua examples/cookbook/onboarding.lua REPOSITORY >ONBOARDING.md
local openhands = require "openhands"

assert(arg[1], "usage: lua onboarding.lua REPOSITORY")
local done = assert(openhands.run {
  repository = arg[1],
  initial_user_msg = "Explain this repository to a new developer: its parts, how to build and test it, where to begin. "
    .. "Write it to ONBOARDING.md in the root of the workspace.",
})
local text = assert(done:file "ONBOARDING.md")
print(text)
