-- A time below 0 was an unknown option for which all short options were suggested; 'tcsh' was taken for 'bash'; names
-- that were much too long had no suggestion; a text without quotes was "too many arguments".
local commands = require "spec.support.command"

describe("the command", function()
  local here = commands.specs(setup, teardown)

  for words, message in pairs {
    ["wait x --timeout -5"] = "--timeout: '-5' is less than 0",
    ["events x -n -1"] = "-n: '-1' is less than 0",
    ["fleet run x --slots -1"] = "--slots: '-1' is less than 0",
    ["list -5"] = "unknown option '-5'",
    ["wait x -w -5"] = "unknown option '-w'",
    ["send x -5"] = "unknown option '-5'; put -- before a TEXT that begins with -",
    ["completion tcsh"] = "'tcsh' must be one of 'bash', 'zsh', 'fish'",
    ["completion fsh"] = "'fsh' must be one of 'bash', 'zsh', 'fish' (did you mean 'fish'?)",
    ["start Fix the typos"] = "too many arguments: put MESSAGE in quotes if it has several words",
    ["send x go on"] = "too many arguments: put TEXT in quotes if it has several words",
    ["wait x -timeout 5"] = "unknown option '-timeout'\nDid you mean '--timeout'?",
    ["start x --repository a/b"] = "unknown option '--repository'\nDid you mean '--repo'?",
    ["start x --repository=a/b"] = "unknown option '--repository'\nDid you mean '--repo'?",
    ["list --api-key x"] = "unknown option '--api-key'\nDid you mean '--api-key-file'?",
    ["--jsn list"] = "unknown option '--jsn'\nDid you mean '--json'?",
    ["fleet run --plam"] = "unknown option '--plam'\nDid you mean '--plan'?",
    ["list -kabcdefgh"] = "unknown option '-k'",
    ["list --foo"] = "unknown option '--foo'",
  } do
    it("tells what may have been meant: " .. words, function()
      local result = here.run(words)
      assert.same({ 1, "" }, { result.status, result.output })
      assert.equal(("openhands-lua: %s\n"):format(message), (result.errors:gsub("Try '[^\n]*\n$", "")))
    end)
  end
end)
