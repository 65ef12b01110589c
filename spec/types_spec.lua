local core = require "openhands.core"
local lfs = require "lfs"

local function read(path)
  local file = assert(io.open(path))
  local text = file:read "*a"
  file:close()
  return text
end

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
    local of_start = read("lua/openhands/types.lua"):match "@class openhands.StartFields\n(.-)\n\n"
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

  it("know each kind of error that the code makes", function()
    local known = {}
    for kind in read("lua/openhands/errors.lua"):gmatch '%-%-%-| "([%w_]+)"' do
      known[kind] = true
    end
    for path in lfs.dir "lua/openhands" do
      local has_kinds = path:find "%.lua$" and path ~= "settings.lua" -- whose kinds are those of values
      for kind in (has_kinds and read("lua/openhands/" .. path) or ""):gmatch 'kind = "([%w_]+)"' do
        assert.is_true(known[kind], kind)
      end
    end
    for kind in read("src/outcome.c"):match("names%[%] = {(.-)}"):gmatch '"([%w_]+)"' do
      assert.is_true(kind == "good" or known[kind], kind)
    end
    for kind in pairs(known) do
      assert.is_truthy(read("README.md"):find("`" .. kind .. "`", 1, true), kind .. " is not in the README")
    end
  end)
end)
