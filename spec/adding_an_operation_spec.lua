-- doc/adding-an-operation.md, carried out: its blocks are put where the page says into a copy of the repository, which
-- is then built; and its specs know the new operation.
local files = require "spec.support.files"
local lfs = require "lfs"
local processes = require "spec.support.processes"

-- The blocks of the page: which file each goes into, and before which text.
local function steps()
  local list = {}
  for path, anchor, text in files.read("doc/adding-an-operation.md"):gmatch
    "<!%-%- before: ([^:\n]+): ([^\n]-) %-%->\n```[^\n]*\n(.-)```\n" do
    list[#list + 1] = { path = path, anchor = anchor, text = text }
  end
  return list
end

local function insert(path, anchor, text)
  local before = files.read(path)
  local at = assert(before:find(anchor, 1, true), ("%s has no %q"):format(path, anchor))
  assert(not before:find(anchor, at + 1, true), ("%s has %q more than once"):format(path, anchor))
  files.write(path, before:sub(1, at - 1) .. text .. before:sub(at))
end

local lua = processes.quoted(os.getenv "LUA" or processes.interpreter())

describe("the page about adding an operation", function()
  local copy, remove

  local function run(command)
    local shell = assert(io.popen(("cd '%s' && { %s; } 2>&1; echo status $?"):format(copy, command)))
    local output = shell:read "*a"
    shell:close()
    assert.matches("status 0\n$", output)
    return output
  end

  setup(function()
    copy, remove = files.directory()
    -- With the objects that are built already, so that only the changed file is compiled.
    run(([[cd '%s' && build_name=$(tools/lua.sh build_name %s) && mkdir -p '%s/build' &&
      cp -a src lua spec tools doc Makefile '%s' && if [ -d "build/$build_name" ]; then
        cp -a "build/$build_name" '%s/build'
      fi]]):format(lfs.currentdir(), lua, copy, copy, copy))
  end)

  teardown(function()
    remove()
  end)

  it("names three places", function()
    local places, count = {}, 0
    for _, step in ipairs(steps()) do
      count = count + (places[step.path] and 0 or 1)
      places[step.path] = true
    end
    assert.equal(3, count)
  end)

  it("gives an operation that builds, is documented, and passes the specs of all operations", function()
    for _, step in ipairs(steps()) do insert(copy .. "/" .. step.path, step.anchor, step.text) end
    -- Without what an interpreter under AddressSanitizer needs.
    local make = "env -u LD_PRELOAD make -s LUA=" .. lua
    run(("%s all && %s reference"):format(make, make))
    assert.truthy(files.read(copy .. "/doc/operations.md"):find("| `pin` | Pins a conversation to the top", 1, true))
    assert.truthy(files.read(copy .. "/lua/openhands/types/operations.lua"):find("---@field pin fun(", 1, true))
    local busted = ('eval "$(%s env)" && env -u LD_PRELOAD %s tools/busted.lua --output=TAP '):format(make, lua)
    local output = run(busted .. "--filter='pin on v' spec/api/vocabulary_spec.lua spec/request/effects_spec.lua")
    for _, what in ipairs {
      "gives what is promised: pin on v1, by the client", "gives what is promised: pin on v1, by the module",
      "gives what is promised: pin on v1, by the conversation", "has no pin on v0, and sends nothing",
      "a call that was certainly not done is repeated: pin on v1",
    } do
      assert.truthy(output:find(what, 1, true), what .. " is not in " .. output)
    end
    run(busted .. "spec/reference_spec.lua")
  end)
end)
