-- The simulator took ports modulo 65536. The command said nothing where there was nothing to show, or that it had done
-- what it had not done; a wrong address was an error of a call of the library; 0 was no limit for `list`, and no event
-- for `events`.
local commands = require "spec.support.command"
local processes = require "spec.support.processes"
local simulator = require "openhands.simulator"

describe("the simulator", function()
  it("refuses ports that are none, in each of its programs", function()
    for _, port in ipairs { "65536", "99999", "-1", "1.5" } do
      local shell = assert(io.popen(("timeout 20 %s lua/openhands/simulator/server.lua --port %s 2>&1; echo exit $?")
        :format(processes.quoted(processes.interpreter()), port)))
      local output = shell:read "*a"
      shell:close()
      assert.matches("simulator: port must be a whole number from 0 to 65535, not " .. port, output, 1, true)
      assert.matches("exit 2\n$", output)
    end
    assert.has_error(function() simulator.spawn { port = 70000 } end)
    assert.has_error(function() simulator.spawn { port = "x" } end,
      'simulator: port must be a whole number from 0 to 65535, not "x"')
  end)
end)

describe("the command", function()
  local here = commands.specs(setup, teardown, { pace = 0.005, api = "v1" })

  it("refuses ports that are none", function()
    for _, port in ipairs { "65536", "99999", "1.5", "x" } do
      local result = here.run("simulate --port " .. port)
      assert.same({ 1, "" }, { result.status, result.output })
      assert.matches(("openhands-lua: --port: '%s' is not a port: give 0 to 65535 (0: any free one)\n"):format(port),
        result.errors, 1, true)
    end
  end)

  it("tells that there is no key to forget", function()
    local words = ("There is no stored key of %s.\n"):format(here.service.address)
    assert.equal(words, here.run("login --forget").errors)
    assert.equal(0, here.run("login --from-stdin", { input = "sk-canary-987654321\n" }).status)
    assert.matches("The key is removed from ", here.run("login --forget").errors)
    local result = here.run "login --forget --json"
    assert.same({ 0, words, false }, { result.status, result.errors, result.json.stored })
  end)

  it("tells what is not there", function()
    assert.matches("There are no conversations.", here.on_terminal "list", 1, true)
    local id = here.output "start 'Fix it.' --repo owner/repo --wait" and here.output "list":match "^[^\t]+"
    assert.matches("There are no such conversations.", here.on_terminal "list --repo no/one", 1, true)
    for _, words in ipairs { "list --repo no/one -q", "list --repo no/one --json" } do
      assert.not_matches("There are no", here.on_terminal(words))
    end
    assert.same({ "", "" }, { here.run("list --repo no/one").output, here.run("list --repo no/one").errors })
    local result = here.run(("diff %s nope.txt README.md"):format(id))
    assert.equal("nope.txt: not changed in this conversation\n", result.errors)
    assert.matches("^%-%-%- a/README.md\n", result.output)
  end)

  it("has one rule for limits", function()
    local id = here.output "list":match "^[^\t]+"
    local all = here.output("events " .. id)
    assert.is_true(#all > 100)
    assert.equal(all, here.output("events -n 0 " .. id))
    assert.equal(all:match "^[^\n]+", here.output("events -n 1 " .. id))
    assert.equal(here.output "list", here.output "list -n 0")
  end)

  it("names the option, or the variable, with a wrong address", function()
    local words = "openhands-lua: %s: 'foo' is not a URL that begins with https://\n"
    assert.equal(words:format "--base-url", here.run("list --base-url foo").errors)
    assert.equal(words:format "OPENHANDS_BASE_URL",
      here.run("list", { environment = { OPENHANDS_BASE_URL = "foo" } }).errors)
    assert.equal("openhands-lua: --organization: 'a b' is not an id\n", here.run("list --organization 'a b'").errors)
    assert.not_matches("secret", here.run("list --base-url https://user:secret@host").errors)
  end)

  it("names its own option where there is no connection", function()
    for _, words in ipairs { "list", "status 7f3b9a1c2d4e4f60a1b2c3d4e5f60718 --api v1", "login" } do
      assert.matches("check the network and --base-url", here.run(words .. " --base-url http://127.0.0.1:1").errors, 1,
        true)
    end
  end)
end)
