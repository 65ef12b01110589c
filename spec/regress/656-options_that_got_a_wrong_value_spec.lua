-- A refused value did not say to which option it had been given, and the hint named the help of `fleet`, which has no
-- options.
local commands = require "spec.support.command"

describe("the command", function()
  local here = commands.specs(setup, teardown)

  it("names the option whose value it refuses, and the help that tells of it", function()
    for words, problem in pairs {
      ["fleet run x.csv --slots zero"] = "--slots: 'zero' is no whole number of at least 1\nTry '%s fleet run --help'.",
      ["fleet report"] = "missing argument 'NAME'\nTry '%s fleet report --help'.",
      ["fleet"] = "a command is required\nTry '%s fleet --help'.",
      ["start x --repo run --timeout fleet"] =
        "--repo: 'run' is no repository: give owner/name, or its address\nTry '%s start --help'.",
      ["wait x --timeout 5x"] =
        "--timeout: '5x' is no time: give seconds, or a number with s, m, h or d\nTry '%s wait --help'.",
      ["list --api v2"] = "--api: 'v2' must be one of 'auto', 'v0', 'v1' (did you mean 'v0'?)\nTry '%s list --help'.",
      ["list --limit x"] = "--limit: 'x' is no whole number of at least 0\nTry '%s list --help'.",
    } do
      assert.equal(("openhands-lua: %s\n"):format(problem:format "openhands-lua"), here.run(words).errors, words)
    end
  end)
end)
