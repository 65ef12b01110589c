local core = require "openhands.core"
local lfs = require "lfs"
local files = require "spec.support.files"

local KINDS = 23 -- of errors

describe("the types", function()
  it("know each field of a start, with its dialect, and no other", function()
    local dialects = {}
    for _, row in ipairs(core.operations()) do
      if row.name == "start" then
        for _, field in ipairs(row.fields) do
          dialects[field.name] = (dialects[field.name] or "") .. row.api
        end
      end
    end
    local documented = {}
    local of_start = files.read("lua/openhands/types/init.lua"):match "@class openhands.StartFields\n(.-)\n\n"
    of_start = of_start:gsub('%["(%w+)"%]', "%1") -- a word of the annotations' own
    for name, optional, rest in of_start:gmatch "%-%-%-@field ([%w_]+)(%??) ([^\n]*)" do
      documented[name] = true
      assert.is_truthy(dialects[name], name .. " is no field of a start")
      assert.equal(name ~= "initial_user_msg", optional == "?", name)
      assert.equal(rest:match "%((V%d)%)", dialects[name] ~= "v0v1" and dialects[name]:upper() or nil, name)
    end
    for name in pairs(dialects) do
      assert.is_true(documented[name], name .. " is not documented")
    end
  end)

  it("are where .luarc.json tells editors to look", function()
    local settings = require("cjson").decode(files.read ".luarc.json")
    for _, path in ipairs(settings["workspace.library"]) do
      assert.equal("directory", lfs.attributes(path, "mode"), path)
    end
    for _, pattern in ipairs { "lua/?.lua", "lua/?/init.lua" } do
      assert.is_truthy(table.concat(settings["runtime.path"], ";"):find(pattern, 1, true), pattern)
    end
  end)

  it("know each kind of error that the code makes", function()
    local known = {}
    local kinds = files.read("lua/openhands/errors.lua"):match "@alias openhands.ErrorKind\n(.-)\n\n"
    for kind in kinds:gmatch '%-%-%-| "([%w_]+)"' do
      known[kind] = true
    end
    local made, read_count = {}, 0
    local function visit(folder)
      for name in lfs.dir(folder) do
        local path = folder .. "/" .. name
        -- The simulator's kinds, and those of settings, are kinds of values; those of the plugin are Neovim's.
        local is_other = name:find "^%." or name == "simulator" or name == "nvim" or name == "settings.lua"
        if not is_other and lfs.attributes(path, "mode") == "directory" then
          visit(path)
        elseif not is_other and name:find "%.lua$" then
          read_count = read_count + 1
          for kind in files.read(path):gmatch 'kind = "([%w_]+)"' do
            made[kind] = true
          end
        end
      end
    end
    visit "lua/openhands"
    for kind in files.read("src/wire/error_kind.c"):match("names%[%] = {(.-)}"):gmatch '"([%w_]+)"' do
      made[kind] = true
    end
    made.none = nil -- no error
    assert.same(known, made)
    local listed, count = 0, 0
    for path in files.read("openhands-scm-1.rockspec"):gmatch '"lua/openhands/([%w_/]+)%.lua"' do
      local is_read = not path:find "^simulator/" and not path:find "^nvim/" and path ~= "settings"
      listed = listed + (is_read and 1 or 0)
    end
    assert.equal(listed, read_count)
    for _ in pairs(known) do
      count = count + 1
    end
    assert.equal(KINDS, count) -- nobody takes one away unnoticed
    local documented = {}
    local sections = files.read("doc/troubleshooting.md"):match "\n## Kinds of errors\n(.-\n)## "
    for kind in sections:gmatch "\n### `([%w_]+)`\n\n%S" do
      documented[kind] = true
    end
    assert.same(known, documented) -- each has a section of doc/troubleshooting.md, and no section is about another
  end)
end)
