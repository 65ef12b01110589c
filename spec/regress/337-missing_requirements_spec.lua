-- When a library was missing, or the core was built for another Lua, `require` failed with an error that named neither.

local files = require "spec.support.files"

describe("requiring the library", function()
  -- Runs a program in another interpreter like this one, and returns its output.
  local function said(program)
    local directory, remove = files.directory()
    files.write(directory .. "/program.lua", ("package.path, package.cpath = %q, %q\n"):format(package.path,
      package.cpath) .. program)
    local first = -1
    while arg[first - 1] do first = first - 1 end
    local pipe = assert(io.popen(("'%s' %s/program.lua 2>&1"):format(arg[first], directory)))
    local output = pipe:read "*a"
    pipe:close()
    remove()
    return output
  end

  for library, name in pairs { os = "date", debug = "getinfo" } do
    it("names the library " .. library .. " where it is missing", function()
      local output = said(library .. [[, package.loaded.]] .. library .. [[ = nil
        print(select(2, pcall(require, "openhands")))
      ]])
      assert.matches("^openhands needs " .. library .. "%." .. name .. ", which is absent here", output)
    end)
  end

  it("says that the core was built for another Lua", function()
    -- A file whose loading fails in the same words stands in for a core of another Lua.
    local output = said [[
      package.preload["openhands.core"] = function()
        error("error loading module 'openhands.core': core.so: undefined symbol: lua_newuserdatauv", 0)
      end
      print(select(2, pcall(require, "openhands")))
    ]]
    assert.matches("^openhands%.core was built for another Lua than this one, which is ", output)
    assert.matches("`make LUA=lua[j5]", output)
    assert.matches("lua_newuserdatauv", output)
  end)

  it("passes on any other error of loading the core", function()
    local output = said [[
      package.preload["openhands.core"] = function() error("openhands needs lua-cjson", 0) end
      print(select(2, pcall(require, "openhands")))
    ]]
    assert.equal("openhands needs lua-cjson\n", output)
  end)
end)
