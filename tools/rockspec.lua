-- Compares the files that a rockspec lists with those of src/ and lua/: a file that is not listed is not installed.
--   lua tools/rockspec.lua FILE            prints the differences, and fails if there are any
--   lua tools/rockspec.lua --print         prints both lists as they should be
local function files(command)
  local found, list = {}, {}
  local pipe = assert(io.popen(command))
  for path in pipe:lines() do
    found[path] = true
    list[#list + 1] = path
  end
  pipe:close()
  return found, list
end

local function module_name(path)
  return (path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", "."))
end

local sources, source_list = files "find src -name '*.c' | sort"
local modules, module_list = files "find lua -name '*.lua' | sort"

if arg[1] == "--print" then
  for _, path in ipairs(source_list) do print(("        %q,"):format(path)) end
  for _, path in ipairs(module_list) do print(("    [%q] = %q,"):format(module_name(path), path)) end
  return
end

local rockspec = {}
local chunk
if setfenv then -- Lua 5.1
  chunk = setfenv(assert(loadfile(arg[1])), rockspec)
else
  chunk = assert(loadfile(arg[1], "t", rockspec))
end
chunk()

local wrong = 0
local function complain(...)
  wrong = wrong + 1
  print(("%s: " .. (...)):format(arg[1], select(2, ...)))
end

for name, module in pairs(rockspec.build.modules) do
  if type(module) == "string" then
    if not modules[module] then complain("%s is listed, but does not exist", module) end
    if module_name(module) ~= name then complain("%s is listed as %s", module, name) end
    modules[module] = nil
  else
    for _, path in ipairs(module.sources) do
      if not sources[path] then complain("%s is listed, but does not exist", path) end
      sources[path] = nil
    end
  end
end
for path in pairs(sources) do complain("%s is not listed", path) end
for path in pairs(modules) do complain("%s is not listed", path) end

os.exit(wrong == 0)
