-- A download to a file system without locks or permissions was refused, but left an empty NAME.part behind.

local files = require "spec.support.files"
local lfs = require "lfs"
local processes = require "spec.support.processes"

local program = [[
  local core = require "openhands.core"
  local client = core.new { base_url = "http://127.0.0.1:1", api_key = "sk-canary-0123456789" }
  local number, err = core.download(client, ("0"):rep(32), { api = "v1", download = %q })
  print(number, err and err.kind, err and err.effect)
]]

describe("a download that cannot lock or protect its partial file", function()
  local directory, remove, part

  setup(function()
    directory, remove = files.directory()
    part = directory .. "/x.zip.part"
    local built = os.execute(("${CC:-cc} -shared -fPIC -o %s/failing_files.so spec/c/failing_files.c -ldl"):format(
      directory))
    assert.is_true(built == true or built == 0)
    files.write(directory .. "/program.lua", ("package.path, package.cpath = %q, %q\n"):format(package.path,
      package.cpath) .. program:format(directory .. "/x.zip"))
  end)

  teardown(function()
    remove()
  end)

  after_each(function()
    os.remove(part)
  end)

  local function download_without(failing)
    local pipe = assert(io.popen(("FAILING=%s %s LD_PRELOAD=$LD_PRELOAD:%s/failing_files.so %s %s/program.lua 2>&1")
      :format(failing, processes.without_leak_checks(), directory, processes.quoted(processes.interpreter()),
        directory)))
    local output = pipe:read "*a"
    pipe:close()
    return output
  end

  for _, failing in ipairs { "flock", "fchmod" } do
    it("is refused and leaves nothing behind where " .. failing .. " fails", function()
      assert.equal("nil\tfile\tnone\n", download_without(failing))
      assert.is_nil(lfs.symlinkattributes(part, "mode"))
    end)

    it("does not touch what an earlier one left where " .. failing .. " fails", function()
      files.write(part, "half")
      assert.equal("nil\tfile\tnone\n", download_without(failing))
      assert.equal("half", files.read(part))
    end)
  end
end)
