-- Files and directories that only their owner may read.
local core = require "openhands.core"
local files = require "spec.support.files"
local lfs = require "lfs"

describe("private files", function()
  local directory, remove

  before_each(function() directory, remove = files.directory() end)
  after_each(function() remove() end)

  local function permissions(name) return lfs.attributes(directory .. name, "permissions") end

  it("are created empty, with their mode", function()
    assert.is_true(core.private_file(directory .. "/a"))
    assert.is_true(core.private_directory(directory .. "/d"))
    assert.same({ "rw-------", "rwx------", "" }, { permissions "/a", permissions "/d", files.read(directory .. "/a") })
  end)

  it("lose the permissions of others, and nothing else", function()
    for _, restrict in ipairs { core.private_file, core.restrict_file } do
      files.write(directory .. "/a", "text")
      os.execute(("chmod 664 '%s/a'"):format(directory))
      assert.is_true(restrict(directory .. "/a"))
      assert.same({ "rw-------", "text" }, { permissions "/a", files.read(directory .. "/a") })
    end
    assert.is_true(core.restrict_file(directory .. "/none"))
    assert.is_nil(permissions "/none")
  end)

  it("leave an existing directory as it is", function()
    os.execute(("mkdir -m 755 '%s/d'"):format(directory))
    assert.is_true(core.private_directory(directory .. "/d"))
    assert.equal("rwxr-xr-x", permissions "/d")
  end)

  it("say why they cannot be", function()
    files.write(directory .. "/a", "")
    for _, case in ipairs {
      { core.private_file, "" }, { core.private_file, "/none/a" }, { core.private_directory, "/none/d" },
      { core.private_directory, "/a" }, { core.private_directory, "/a/d" }, { core.restrict_file, "" },
    } do
      local value, reason = case[1](directory .. case[2])
      assert.is_nil(value)
      assert.equal("string", type(reason))
    end
    assert.is_false((pcall(core.private_file, directory .. "/a\0b")))
    assert.is_false((pcall(core.private_file)))
  end)
end)
