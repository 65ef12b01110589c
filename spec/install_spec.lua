-- What `make install` installs works outside the checkout, and `make uninstall` removes all of it. What is missing for
-- a build is named in one line.
local files = require "spec.support.files"
local lfs = require "lfs"
local processes = require "spec.support.processes"

local quoted = processes.quoted

local function output_of(command)
  local pipe = assert(io.popen(command .. " 2>&1 </dev/null"))
  local output = pipe:read "*a"
  pipe:close()
  return output
end

-- Runs make for this Lua, with the module that this process has loaded.
local function made(words)
  local build = assert(package.cpath:match "([^;]*build/[^;?]*)/%?%.so")
  return output_of(("env -u MAKEFLAGS make -s --no-print-directory LUA=%s BUILD=%s -o %s/openhands/core.so %s"):format(
    quoted(processes.interpreter()), quoted(build), quoted(build), words))
end

local NUMBER = _VERSION:match "%d+%.%d+"

describe("make install", function()
  local directory, remove

  before_each(function() directory, remove = files.directory() end)
  after_each(function() remove() end)

  -- Runs a command with nothing of the checkout in its environment.
  local function run(command)
    return output_of(("cd / && env -u LUA_PATH -u LUA_CPATH %s %s"):format(processes.without_leak_checks(), command))
  end

  it("installs a library and a command that need no search path", function()
    local prefix = directory .. "/usr"
    assert.equal(("installed the command %s/bin/openhands-lua and the library in %s/share/lua/%s\nput %s/bin on PATH"
      .. " to run openhands-lua by its name\n"):format(prefix, prefix, NUMBER, prefix),
      made(("install PREFIX=%s"):format(quoted(prefix))))
    local program = ([[package.path = "%s/share/lua/%s/?.lua;%s/share/lua/%s/?/init.lua;" .. package.path
      package.cpath = "%s/lib/lua/%s/?.so;" .. package.cpath
      print(require("openhands").version)]]):format(prefix, NUMBER, prefix, NUMBER, prefix, NUMBER)
    files.write(directory .. "/program.lua", program)
    local version = require("openhands").version
    assert.equal(version .. "\n", run(quoted(processes.interpreter()) .. " " .. directory .. "/program.lua"))
    if pcall(require, "argparse") then
      assert.matches(version, run(prefix .. "/bin/openhands-lua --version"), 1, true)
    end
    for _, path in ipairs { "/share/man/man1/openhands-lua.1", "/share/doc/lua-openhands/doc/cookbook.md",
      "/share/doc/lua-openhands/examples/cookbook/ci_step.lua" } do
      assert.equal("file", lfs.attributes(prefix .. path, "mode"), path)
    end
    assert.equal("", made(("uninstall PREFIX=%s"):format(quoted(prefix))))
    assert.equal("", output_of(("find %s ! -type d"):format(quoted(prefix))))
  end)

  it("puts files below DESTDIR that say where they will be", function()
    local words = ("DESTDIR=%s PREFIX=/opt/x CLUADIR=/opt/x/lib/triplet/lua/%s DOCDIR=/opt/x/doc"):format(
      quoted(directory), NUMBER)
    assert.equal(("installed the command %s/opt/x/bin/openhands-lua and the library in %s/opt/x/share/lua/%s\n"):format(
      directory, directory, NUMBER), made("install " .. words))
    local module = ("%s/opt/x/lib/triplet/lua/%s/openhands/core.so"):format(directory, NUMBER)
    assert.equal("file", lfs.attributes(module, "mode"))
    assert.equal("file", lfs.attributes(directory .. "/opt/x/doc/README.md", "mode"))
    local command = files.read(directory .. "/opt/x/bin/openhands-lua")
    assert.matches("^#!/[^\n]+\npackage%.path = \"/opt/x/share/lua/", command)
    assert.is_nil(command:find(directory, 1, true))
    assert.equal("", made("uninstall " .. words))
    assert.equal("", output_of(("find %s ! -type d"):format(quoted(directory))))
  end)

  it("installs the plugin where Neovim finds it, for the Lua that Neovim has", function()
    local source = lfs.attributes("plugin/openhands.lua", "mode")
    local words = ("PREFIX=%s PATH=%s/bin:\"$PATH\""):format(quoted(directory), quoted(directory))
    assert.matches("^installed [^\n]*\n$", made("install " .. words)) -- the directory is on PATH already
    local installed = directory .. "/share/nvim/site/pack/lua-openhands/start/openhands/plugin/openhands.lua"
    assert.equal(NUMBER == "5.1" and source or nil, lfs.attributes(installed, "mode"))
  end)
end)

describe("a build", function()
  -- A compiler that does not find a header file stands in for a machine without the package.
  local function built_without(header)
    local directory, remove = files.directory()
    files.write(directory .. "/cc", ([[#!/bin/sh
      case " $* " in *' -E - '*) text=$(cat); case $text in *'<%s>'*) exit 1 ;; esac ;; esac
      exit 0
    ]]):format(header))
    assert(os.execute("chmod +x " .. directory .. "/cc"))
    local output = output_of(("env -u MAKEFLAGS make -s --no-print-directory LUA=%s CC=%s/cc BUILD=%s/build"):format(
      quoted(processes.interpreter()), directory, directory))
    remove()
    return output:match "^[^\n]*"
  end

  it("names the package of libcurl's headers in its first line", function()
    assert.equal("openhands needs curl/curl.h (Debian, Ubuntu: apt-get install libcurl4-openssl-dev)",
      built_without "curl/curl.h")
  end)

  it("names the package of Lua's headers in its first line", function()
    assert.matches("^openhands needs lua%.h for [^ ]+ %(Debian, Ubuntu: apt%-get install lib[^ ]+%-dev%)$",
      built_without "lua.h")
  end)
end)
