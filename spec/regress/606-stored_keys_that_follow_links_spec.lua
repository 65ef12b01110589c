-- The file that a login wrote first had a known name, and was written through a link; a login without a place for the
-- key told so only after the browser; keys that could not be read were lost with the next login.
local commands = require "spec.support.command"
local files = require "spec.support.files"
local lfs = require "lfs"

describe("the stored key", function()
  local here = commands.specs(setup, teardown, { pace = 0.005 })

  before_each(function() here.renew() end)

  local function path() return here.directory .. "/config/openhands/keys.json" end

  local function log_in(environment)
    return here.run("login --from-stdin", { input = "sk-another-key\n", environment = environment })
  end

  it("is not written through a link at the name of a draft", function()
    log_in()
    files.write(here.directory .. "/precious", "precious")
    assert(lfs.link(here.directory .. "/precious", path() .. ".new", true))
    assert.equal(0, log_in().status)
    assert.equal("precious", files.read(here.directory .. "/precious"))
    assert.equal("rw-------", lfs.attributes(path(), "permissions"))
    local names = {}
    for name in lfs.dir(here.directory .. "/config/openhands") do names[#names + 1] = name end
    table.sort(names)
    assert.same({ ".", "..", "keys.json", "keys.json.new" }, names)
  end)

  it("is kept if the file cannot be read", function()
    log_in()
    local keys = files.read(path())
    files.write(path(), keys .. "{")
    local result = log_in { OPENHANDS_BASE_URL = "http://127.0.0.1:1" }
    assert.equal(1, result.status)
    assert.matches("keys.json is damaged", result.errors, 1, true)
    assert.equal(keys .. "{", files.read(path()))
    os.remove(path())
    lfs.mkdir(path())
    assert.matches("keys.json cannot be read", log_in().errors, 1, true)
  end)

  it("needs a place, which is looked for before the browser", function()
    local result = here.run("login", { environment = { HOME = "", XDG_CONFIG_HOME = "" } })
    assert.equal(1, result.status)
    assert.matches("^openhands%-lua: login: neither XDG_CONFIG_HOME nor HOME is set", result.errors)
  end)
end)
