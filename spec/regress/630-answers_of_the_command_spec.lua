-- `simulate` redacted the key that it told; a missing key did not name `simulate`; `login` told an internal name when
-- the service could not be reached, and not that a variable goes before the key it stored; `resume` printed `paused`,
-- as if nothing had happened.
local commands = require "spec.support.command"

local NO_KEY = { OPENHANDS_API_KEY = false }

describe("an answer of the command", function()
  local here = commands.specs(setup, teardown, { pace = 0.05 })

  it("has the key of the simulator, also where it is set already", function()
    for _, words in ipairs { "simulate", "--json simulate" } do
      local running = here.begin(words, { OPENHANDS_API_KEY = "simulated" })
      running.read_until "simulated"
      assert.matches(words == "simulate" and "\nexport OPENHANDS_API_KEY=simulated\n" or '"api_key":"simulated"',
        "\n" .. running.output, 1, true)
      running.interrupt()
    end
  end)

  it("names the simulator where there is no key", function()
    assert.matches("; `openhands-lua simulate` works without an account\n",
      here.run("list", { environment = NO_KEY }).errors, 1, true)
  end)

  it("names the command and its options where `login` reaches no service", function()
    local result = here.run("--json login --base-url http://127.0.0.1:1", { environment = NO_KEY })
    assert.equal(1, result.status)
    assert.matches("^openhands%-lua: login: http://127%.0%.0%.1:1 could not be asked: [^\n]+; check the network and "
      .. "%-%-base%-url, or store a key that you have: `openhands%-lua login %-%-from%-stdin`\n$", result.errors)
    assert.equal(result.errors, "openhands-lua: " .. result.json.error.message .. "\n")
  end)

  it("says that a variable goes before the key that `login` stores", function()
    for _, name in ipairs { "OPENHANDS_API_KEY", "OPENHANDS_CLOUD_API_KEY" } do
      local result = here.run("login --from-stdin", { input = "sk-other-key-1\n",
        environment = { OPENHANDS_API_KEY = false, [name] = "sk-variable-1" } })
      assert.equal(0, result.status)
      assert.matches(("\nThe variable %s is set: its key is used, not the stored one, until you unset it.\n$"):format(
        name), result.errors)
    end
    assert.is_nil(here.run("login --from-stdin", { input = "sk-other-key-1\n", environment = NO_KEY })
      .errors:find("variable", 1, true))
    assert.is_nil(here.run "login --forget".errors:find("variable", 1, true))
  end)

  it("says what a conversation that was resumed does, while the service still calls it paused", function()
    local id = here.output "--api v1 start 'Fix it.' --wait --interval 0.05"
    id = id:match "%x+%-[%x-]+"
    assert.matches("\tpaused\t", here.output("--api v1 pause " .. id))
    local result = here.run("--api v1 resume " .. id)
    assert.equal(0, result.status)
    assert.matches(id .. "\tpaused\t", result.output, 1, true)
    assert.equal(("%s: its sandbox is up; the agent stays paused until it gets a message: `openhands-lua send %s "
      .. "TEXT`\n"):format(id, id), result.errors)
    assert.equal("", here.run("--api v1 -q resume " .. id).errors)
    here.output("--api v1 pause " .. id)
    result = here.run(("--api v1 resume --send 'Go on.' %s"):format(id))
    assert.equal(result.output:find("\tpaused\t", 1, true) ~= nil,
      result.errors:find("has the message", 1, true) ~= nil)
  end)
end)
