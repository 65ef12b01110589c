-- A symbolic link at keys.json, as users of dotfiles have it, was replaced by a file of its own when a key was stored.
local commands = require "spec.support.command"
local files = require "spec.support.files"
local lfs = require "lfs"

describe("stored keys behind a symbolic link", function()
  local here = commands.specs(setup, teardown)
  local place, dotfiles

  before_each(function()
    here.renew()
    place, dotfiles = here.directory .. "/config/openhands", here.directory .. "/dotfiles"
    os.execute(("mkdir -p '%s' '%s'"):format(place, dotfiles))
  end)

  local function log_in(key)
    return here.run("login --from-stdin", { input = key .. "\n" })
  end

  -- Checks that the link is one, and that its file has the key, for its owner alone, and nothing is beside it.
  local function holds(key, names)
    assert.equal("link", lfs.symlinkattributes(place .. "/keys.json", "mode"))
    assert.matches(key, files.read(dotfiles .. "/keys.json"), 1, true)
    assert.equal("rw-------", lfs.attributes(dotfiles .. "/keys.json", "permissions"))
    local found = {}
    for name in lfs.dir(dotfiles) do found[#found + 1] = name end
    table.sort(found)
    assert.same(names, found)
  end

  it("are written to the file that it leads to", function()
    files.write(dotfiles .. "/keys.json", '{"http://127.0.0.1:2":{"api_key":"sk-kept-12345"}}')
    os.execute(("chmod 644 '%s/keys.json'"):format(dotfiles))
    assert(lfs.link("../../dotfiles/keys.json", place .. "/keys.json", true))
    assert.equal(0, log_in("sk-stored-12345").status)
    holds("sk-stored-12345", { ".", "..", "keys.json" })
    assert.matches("sk-kept-12345", files.read(dotfiles .. "/keys.json"), 1, true)
    assert.equal(0, here.run("login --forget").status)
    holds("sk-kept-12345", { ".", "..", "keys.json" })
  end)

  it("are written through several links, to a file that is not there yet", function()
    assert(lfs.link(dotfiles .. "/it's a link", place .. "/keys.json", true))
    assert(lfs.link("keys.json", dotfiles .. "/it's a link", true))
    assert.equal(0, log_in("sk-stored-12345").status)
    holds("sk-stored-12345", { ".", "..", "it's a link", "keys.json" })
  end)

  it("are refused where the links lead nowhere", function()
    assert(lfs.link("keys.json", place .. "/keys.json", true))
    local result = log_in "sk-stored-12345"
    assert.equal(1, result.status)
    assert.matches("^openhands%-lua: login: [^\n]+keys%.json cannot be [^\n]+\n$", result.errors)
    assert.equal("link", lfs.symlinkattributes(place .. "/keys.json", "mode"))
  end)
end)
