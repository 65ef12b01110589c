-- In Lua 5.5, the variables of a `for` loop are constants: a file that assigns to one does not load. The other versions
-- of Lua allow it, so this spec reads the source.

local function lua_files()
  local pipe = assert(io.popen "find lua spec examples tools bench -name '*.lua'")
  local list = {}
  for path in pipe:lines() do list[#list + 1] = path end
  pipe:close()
  return list
end

-- The lines of a text that assign to a variable of the `for` around them; blocks are told by their indentation.
local function assignments(text)
  local loops, found, number = {}, {}, 0
  for line in (text .. "\n"):gmatch "(.-)\n" do
    number = number + 1
    local indent, rest = line:match "^(%s*)(%S.*)$"
    if indent then
      while #loops > 0 and #indent <= loops[#loops].indent do loops[#loops] = nil end
      local own = rest:match "^local%s+([%a_][%w_,%s]*)"
      for _, loop in ipairs(loops) do
        for hidden in (own or ""):gmatch "[%w_]+" do loop.hidden[hidden] = true end
        for name in loop.names:gmatch "[%w_]+" do
          local targets = rest:match "^([%a_][%w_]*)%s*=[^=]" or rest:match "^([%a_][%w_]*%s*,[%w_%s,]*)=[^=]" or ""
          for target in targets:gmatch "[%w_]+" do
            if target == name and not loop.hidden[name] then found[#found + 1] = number end
          end
        end
      end
      local names = rest:match "^for%s+([%w_,%s]-)%s+in%s" or rest:match "^for%s+([%w_]+)%s*="
      local goes_on = rest:gsub("%s*%-%-.*$", ""):find "%sdo$"
      if names and goes_on then loops[#loops + 1] = { indent = #indent, names = names, hidden = {} } end
    end
  end
  return found
end

describe("the variables of a for loop", function()
  it("are seen where something is assigned to them", function()
    assert.same({ 2, 4 }, assignments "for a, b in pairs(t) do\n  a = 1\n  local x\n  b = 2\nend\na = 1\n")
    assert.same({ 3 }, assignments "for i = 1, 2 do\n  if i == 1 then\n    x, i = 1, 2\n  end\nend\ni = 3\n")
    assert.same({}, assignments "for i = 1, 2 do print(i == 1) end\ni = 3\n")
    assert.same({}, assignments "for _, a in pairs(t) do\n  local _, b = f(a)\n  _, b = f(b)\nend\n")
  end)

  it("are never assigned to", function()
    local bad = {}
    for _, path in ipairs(lua_files()) do
      local file = assert(io.open(path))
      for _, number in ipairs(assignments(file:read "*a")) do bad[#bad + 1] = path .. ":" .. number end
      file:close()
    end
    assert.same({}, bad)
  end)
end)
