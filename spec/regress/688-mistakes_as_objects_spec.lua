-- With `--json` a mistake in the command line printed nothing on stdout, while each other failure was an object there.
local cjson = require "cjson"
local commands = require "spec.support.command"

describe("the command with --json", function()
  local here = commands.specs(setup, teardown)

  local function object(message)
    return { error = { kind = "usage", message = message, retryable = false } }
  end

  for words, message in pairs {
    ["--json begin"] = "unknown command 'begin'",
    ["start --json"] = "missing argument 'MESSAGE'",
    ["start --json ''"] = "start: the message is empty",
    ["start --json x --repository a/b"] = "unknown option '--repository' Did you mean '--repo'?",
    ["download --json a/b /nowhere/x.zip"] =
      "openhands.download: not an id: 'a/b'; an id has 1 to 128 of A-Z a-z 0-9 _ -, this has 3 bytes",
    ["fleet status x --bogus --json"] = "unknown option '--bogus'",
    ["fleet --json"] = "a command is required",
    ["start --json x --base-url foo"] = "--base-url: 'foo' is not a URL that begins with https://",
  } do
    it("prints a mistake as an object: " .. words, function()
      local result = here.run(words)
      assert.equal(1, result.status)
      assert.same(object(message), result.json)
      assert.matches("^openhands%-lua: ", result.errors)
    end)
  end

  it("prints it in the list of a command that prints a list", function()
    assert.same({ object "--limit: 'x' is no whole number of at least 0" }, here.run("list --json --limit x").json)
    assert.same({ object "unknown option '--bogus'" }, here.run("fleet list --bogus --json").json)
    assert.same({ object "nothing was deleted: answer y, or give --yes" }, here.run("delete --json x").json)
  end)

  it("prints it in a line with --jsonl, and only as text without either", function()
    local result = here.run "list --jsonl --limit x"
    assert.same(object "--limit: 'x' is no whole number of at least 0", cjson.decode(result.output))
    for _, words in ipairs { "list --limit x", "list --limit x -- --json" } do
      assert.equal("", here.run(words).output)
    end
  end)
end)
