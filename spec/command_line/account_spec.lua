-- Keys, the login, the doctor and the simulator, as processes.
local canary = require "spec.support.canary"
local commands = require "spec.support.command"
local files = require "spec.support.files"
local lfs = require "lfs"
local simulator = require "openhands.simulator"

local NO_KEY = { environment = { OPENHANDS_API_KEY = false } }
local KEY = "sk-stored-91f2d0c7a8b6"

describe("the key", function()
  local here = commands.specs(setup, teardown, { pace = 0.01, keys = { KEY, canary.key } })

  before_each(function()
    here.service:reset()
    here.renew()
  end)

  local function stored()
    return here.directory .. "/config/openhands/keys.json"
  end

  it("is missing: the command says where to put it", function()
    local result = here.run("list --json", NO_KEY)
    assert.equal(1, result.status)
    assert.equal("authentication", result.json[1].error.kind)
    assert.matches("`openhands-lua login`", result.errors, 1, true)
  end)

  it("comes from a file that the command line names", function()
    files.write(here.directory .. "/key", KEY .. "\n")
    local words = "list --api-key-file " .. here.directory
    assert.equal(0, here.run(words .. "/key", NO_KEY).status)
    assert.equal(1, here.run(words .. "/none", NO_KEY).status)
    assert.matches("%-%-api%-key%-file", here.run(words .. "/none", NO_KEY).errors)
  end)

  it("cannot be given in the command line, which others can read", function()
    assert.equal(1, here.run("list --api-key " .. KEY).status)
  end)

  it("is stored by `login --from-stdin`, for its owner and this service alone", function()
    local result = here.run("login --json --from-stdin", { input = KEY .. "\n", environment = NO_KEY.environment })
    assert.equal(0, result.status)
    assert.equal(stored(), result.json.path)
    assert.is_nil((result.output .. result.errors):find(KEY, 1, true))
    assert.equal("rw-------", lfs.attributes(stored(), "permissions"))
    assert.matches(KEY, files.read(stored()), 1, true)
    assert.equal(0, here.run("list", NO_KEY).status)
    assert.equal(1, here.run("list --base-url http://127.0.0.1:1", NO_KEY).status)
    assert.equal(KEY, here.service:requests()[1].headers.authorization:match "Bearer (.*)")
    assert.equal(0, here.run("login --forget", NO_KEY).status)
    assert.is_nil(files.read(stored()):find(KEY, 1, true))
    assert.equal(1, here.run("list", NO_KEY).status)
  end)

  it("is refused by `login` if it is none", function()
    for _, input in ipairs { "", "two words\n", "\1\n" } do
      assert.equal(1, here.run("login --from-stdin", { input = input }).status)
    end
    assert.is_nil(lfs.attributes(stored()))
  end)

  it("is stored after a login in the browser", function()
    local result = here.run("login", NO_KEY)
    assert.equal(0, result.status)
    assert.matches("Open http://127.0.0.1:%d+/oauth/device/verify%?user_code=SIMU%-%d+\nand confirm the code SIMU%-",
      result.errors)
    assert.equal("", result.output)
    assert.equal(0, here.run("list", NO_KEY).status)
  end)

  it("is not stored after a login that was denied", function()
    here.service:options { device_login = "denied" }
    local result = here.run("login", NO_KEY)
    assert.equal(1, result.status)
    assert.matches("the login was denied in the browser", result.errors)
    assert.is_nil(lfs.attributes(stored()))
  end)

  it("is not read from a damaged file, which is named", function()
    here.run("login --from-stdin", { input = KEY .. "\n", environment = NO_KEY.environment })
    files.write(stored(), "{")
    local result = here.run("list", NO_KEY)
    assert.equal(1, result.status)
    assert.matches("keys.json is damaged", result.errors, 1, true)
  end)

  it("does not appear when the service repeats it in a title", function()
    local message = "The key is " .. canary.key .. "."
    here.run(("start %q"):format(message))
    here.run "list --json"
    here.run "list"
  end)
end)

describe("doctor", function()
  local here = commands.specs(setup, teardown, { pace = 0.01, keys = { canary.key } })

  local function checks(words, options)
    local result, by_name = here.run("doctor --json " .. words, options), {}
    for _, check in ipairs(result.json.checks) do by_name[check.name] = check end
    return by_name, result
  end

  it("tells the versions, the key, the service, its dialect and the clock", function()
    local found, result = checks ""
    assert.equal(0, result.status)
    assert.is_true(result.json.ok)
    for _, name in ipairs { "Lua", "openhands", "libcurl and TLS", "cjson", "argparse", "account" } do
      assert.is_true(found[name].ok, name)
    end
    assert.equal("variable OPENHANDS_API_KEY", found.key.value)
    assert.equal(here.service.address, found.service.value)
    assert.equal("v1", found.dialect.value)
    assert.matches("^%-?%d s from the service's$", found.clock.value)
    assert.matches("\nok    dialect +v1\n", here.output "doctor")
  end)

  it("finds V0", function()
    assert.equal("v0", checks("--api v0").dialect.value)
    local old = simulator.spawn { pace = 0.01, api = "v0" }
    assert.equal("v0", checks("--base-url " .. old.address).dialect.value)
    old:close()
  end)

  it("says what is wrong: no key, a wrong one, no service", function()
    local found, result = checks("", NO_KEY)
    assert.equal(1, result.status)
    assert.is_false(found.key.ok)
    found, result = checks("", { environment = { OPENHANDS_API_KEY = "sk-wrong-key" } })
    assert.equal(1, result.status)
    assert.is_true(found.service.ok)
    assert.is_false(found.account.ok)
    found, result = checks "--base-url http://127.0.0.1:1"
    assert.equal(1, result.status)
    assert.is_false(found.service.ok)
  end)
end)
