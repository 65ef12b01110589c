-- `make` must list the available targets, and `make uninstall` must remove everything that was installed and nothing
-- else.

local files = require "spec.support.files"

describe("make", function()
  local function made(words)
    local command = "env -u MAKEFLAGS -u LUA make -s --no-print-directory %s 2>&1 </dev/null"
    local pipe = assert(io.popen(command:format(words)))
    local output = pipe:read "*a"
    pipe:close()
    return output
  end

  it("lists its targets", function()
    local output = made "help"
    for _, target in ipairs { "make ", "test", "demo", "install", "uninstall", "lint", "clean" } do
      assert.is_truthy(output:find(target, 1, true), target)
    end
  end)

  it("says which Lua to take for Neovim", function()
    assert.matches("Neovim has LuaJIT built in: say LUA=luajit", made "LUA=nvim")
  end)

  it("says that a Lua is unknown", function()
    assert.matches("'lua9' is not a known Lua: say LUA=lua5%.1", made "LUA=lua9")
    assert.matches("'make' is not a known Lua", made "LUA=make")
  end)

  it("uninstalls all that it has installed, and nothing else", function()
    local directory, remove = files.directory()
    assert(os.execute(("mkdir -p '%s/build/openhands' '%s/usr/share/lua/5.4/other'"):format(directory, directory)))
    files.write(directory .. "/build/openhands/core.so", "")
    files.write(directory .. "/usr/share/lua/5.4/other/kept.lua", "")
    local words = ("LUA=lua5.4 BUILD='%s/build' -o '%s/build/openhands/core.so' PREFIX='%s/usr' "):format(directory,
      directory, directory)
    assert.matches("^installed the command ", made(words .. "install"))
    local function installed()
      local pipe = assert(io.popen(("cd '%s/usr' && find . -type f | sort"):format(directory)))
      local list = pipe:read "*a"
      pipe:close()
      return list
    end
    assert.matches("/openhands/init%.lua\n", installed())
    assert.matches("/openhands/core%.so\n", installed())
    assert.equal("", made(words .. "uninstall"))
    assert.equal("./share/lua/5.4/other/kept.lua\n", installed())
    remove()
  end)
end)
